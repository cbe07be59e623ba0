import type { ArchiveTier } from '@se/core'
import type { MemoryArchive } from '@se/core/testing'

/** A call that was carried out and whose answer is held back. */
export interface HeldAnswer {
  /** The call has been carried out. */
  readonly reached: Promise<void>
  release(): void
}

type Answering =
  'putBatch' | 'get' | 'getMany' | 'readHeads' | 'readTree' | 'scanIds' | 'foldTree' | 'retireInstances'

/** Holds back the answer of the next call of one method; what it does is done at once. */
export function holdAnswer(archive: MemoryArchive, operation: Answering): HeldAnswer {
  const original = archive[operation].bind(archive) as (...args: unknown[]) => Promise<unknown>
  let release = () => {}
  let reach = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  const reached = new Promise<void>((resolve) => (reach = resolve))
  Object.assign(archive, {
    [operation]: async (...args: unknown[]) => {
      Object.assign(archive, { [operation]: original })
      try {
        return await original(...args)
      } finally {
        reach()
        await released
      }
    },
  } satisfies Partial<Record<keyof ArchiveTier, unknown>>)
  return { reached, release }
}

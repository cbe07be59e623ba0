import type { ArchiveTier, CacheTier } from '@se/core'
import type { FakeClock, MemoryArchive } from '@se/core/testing'

/** Lets time pass until the promise is settled: pauses, timeouts and polls need it. */
export async function settleOn<T>(clock: FakeClock, promise: PromiseLike<T>): Promise<T> {
  let isSettled = false
  const settled = Promise.resolve(promise).finally(() => (isSettled = true))
  settled.catch(() => {})
  for (let turn = 0; !isSettled; turn++) {
    if (turn > 20_000) throw new Error('it hangs')
    await new Promise((resolve) => setImmediate(resolve))
    if (!isSettled && turn % 4 === 3) await clock.advance(turn < 400 ? 5 : 100)
  }
  return settled
}

/** Turns of the event loop without any time: what is ready goes on, timers do not. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets time pass in steps, so that what a timer sets going can end before the next one fires. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    await clock.advance(Math.min(50, left))
    await turns(3)
  }
}

/** A call that was carried out and whose answer is held back. */
export interface HeldAnswer {
  /** The call has been carried out. */
  readonly reached: Promise<void>
  release(): void
}

type Answering = 'putBatch' | 'get' | 'getMany' | 'readHeads' | 'readTree' | 'foldTree' | 'retireInstances'

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

const ARCHIVE_CALLS = [
  'claimInstance',
  'putBatch',
  'get',
  'getMany',
  'readHeads',
  'readTail',
  'readTree',
  'foldTree',
  'scanIds',
  'scanRows',
] as const satisfies readonly (keyof ArchiveTier)[]

const CACHE_CALLS = [
  'readStripes',
  'get',
  'getMany',
  'readPermits',
  'put',
  'createStripe',
  'finishStripe',
  'readReceipt',
  'invalidateLeaves',
  'resetStripe',
] as const satisfies readonly (keyof CacheTier)[]

/**
 * A tier whose calls take time, before and after what they do, so that they overlap and their answers overtake
 * each other.
 *
 * @param pause draws a delay and waits for it, on the way there and on the way back
 */
export function withLatency<T extends ArchiveTier | CacheTier>(
  tier: T,
  pause: (when: 'before' | 'after') => Promise<void>,
): T {
  const calls: readonly string[] = 'putBatch' in tier ? ARCHIVE_CALLS : CACHE_CALLS
  return new Proxy(tier, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>
      if (!calls.includes(String(name))) return method
      return async (...args: unknown[]) => {
        await pause('before')
        try {
          return await method(...args)
        } finally {
          await pause('after')
        }
      }
    },
  })
}

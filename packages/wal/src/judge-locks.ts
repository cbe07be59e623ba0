import { readFileIfAny, type FileSystem } from '@se/core'
import { lockedError } from './errors.ts'
import type { LockPorts } from './held-lock.ts'
import { decodeLockFile, lockPath, readLockName, signPath } from './lock-file.ts'
import { SILENCE_MS, WATCH_MS } from './lock-timing.ts'
import type { Processes } from './process-identity.ts'

/** A file that is not whole is read this often before it counts as left by a crash. */
const READS_MAX = 5

/** Why the next lock may be made. */
export interface Judged {
  /** What the verdict rests on. */
  readonly files: readonly { readonly generation: number; readonly content: Uint8Array }[]
  /** Whether a lock was among them that was held once. */
  readonly hasHolder: boolean
  readonly isFromSilence: boolean
}

/** @returns why the next lock may be made; undefined if there are other ones by now @throws LogLocked */
export async function judgeLocks(
  directory: string,
  generations: readonly number[],
  ports: LockPorts,
): Promise<Judged | undefined> {
  const files: { generation: number; content: Uint8Array }[] = []
  let isFromSilence = false
  for (const generation of generations) {
    const verdict = await judgeLock(directory, generation, ports)
    if (verdict === undefined) return undefined
    files.push({ generation, content: verdict.content })
    isFromSilence ||= verdict.isSilent
    if (verdict.wasHeld) return { files, hasHolder: true, isFromSilence }
  }
  return { files, hasHolder: false, isFromSilence }
}

/** @returns why this lock is not in the way; undefined if it is not there any more @throws LogLocked if its maker lives */
async function judgeLock(
  directory: string,
  generation: number,
  { fileSystem, processes, clock }: LockPorts,
): Promise<{ content: Uint8Array; wasHeld: boolean; isSilent: boolean } | undefined> {
  const startMs = clock.monotonicMs()
  let first: Uint8Array | undefined
  for (let read = 1; ; read++) {
    const content = await readFileIfAny(fileSystem, lockPath(directory, generation))
    if (content === undefined) return undefined
    const file = decodeLockFile(content)
    if (file === undefined) {
      // It is being made, or it is what a crash left: it was never held, since a holder looks at its file.
      if (read < READS_MAX) continue
      return { content, wasHeld: false, isSilent: false }
    }
    const wasHeld = file.state !== 'claimed'
    if (file.state === 'released') return { content, wasHeld, isSilent: false }
    const verdict = await processes.judge(file.holder, signPath(directory, generation, file.nonce))
    if (verdict === 'dead') return { content, wasHeld, isSilent: false }
    first ??= content
    // Only a living process writes.
    if (verdict === 'alive' || !isSame(first, content)) throw lockedError(directory, file.holder)
    if (clock.monotonicMs() - startMs >= SILENCE_MS) return { content, wasHeld, isSilent: true }
    await new Promise<void>((resolve) => clock.setTimer(WATCH_MS, resolve))
  }
}

export async function areUnchanged(
  directory: string,
  files: Judged['files'],
  fileSystem: FileSystem,
): Promise<boolean> {
  for (const { generation, content } of files) {
    if (!isSame(content, await readFileIfAny(fileSystem, lockPath(directory, generation)))) return false
  }
  return true
}

/** A living holder whose lock file was removed or written over still answers on its socket. @throws LogLocked */
export async function refuseStrays(
  directory: string,
  names: readonly string[],
  processes: Processes,
): Promise<void> {
  for (const name of names) {
    if (readLockName(name)?.kind !== 'sign') continue
    if (await processes.answers(`${directory}/${name}`)) throw lockedError(directory, undefined)
  }
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0
}

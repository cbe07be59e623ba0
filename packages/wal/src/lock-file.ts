import type { ProcessIdentity } from './process-identity.ts'

/**
 * The names and the content of lock files. Pure.
 *
 * Each opening makes a file of its own, numbered by generation: `0000000012.lock`. The highest one that is no mere claim counts. So
 * no process ever touches the lock of another: to take over, it creates the next number, and the system lets only one process
 * do that.
 */

/** What a lock file says. */
export interface LockFile {
  readonly holder: ProcessIdentity
  /** Random; part of the sign's name. */
  readonly nonce: string
  /**
   * `claimed` until its maker has looked whether it may hold: then `held`, and `released` once the log was closed. A claim
   * whose maker died says nothing about the lock below it.
   */
  readonly state: 'claimed' | 'held' | 'released'
  /** Counts up while the holder is at work. */
  readonly beat: number
}

/** Always written whole and in place, in one call. */
export const LOCK_FILE_BYTES = 512
const GENERATION_DIGITS = 10
const NAME = /^(\d{10})(?:\.([0-9a-f]{16}))?\.(lock|sock)$/

export function lockFileName(generation: number): string {
  return `${String(generation).padStart(GENERATION_DIGITS, '0')}.lock`
}

/** The socket on which the holder answers. */
export function signFileName(generation: number, nonce: string): string {
  return `${String(generation).padStart(GENERATION_DIGITS, '0')}.${nonce}.sock`
}

export function lockPath(directory: string, generation: number): string {
  return `${directory}/${lockFileName(generation)}`
}

export function signPath(directory: string, generation: number, nonce: string): string {
  return `${directory}/${signFileName(generation, nonce)}`
}

/** @returns undefined for files that are neither */
export function readLockName(name: string): { kind: 'lock' | 'sign'; generation: number } | undefined {
  const match = NAME.exec(name)
  if (match === null || (match[2] === undefined) !== (match[3] === 'lock')) return undefined
  return { kind: match[3] === 'lock' ? 'lock' : 'sign', generation: Number(match[1]) }
}

/** The generations of the lock files among these names, the highest first. */
export function generationsOf(names: readonly string[]): number[] {
  const reads = names.map(readLockName).filter((read) => read?.kind === 'lock')
  return reads.map((read) => read!.generation).sort((a, b) => b - a)
}

export function encodeLockFile({ holder, nonce, state, beat }: LockFile): Uint8Array {
  const { pid, bootId, startTime, namespaces } = holder
  const text = JSON.stringify({ pid, bootId, startTime, namespaces, nonce, state, beat })
  return Buffer.from(`${text.padEnd(LOCK_FILE_BYTES - 1)}\n`)
}

/** @returns undefined if it is not a whole lock file: one in the making, or damaged */
export function decodeLockFile(content: Uint8Array): LockFile | undefined {
  try {
    const read = JSON.parse(Buffer.from(content).toString('utf8')) as Record<string, unknown>
    const { pid, bootId, startTime, namespaces, nonce, state, beat } = read
    const texts = [bootId, startTime, namespaces, nonce]
    if (!Number.isInteger(pid) || !Number.isInteger(beat)) return undefined
    if (!texts.every((text) => typeof text === 'string')) return undefined
    if (state !== 'claimed' && state !== 'held' && state !== 'released') return undefined
    const holder = { pid, bootId, startTime, namespaces } as ProcessIdentity
    return { holder, nonce: nonce as string, state, beat: beat as number }
  } catch {
    return undefined
  }
}

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * A process that can be recognised later: a pid alone is reused by the system, a pid with the moment it
 * started is not. Everything that ends a process by a recorded pid compares both first.
 */
export interface ProcessIdentity {
  readonly pid: number
  /** Opaque; equal only for the same process. Empty when the system would not tell: matches nothing. */
  readonly startedAt: string
}

/**
 * Identity of a running process, or undefined when there is none with that pid. A zombie counts as gone.
 *
 * Linux: boot id and start tick from `/proc`. Elsewhere: what `ps` says.
 */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (process.platform !== 'linux') return identifyByPs(pid)
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command name stands in parentheses and may contain blanks and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return { pid, startedAt: `${bootId}:${fields[19] ?? ''}` }
  } catch {
    return undefined
  }
}

/** True when the process is stopped by a signal (state T), which takes effect some moments after the signal was sent. */
export function isStopped(pid: number): boolean {
  try {
    const state =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)
        : execFileSync('ps', ['-p', String(pid), '-o', 'stat='], { encoding: 'utf8' })
    return state?.startsWith('T') ?? false
  } catch {
    return false
  }
}

function identifyByPs(pid: number): ProcessIdentity | undefined {
  try {
    const line = execFileSync('ps', ['-p', String(pid), '-o', 'stat=,lstart='], { encoding: 'utf8' }).trim()
    if (line === '' || line.startsWith('Z')) return undefined
    return { pid, startedAt: line.replace(/^\S+\s+/, '') }
  } catch {
    return undefined
  }
}

/** True while exactly this process (not a later one with its pid) is running. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identity.startedAt !== '' && identifyProcess(identity.pid)?.startedAt === identity.startedAt
}

/** Sends the signal to exactly this process; false when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false
  try {
    process.kill(identity.pid, signal)
    return true
  } catch {
    return false
  }
}

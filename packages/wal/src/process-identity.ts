import { readFileSync } from 'node:fs'

/** Who holds a lock, so that a dead holder is told from a living one even when its pid is in use again. */
export interface ProcessIdentity {
  readonly pid: number
  /** Changes with every boot of the machine; empty where the system has none. */
  readonly bootId: string
  /** When the process started, in the system's own unit; empty where the system does not say. */
  readonly startTime: string
}

/** What the lock asks of the operating system; a port, so that tests can invent processes. */
export interface Processes {
  self(): ProcessIdentity
  isAlive(identity: ProcessIdentity): boolean
}

/** Linux: boot id and start time from /proc. Elsewhere only the pid counts. */
export const systemProcesses: Processes = {
  self: () => ({ pid: process.pid, bootId: readBootId(), startTime: readStartTime(process.pid) ?? '' }),
  isAlive({ pid, bootId, startTime }) {
    if (bootId !== readBootId()) return false
    try {
      process.kill(pid, 0)
    } catch (error) {
      // EPERM: it lives, and belongs to another user.
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    }
    const startTimeNow = readStartTime(pid)
    return startTimeNow === undefined || startTime === '' || startTimeNow === startTime
  },
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** Field 22 of /proc/<pid>/stat, clock ticks since boot. The name in field 2 may hold spaces and brackets. */
function readStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

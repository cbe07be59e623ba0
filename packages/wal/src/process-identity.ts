/** The process that holds a lock. A dead holder is told from a living one also when its pid is in use again. */
export interface ProcessIdentity {
  readonly pid: number
  /** Changes with every boot of the machine; the machine's name where the system has none. */
  readonly bootId: string
  /** When the process started, in the system's own unit; empty where the system does not say. */
  readonly startTime: string
  /**
   * The namespaces in which pid and start time mean something: the inodes of the pid and the time namespace. Empty where
   * the system has none.
   */
  readonly namespaces: string
}

/** `unknown`: nothing that this process can see tells. */
export type Verdict = 'alive' | 'dead' | 'unknown'

/** What the lock asks of the operating system; a port, so that tests can invent processes. */
export interface Processes {
  self(): ProcessIdentity
  /**
   * Makes a sign that this process lives. Any process of this machine can see it, in any namespace, and it ends
   * with the process.
   *
   * @param path of a file to be made for it, in the directory of the log
   * @returns takes the sign away; where none can be made, it does nothing
   */
  announce(path: string): Promise<() => Promise<void>>
  /** @param signPath where it made its sign, if it could */
  judge(holder: ProcessIdentity, signPath: string): Promise<Verdict>
  /** Whether a living process made the sign. */
  answers(signPath: string): Promise<boolean>
}

/** What can be found out about a holder. Asked one after the other, as far as needed. */
export interface Evidence {
  /** Of the process with this pid: undefined if there is none, empty if it cannot be told. */
  startTime(pid: number): string | undefined
  /** `silent`: the sign is not there, or cannot be asked. */
  sign(): Promise<'answers' | 'refuses' | 'silent'>
  /** Whether the directory's file system is one that a single machine mounts once. */
  isLocal(): Promise<boolean>
}

/**
 * | lock of                              | judged by                                                                  |
 * | ------------------------------------ | -------------------------------------------------------------------------- |
 * | this boot and these namespaces       | pid and start time                                                         |
 * | other ones, or no start time is told | its sign: answers: alive; refuses: dead, where the file system is local    |
 * | a shared file system, or no sign     | nothing: unknown                                                           |
 *
 * A boot id alone does not tell machines apart: systemd-nspawn gives each container one of its own. Nor does a refusal on a shared file
 * system tell anything: it may be mounted once more, by another machine or by this one.
 */
export async function judgeHolder(
  holder: ProcessIdentity,
  self: ProcessIdentity,
  evidence: Evidence,
): Promise<Verdict> {
  if (holder.bootId === self.bootId && holder.namespaces === self.namespaces) {
    const startTime = evidence.startTime(holder.pid)
    if (startTime === undefined) return 'dead'
    if (startTime !== '' && holder.startTime !== '') {
      return startTime === holder.startTime ? 'alive' : 'dead'
    }
  }
  const sign = await evidence.sign()
  if (sign === 'answers') return 'alive'
  if (sign === 'refuses' && (await evidence.isLocal())) return 'dead'
  return 'unknown'
}

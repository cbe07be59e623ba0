/**
 * What the log reports. Every method is optional and called synchronously after the fact; an
 * observer must not call the log. What it throws becomes a warning of the process and changes nothing else.
 */
export interface LogObserver {
  /** A group is durable: one write, one sync. */
  synced?(event: { records: number; bytes: number; durationMs: number }): void
  /** The directory has been read and is open for appending. */
  recovered?(event: LogRecovery): void
  /** Records were released; segments whose records are all released were freed or held. */
  released?(event: { through: number; records: number; segmentsFreed: number }): void
  /** An append was refused, or has to wait. */
  full?(event: { reason: FullReason; refused: boolean }): void
  /** The log has failed and takes no more appends. */
  failed?(event: { operation: string; error: unknown }): void
}

export type FullReason = 'records' | 'bytes' | 'age' | 'disk'

/** What opening found and did. */
export interface LogRecovery {
  /**
   * `created`: no log was there. `closed`: the log had been closed in order, and is whole. `clean`: it had not been
   * closed (a killed process, a power cut), and is whole. `torn`: as `clean`, but the last write had not finished;
   * its remains, which were never acknowledged as durable, were cut off and kept in `torn.pieceFile`.
   */
  readonly outcome: 'created' | 'closed' | 'clean' | 'torn'
  /** Records that are not released. */
  readonly records: number
  /** Bytes read and checked. */
  readonly bytesRead: number
  readonly segments: number
  readonly durationMs: number
  readonly torn?: {
    readonly file: string
    readonly offset: number
    readonly bytes: number
    readonly pieceFile: string
  }
}

const EVENTS = ['synced', 'recovered', 'released', 'full', 'failed'] as const

/** The observer, but for what it throws: a defect there must not fail the log, nor leave a caller without an answer. */
export function guardObserver(observer: LogObserver | undefined): LogObserver | undefined {
  if (observer === undefined) return undefined
  const guarded: LogObserver = {}
  for (const event of EVENTS) {
    if (observer[event] === undefined) continue
    guarded[event] = (told: never) => {
      try {
        observer[event]?.(told)
      } catch (error) {
        process.emitWarning(`the log's observer threw in ${event}: ${String(error)}`, 'SeWalObserver')
      }
    }
  }
  return guarded
}

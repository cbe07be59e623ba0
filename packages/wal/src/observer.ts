/**
 * What the log tells whoever watches it. Every method is optional and called synchronously after the fact; an
 * observer must not throw and must not call the log.
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

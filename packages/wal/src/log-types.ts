/** The states are drawn in `log-life.ts`. */
export type LogState = 'open' | 'closing' | 'closed' | 'failed'

export interface AppendOptions {
  /**
   * May use the room that is kept back when the disk is full, and passes the bounds on records, bytes and age: for
   * what must be written to drain or to stop in order.
   */
  readonly urgent?: boolean
}

export interface LogStats {
  readonly state: LogState
  /** Oldest record not released; one past `lastSequence` if there is none. */
  readonly firstSequence: number
  /** Last record written; 0 if there never was one. */
  readonly lastSequence: number
  /** Last record that survives a power cut. */
  readonly durableSequence: number
  /** Oldest record that `replay` can still give, released or not; one past `lastSequence` if there is none. */
  readonly oldestSequence: number
  /** Records not released. */
  readonly records: number
  /** Bytes of groups not released (to some 16 KiB) and of segments still held: what `limits.bytesMax` bounds. */
  readonly bytes: number
  /** Age of the oldest record not released, ms by the wall clock; 0 if there is none. */
  readonly ageMs: number
  /** Segment files with records, the one being written included. */
  readonly segments: number
  /** Segments wholly released, but held for `releaseDelayMs` or for a reader. */
  readonly heldSegments: number
  /** Files ready for use, the prepared next segment included. */
  readonly spareSegments: number
  /** Bytes that all these files take. */
  readonly fileBytes: number
  /** Records accepted and not yet written. */
  readonly queuedRecords: number
  /** Calls that wait for room. */
  readonly waitingCalls: number
  /** No next segment could be made: only urgent appends are taken. */
  readonly isDiskFull: boolean
}

import type { Operation, ReadItem } from './operation.ts'
import type { Mark } from './rising-floor.ts'

export type AnomalyKind =
  /** A value older than the read may be. */
  | 'stale'
  /** The same, and the newer one is a delete, or this process had read something newer before. */
  | 'resurrected'
  /** Absent, though something must be there. */
  | 'lost'
  /** A value that nobody wrote there. */
  | 'invented'
  /** Two writes of one stamp, or a stamp that is older than what it must follow. */
  | 'stamp'
  /** Two processes that see different things, for good. */
  | 'diverged'

export interface Anomaly {
  readonly kind: AnomalyKind
  readonly id: string
  /** The operation that was told something wrong. */
  readonly operation: Operation
  /** What it was told; `null`: absent, or not an item (see the operation's answer). */
  readonly item: ReadItem | null
  /** What it may not be older than, since when, and by which operation that is known. */
  readonly floor?: Mark
  /** Whether the floor is what the process itself had acknowledged or read of its own (rule 1). */
  readonly isOwn?: boolean
  /** The other operation that contradicts it (`stamp`, `diverged`). */
  readonly other?: Operation
}

export interface Verdict {
  /** In the order of the operations' begins. */
  readonly anomalies: readonly Anomaly[]
  readonly counts: HistoryCounts
}

/** What the check had to hold on to. A history whose reads are not `bounded` proves nothing. */
export interface HistoryCounts {
  readonly operations: number
  readonly writes: number
  readonly acknowledged: number
  /** Ids read, each counted; `containsFast` among them. */
  readonly reads: number
  /** Reads of which something newer than "anything" was demanded. */
  readonly bounded: number
  /** Reads that failed or never ended. */
  readonly unanswered: number
  /** Reads that were excused because the engine could not hear of others (rule 4). */
  readonly deaf: number
  /** Reads of something older than the same process had read before. */
  readonly wentBack: number
  /** For how long something newer had been known to be committed when a read that was not `deaf` began, at most. */
  readonly oldestReadUs: number
  /** The same for `deaf` reads. */
  readonly oldestDeafReadUs: number
}

export interface CheckOptions {
  /** Δ. Default 500. */
  readonly stalenessMs?: number
  /** How far clocks that make stamps may be apart (rule 5). Default 5,000. */
  readonly clockErrorMs?: number
}

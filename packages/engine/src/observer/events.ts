export type TierName = 'L1' | 'L2' | 'L3'
export type OperationName = 'submit' | 'get' | 'delete' | 'batch_write' | 'batch_read'
export type OperationStatus = 'success' | 'error' | 'hit' | 'miss'
/** `ArchiveTier.backend` or `CacheTier.backend`: redis, mysql, sqlite, memory. */
export type Backend = string
/** `untrusted`: the filter could not be used, the tier below was asked. */
export type FilterResult = 'absent' | 'maybe' | 'untrusted'
export type ViewName = 'tree' | 'filter' | 'cache' | 'memory'
/** Why a write was parked [W4, W6, W9]. */
export type ParkCause = 'refused-data' | 'always-fails' | 'below-collection-floor' | 'stamp-ahead-of-archive'
export type FlushCause = 'items' | 'bytes' | 'age' | 'forced'
export type StartStepName =
  'wal_init' | 'sql_connect' | 'replay' | 'tree' | 'cf_restore' | 'redis_connect' | 'redis_sync' | 'poll'
export type LifecyclePhase = 'Created' | 'Starting' | 'Ready' | 'Stopping' | 'Stopped' | 'Failed'
/** As a gauge: closed 0, half-open 0.5, open 1. */
export type BreakerState = 'closed' | 'half-open' | 'open'

export interface OperationEvent {
  readonly tier: TierName
  readonly operation: OperationName
  readonly status: OperationStatus
  readonly durationMs: number
}

export interface TransferEvent {
  readonly tier: TierName
  readonly items: number
  /** Of values, without ids and frames. */
  readonly bytes: number
}

export interface FlushedEvent {
  readonly cause: FlushCause
  readonly status: 'success' | 'error'
  /** Items in the batch. */
  readonly items: number
  readonly bytes: number
  /** Ledger sequence; `undefined` where none was committed. */
  readonly sequence: number | undefined
  /** Items L3 and L2 have taken. */
  readonly l3: number
  readonly l2: number
  readonly superseded: number
  readonly parked: number
  readonly durationMs: number
}

export interface MerkleEvent {
  readonly store: Backend
  readonly operation: 'load' | 'fold' | 'compare' | 'repair' | 'verify'
  readonly status: 'success' | 'error'
  readonly durationMs: number
}

export interface FailedEvent {
  readonly tier: TierName
  readonly operation: OperationName
  /** From {@link errorKind}. */
  readonly kind: string
}

export interface StartStepEvent {
  readonly name: StartStepName
  readonly durationMs: number
  /** What the step found, for the log line: counts, cuts, roots. */
  readonly figures?: Readonly<Record<string, unknown>>
}

export interface TrustEvent {
  readonly view: ViewName
  readonly isTrusted: boolean
  /** For people: "caught up, digest equal", "pruned below our cut". */
  readonly because: string
  /** Where the view stands, as `formatCut` prints it. */
  readonly cut?: string
}

export interface RepairedEvent {
  readonly view: ViewName
  /** Leaves or ids that differed, and those that are right now. */
  readonly differences: number
  readonly repaired: number
  readonly durationMs: number
}

export interface FaultEvent {
  readonly part:
    'log' | 'flush' | 'poll' | 'instance' | 'filter' | 'cache' | 'archive' | 'parking' | 'memory' | 'clock'
  /** One sentence: what happened, and what the engine does now. */
  readonly what: string
  /** `undefined`: none was thrown. */
  readonly error: unknown
  /** What was measured, with the unit in each name. */
  readonly figures?: Readonly<Record<string, number>>
}

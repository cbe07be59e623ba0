import { StorageError } from '@se/core'

/**
 * What the engine tells of itself. Every method is optional, and the parts call it as
 * `observer.flushed?.({ … })`: where there is no listener the event object is not even made.
 *
 * An observer runs inside the engine's own work: it must be quick and must not call back into the engine; what it throws becomes a
 * warning. Durations are ms, sizes bytes. Every label is one of the few words listed here; an id never is one [P48].
 *
 * The log has an observer of its own in `@se/wal`.
 */
export interface EngineObserver {
  /** One call of the engine, or one question to a tier, has ended. */
  operation?(event: OperationEvent): void
  /** Items and bytes a tier has taken. */
  written?(event: TransferEvent): void
  /** A batch was sent to a tier and taken. */
  batch?(event: TransferEvent): void
  /** A group of pending items has been moved to L3 and L2, or has failed to. */
  flushed?(event: FlushedEvent): void
  /** The filter was asked. */
  filterChecked?(event: { readonly result: FilterResult }): void
  /** The filter said `maybe` and the archive `absent`. */
  falsePositive?(): void
  /** L1 gave up clean entries to stay within its bound. */
  evicted?(event: { readonly count: number }): void
  /** A call of a tier is tried again after `delayMs`. */
  retried?(event: { readonly backend: Backend; readonly attempt: number; readonly delayMs: number }): void
  /** Items were put aside because the archive can never take them as they are. */
  parked?(event: { readonly count: number; readonly because: ParkCause }): void
  /** Own writes met something newer in the archive. */
  superseded?(event: { readonly count: number }): void
  /** Work on a digest tree or a receipt. */
  merkle?(event: MerkleEvent): void
  /** Something failed: counted, not logged (an unreachable tier fails thousands of times a second). */
  failed?(event: FailedEvent): void
  /** A step of the start has ended. */
  startStep?(event: StartStepEvent): void
  /** The engine is ready. */
  started?(event: { readonly durationMs: number; readonly isDegraded: boolean }): void
  /** The life cycle moved on. */
  phaseChanged?(event: { readonly from: LifecyclePhase; readonly to: LifecyclePhase }): void
  /** A view gained or lost trust. */
  trust?(event: TrustEvent): void
  /** Copies that differed were made right. */
  repaired?(event: RepairedEvent): void
  /** A tier began or ceased to answer. */
  backendHealth?(event: {
    readonly backend: Backend
    readonly tier: TierName
    readonly isHealthy: boolean
  }): void
  /** The breaker in front of a tier changed. */
  breaker?(event: { readonly backend: Backend; readonly state: BreakerState }): void
  /** Something an operator should know of: the log has failed, the instance was fenced, a poll failed. */
  fault?(event: FaultEvent): void
  /** Called once, at creation: `read` gives the gauges of now, so that an idle engine reports too. */
  gauges?(read: () => EngineGauges): void
}

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
export type StartPhase =
  'wal_init' | 'sql_connect' | 'replay' | 'tree' | 'cf_restore' | 'redis_connect' | 'redis_sync'
export type LifecyclePhase = 'Created' | 'Starting' | 'Ready' | 'Stopping' | 'Stopped' | 'Failed'
/** As a gauge: closed 0, half-open 0.5, open 1. */
export type BreakerState = 'closed' | 'half-open' | 'open'

/** Value of the gauge `sync_engine_circuit_breaker_state`. */
export const BREAKER_GAUGE: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 0.5, open: 1 }

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
  readonly phase: StartPhase
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

/** Everything that is pulled, at one moment. */
export interface EngineGauges {
  readonly l1Items: number
  /** What L1 accounts for, bytes. */
  readonly l1Bytes: number
  /** 0 … 1: part of L1's bound that cannot be evicted. */
  readonly memoryPressure: number
  /** 0 … 1: part of the pending bound in use; at 1 writers wait or are refused. */
  readonly backpressureLevel: number
  /** Ids in the filter. */
  readonly filterEntries: number
  /** 0 … 1: slots in use. */
  readonly filterLoad: number
  /** Acknowledged and not yet in L3. */
  readonly pendingItems: number
  /** Seconds since the oldest pending item was acknowledged; 0 with none. */
  readonly pendingAgeSeconds: number
  /** Records of the log that are not released. */
  readonly walEntries: number
  /** What the log uses, bytes. */
  readonly walBytes: number
  /** Ledger rows each view has yet to apply. */
  readonly viewLagBatches: Readonly<Partial<Record<ViewName, number>>>
  readonly viewTrusted: Readonly<Partial<Record<ViewName, boolean>>>
  readonly backendHealthy: Readonly<Record<Backend, boolean>>
  readonly breakerState: Readonly<Record<Backend, BreakerState>>
}

/** The gauges of an engine that has not started. */
export const GAUGES_AT_REST: EngineGauges = {
  l1Items: 0,
  l1Bytes: 0,
  memoryPressure: 0,
  backpressureLevel: 0,
  filterEntries: 0,
  filterLoad: 0,
  pendingItems: 0,
  pendingAgeSeconds: 0,
  walEntries: 0,
  walBytes: 0,
  viewLagBatches: {},
  viewTrusted: {},
  backendHealthy: {},
  breakerState: {},
}

/** Listens to nothing: the default. */
export const silentObserver: EngineObserver = {}

/**
 * The kind of an error as a metric label: the code of an error of ours, `UNEXPECTED` for all others. Bounded,
 * because codes are constants of the classes, while messages and driver codes are not.
 */
export function errorKind(error: unknown): string {
  return error instanceof StorageError ? error.code : 'UNEXPECTED'
}

// The type refuses a method that is missing here.
const METHODS: Readonly<Record<keyof EngineObserver, true>> = {
  operation: true,
  written: true,
  batch: true,
  flushed: true,
  filterChecked: true,
  falsePositive: true,
  evicted: true,
  retried: true,
  parked: true,
  superseded: true,
  merkle: true,
  failed: true,
  startStep: true,
  started: true,
  phaseChanged: true,
  trust: true,
  repaired: true,
  backendHealth: true,
  breaker: true,
  fault: true,
  gauges: true,
}

/**
 * One observer that tells several. A method none of them has stays undefined, so it costs nothing. What an observer
 * throws becomes a warning of the process: a defect there must not fail a call of the engine.
 */
export function combineObservers(observers: readonly EngineObserver[]): EngineObserver {
  const combined: Partial<Record<keyof EngineObserver, (event: never) => void>> = {}
  for (const method of Object.keys(METHODS) as (keyof EngineObserver)[]) {
    const listeners = observers.flatMap((observer) => {
      const listener = observer[method] as ((event: never) => void) | undefined
      return listener === undefined ? [] : [guarded(method, listener.bind(observer))]
    })
    const [first, ...others] = listeners
    if (first === undefined) continue
    combined[method] =
      others.length === 0
        ? first
        : (event) => {
            for (const listener of listeners) listener(event)
          }
  }
  return combined as EngineObserver
}

function guarded(method: string, listener: (event: never) => void): (event: never) => void {
  return (event) => {
    try {
      listener(event)
    } catch (error) {
      process.emitWarning(`the engine's observer threw in ${method}: ${String(error)}`, 'SeEngineObserver')
    }
  }
}

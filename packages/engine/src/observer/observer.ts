import type {
  Backend,
  BreakerState,
  FailedEvent,
  FaultEvent,
  FilterResult,
  FlushedEvent,
  LifecyclePhase,
  MerkleEvent,
  OperationEvent,
  ParkCause,
  RepairedEvent,
  StartStepEvent,
  TierName,
  TransferEvent,
  TrustEvent,
} from './events.ts'
import type { EngineGauges } from './gauges.ts'

/**
 * What the engine tells of itself. Every method is optional, and the parts call it as
 * `observer.flushed?.({ … })`: where there is no listener the event object is not even made.
 *
 * An observer runs inside the engine's own work: it must be quick and must not call back into the engine; what it throws becomes a
 * warning. Durations are ms, sizes bytes. Every label is one of the few words listed in `events.ts`; an id never is one [P48].
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

/** Listens to nothing: the default. */
export const silentObserver: EngineObserver = {}

export type {
  BoundOptions,
  BytesOwnership,
  Consistency,
  DeleteOptions,
  GetManyOptions,
  GetOptions,
  GetSyncOptions,
  StartOptions,
  StopOptions,
  SubmitOptions,
  VerifyOptions,
} from './call-options.ts'
export { createEngine } from './create-engine.ts'
export type { EngineConfig } from './config.ts'
export { Engine, type EngineFace, type ReadResult } from './engine.ts'
export type { ReadSource } from './read/answer.ts'
export type { Explanation, TierExplanation } from './inspect/explain.ts'
export type { ParkedItem } from './flush/parked-line.ts'
export { ParkingFailed } from './flush/parking.ts'
export { Backpressure } from './flush/pending-budget.ts'
export type { FlushResult } from './flush/flush-tally.ts'
export { Item } from './item.ts'
export { CodecFailed, type Codec } from './value/codec.ts'
export { WrongPhase } from './lifecycle/phase.ts'
export type { StopReport } from './lifecycle/shutdown.ts'
export { FILTER_SNAPSHOT_FILE } from './directory.ts'
export type { StartReport, StartStepReport } from './lifecycle/startup.ts'
export { silentLogger, type LogFields, type Logger } from './logging/logger.ts'
export { createLoggingObserver } from './logging/logging-observer.ts'
export { combineObservers } from './observer/combine-observers.ts'
export { errorKind } from './observer/error-kind.ts'
export type {
  Backend,
  BreakerState,
  FailedEvent,
  FaultEvent,
  FilterResult,
  FlushCause,
  FlushedEvent,
  LifecyclePhase,
  MerkleEvent,
  OperationEvent,
  OperationName,
  OperationStatus,
  ParkCause,
  RepairedEvent,
  StartStepName,
  StartStepEvent,
  TierName,
  TransferEvent,
  TrustEvent,
  ViewName,
} from './observer/events.ts'
export { BREAKER_GAUGE, GAUGES_AT_REST, type EngineGauges } from './observer/gauges.ts'
export { silentObserver, type EngineObserver } from './observer/observer.ts'
export type { FastAnswer } from './read/read-path.ts'
export type { ErrorReport } from './report.ts'
export type { Roots } from './inspect/roots.ts'
export type { EngineStatus } from './inspect/status.ts'
export type { VerifyReport } from './inspect/verify/verify.ts'
export { nameOf, type Difference, type ViewReport } from './seam/view-report.ts'
export type { CacheReport } from './seam/cache-report.ts'
export type { Level } from './level.ts'
export type { Acknowledgement } from './write/write-path.ts'

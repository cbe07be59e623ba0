export {
  LogClosed,
  LogDamaged,
  LogFailed,
  LogFormatUnknown,
  LogFull,
  LogLocked,
  LogLockLost,
  LogUnreadable,
  RecordTooLarge,
  SegmentMissing,
  SequenceReleased,
} from './errors.ts'
export {
  completeLimits as completeLogLimits,
  LIMIT_FIELDS as LOG_LIMIT_FIELDS,
  type LogLimits,
} from './limits.ts'
export type { AppendOptions, LogState, LogStats } from './log-types.ts'
export type { Log } from './log.ts'
export type { FullReason, LogObserver, LogRecovery } from './observer.ts'
export { openLog } from './open-log.ts'
export type { LogOptions, RepairOptions } from './options.ts'
export type { ProcessIdentity, Processes, Verdict } from './process-identity.ts'
export type { LogRecord } from './replay.ts'
export { repairLog, type RepairReport } from './repair.ts'
export { systemProcesses } from './system-processes.ts'

import { StorageError } from '@se/core'
import { LENGTH_BYTES } from './format.ts'
import type { ParsedLimits } from './limits.ts'
import type { FullReason } from './observer.ts'
import type { ProcessIdentity } from './process-identity.ts'

/**
 * Another process, or another log object of this one, has the directory open. Close that one first. `details`: `directory`, and
 * `pid` and `namespaces` of the holder where they are known.
 */
export class LogLocked extends StorageError {
  override readonly name = 'LogLocked'
  readonly code = 'SE_LOG_LOCKED'
}

/**
 * Bytes that had been made durable are not what was written: damage, not a torn tail. Nothing was changed. Restore
 * the directory from a copy, or let `repairLog` cut the log there (it keeps what it cuts) and accept the loss.
 *
 * `details`: `file`, `offset` (bytes), `problem`, `lastGoodSequence`, `follows` (what whole groups stand behind it).
 */
export class LogDamaged extends StorageError {
  override readonly name = 'LogDamaged'
  readonly code = 'SE_LOG_DAMAGED'
}

/** A segment file is not there though the log says it was. Put it back, or let `repairLog` go on without it. */
export class SegmentMissing extends StorageError {
  override readonly name = 'SegmentMissing'
  readonly code = 'SE_LOG_SEGMENT_MISSING'
}

/** A file with a segment's name is no segment of this log, or of a format this version cannot read. Nothing was changed. */
export class LogFormatUnknown extends StorageError {
  override readonly name = 'LogFormatUnknown'
  readonly code = 'SE_LOG_FORMAT_UNKNOWN'
}

/**
 * The log holds as much as it may (`details.reason`: `records`, `bytes`, `age`, or `disk` for a full disk). Nothing
 * of the call was written. Room comes back with `release`; retrying later is safe.
 */
export class LogFull extends StorageError {
  override readonly name = 'LogFull'
  readonly code = 'SE_LOG_FULL'
}

/**
 * A write or sync failed, now or earlier. Whether the records of this call survive is unknown; nothing
 * after the failure is acknowledged. What was acknowledged before can still be replayed. Close the log, look at
 * the disk, open again: recovery tells what is there. `cause` is the operating system's error.
 */
export class LogFailed extends StorageError {
  override readonly name: string = 'LogFailed'
  readonly code: 'SE_LOG_FAILED' | 'SE_LOG_LOCK_LOST' = 'SE_LOG_FAILED'
}

/**
 * The log failed because it does not have its lock any more: its lock file or its directory is gone, or another process took the log
 * over after this one had been silent for long. Nothing more is acknowledged, since another process may write the same
 * files. Close this log and open it again; what was acknowledged before is there.
 */
export class LogLockLost extends LogFailed {
  override readonly name = 'LogLockLost'
  override readonly code = 'SE_LOG_LOCK_LOST'
}

/** The log was closed before or during the call. Nothing of the call was written. */
export class LogClosed extends StorageError {
  override readonly name = 'LogClosed'
  readonly code = 'SE_LOG_CLOSED'
}

/** The records of one call are written whole into one segment, and these do not fit. Split, or raise `limits.segmentBytes`. */
export class RecordTooLarge extends StorageError {
  override readonly name = 'RecordTooLarge'
  readonly code = 'SE_LOG_RECORD_TOO_LARGE'
}

/** The file system could not read a segment; `cause` is its error. The log goes on, and reading again may succeed. */
export class LogUnreadable extends StorageError {
  override readonly name = 'LogUnreadable'
  readonly code = 'SE_LOG_UNREADABLE'
}

/** The records asked for have been released, and their segment used again. */
export class SequenceReleased extends StorageError {
  override readonly name = 'SequenceReleased'
  readonly code = 'SE_LOG_SEQUENCE_RELEASED'
}

/** @param holder undefined if it is not known */
export function lockedError(directory: string, holder: ProcessIdentity | undefined): LogLocked {
  const pid = holder?.pid
  const namespaces = holder?.namespaces
  const where = namespaces === undefined || namespaces === '' ? '' : ` of namespaces ${namespaces}`
  const by = pid === undefined ? 'another process' : `process ${pid}${where}`
  return new LogLocked(`${directory} is open in ${by}; a log has one writer`, {
    details: { directory, pid, namespaces },
  })
}

/**
 * @param recordCount records not released
 * @param bytes not released, or released and still kept
 */
export function logFullError(
  reason: FullReason,
  recordCount: number,
  bytes: number,
  limits: Pick<ParsedLimits, 'recordsMax' | 'bytesMax' | 'ageMsMax'>,
): LogFull {
  const { recordsMax, bytesMax, ageMsMax } = limits
  const said: Record<FullReason, string> = {
    records: `${recordCount} of ${recordsMax} records are not released`,
    bytes: `${bytes} of ${bytesMax} bytes are not released`,
    age: `its oldest record is older than ${ageMsMax} ms`,
    disk: 'the disk is full',
  }
  return new LogFull(`the log is full: ${said[reason]}`, {
    details: { reason, records: recordCount, recordsMax, bytes, bytesMax },
  })
}

/** @param recordCount records of one call, with so many bytes of payloads in all */
export function recordTooLargeError(
  recordCount: number,
  payloadBytes: number,
  limits: Pick<ParsedLimits, 'recordsMax' | 'payloadBytesMax'>,
): RecordTooLarge {
  const { payloadBytesMax, recordsMax } = limits
  const said =
    recordCount > recordsMax
      ? `a call with ${recordCount} records does not fit: limits.recordsMax is ${recordsMax}`
      : `records of ${payloadBytes} bytes in one call do not fit a segment: its limit is ${payloadBytesMax - (recordCount - 1) * LENGTH_BYTES} bytes for ${recordCount}`
  return new RecordTooLarge(said, {
    details: { count: recordCount, payloadBytes, payloadBytesMax, recordsMax },
  })
}

/** @param operation what the log was doing, one word */
export function logFailedError(
  operation: string,
  error: unknown,
  { lastSequence, durableSequence }: { readonly lastSequence: number; readonly durableSequence: number },
): LogFailed {
  const reason = error instanceof Error ? error.message : String(error)
  return new LogFailed(`the log failed (${operation}): ${reason}`, {
    cause: error,
    details: { operation, lastSequence, durableSequence },
  })
}

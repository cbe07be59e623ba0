import { toPlain } from './shown.ts'

/**
 * Every error the packages throw on purpose. Branch on `code`, read the message, keep the `cause`.
 *
 * `details` holds figures (field, limit, actual), never values, ids of other tenants or credentials.
 */
export abstract class StorageError extends Error {
  abstract readonly code: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    message: string,
    options?: { cause?: unknown; details?: Readonly<Record<string, unknown>> | undefined },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.details = options?.details ?? {}
  }

  /** What JSON has of an error by itself is nothing, or fields without a message. Of the cause its name, code and message. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, details, cause } = this
    return {
      name,
      code,
      message,
      details: toPlain(details),
      ...(cause === undefined ? {} : { cause: showCause(cause) }),
    }
  }
}

function showCause(cause: unknown): unknown {
  if (cause instanceof StorageError) return cause.toJSON()
  if (!(cause instanceof Error)) return String(cause)
  const { code } = cause as { code?: unknown }
  return { name: cause.name, ...(code === undefined ? {} : { code }), message: cause.message }
}

/** One field of what was given is wrong. */
abstract class WrongField extends StorageError {
  /** An argument, a field of an item, or the path of a configuration field: `flush.itemsMax`. */
  readonly field: string

  /** @param details further figures, the limit above all */
  constructor(field: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(`${field}: ${message}`, { details: { field, ...details } })
    this.field = field
  }
}

/** The caller passed something the engine cannot take. Nothing happened; correct it: retrying unchanged is useless. */
export class InvalidInput extends WrongField {
  override readonly name = 'InvalidInput'
  readonly code = 'SE_INVALID_INPUT'
}

/** A configuration field is missing, of the wrong type or out of range. Nothing was started; correct the field. */
export class InvalidConfig extends WrongField {
  override readonly name = 'InvalidConfig'
  readonly code = 'SE_INVALID_CONFIG'
}

/** The tier did not answer. The operation may or may not have happened; retrying is safe. */
export class TierUnavailable extends StorageError {
  override readonly name = 'TierUnavailable'
  readonly code = 'SE_TIER_UNAVAILABLE'
}

/**
 * The tier answers, and refuses this caller or its configuration: wrong credentials, unknown database or host, a missing
 * right. Retrying unchanged is useless; the message says what to change. `details.because` is a short word for it.
 */
export class TierMisconfigured extends StorageError {
  override readonly name = 'TierMisconfigured'
  readonly code = 'SE_TIER_MISCONFIGURED'
}

/** The call did not end within its time limit. What it asked for may or may not have happened; retrying is safe. */
export class DeadlineExceeded extends StorageError {
  override readonly name = 'DeadlineExceeded'
  readonly code = 'SE_DEADLINE_EXCEEDED'

  constructor(operation: string, timeoutMs: number) {
    super(`${operation} did not end within ${timeoutMs} ms`, { details: { operation, timeoutMs } })
  }
}

/** The caller's `AbortSignal` ended the wait. What the call asked for may or may not have happened; retrying is safe. */
export class CallAborted extends StorageError {
  override readonly name = 'CallAborted'
  readonly code = 'SE_CALL_ABORTED'

  constructor(operation: string, reason: unknown) {
    super(`${operation} was aborted by its caller`, { cause: reason, details: { operation } })
  }
}

/**
 * The write cannot be given a stamp that the archive would store: this process cannot know the archive's time well
 * enough, or knows of a write further in the future than may be followed. Nothing happened; look at the clocks: `details` has
 * the figures.
 */
export class StampRefused extends StorageError {
  override readonly name = 'StampRefused'
  readonly code = 'SE_STAMP_REFUSED'
}

/**
 * The archive refuses this very data (too long, bad value, packet too big); others would be accepted. At level `archive` the
 * caller gets this, and may change the value; a write that was acknowledged before is found by bisection, and parked.
 */
export class ArchiveRefusedData extends StorageError {
  override readonly name = 'ArchiveRefusedData'
  readonly code = 'SE_ARCHIVE_REFUSED_DATA'
}

/**
 * Another process has taken this instance over (or the log directory is a copy). Stop writing at once; give each process a log
 * directory of its own.
 */
export class InstanceFenced extends StorageError {
  override readonly name = 'InstanceFenced'
  readonly code = 'SE_INSTANCE_FENCED'
}

/** The log directory belongs to another archive than the one configured. Correct the directory or the archive. */
export class ArchiveMismatch extends StorageError {
  override readonly name = 'ArchiveMismatch'
  readonly code = 'SE_ARCHIVE_MISMATCH'
}

/** The process declares another set of branches than the one stored in the archive. Declare the same; `details` has both. */
export class BranchMismatch extends StorageError {
  override readonly name = 'BranchMismatch'
  readonly code = 'SE_BRANCH_MISMATCH'
}

/** The archive's tables were made by a newer version of this package. Nothing was changed; update the package. */
export class ArchiveTooNew extends StorageError {
  override readonly name = 'ArchiveTooNew'
  readonly code = 'SE_ARCHIVE_TOO_NEW'
}

/**
 * Stored bytes do not have the form their format page gives, or a checksum differs. Never trusted, never guessed at: read again from
 * a tier below. An archive that has lost a fact of its own has to be restored.
 */
export class CorruptData extends StorageError {
  override readonly name = 'CorruptData'
  readonly code = 'SE_CORRUPT_DATA'
}

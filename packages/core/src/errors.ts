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

/** The caller passed something the engine cannot take. Nothing happened; retrying unchanged is useless. */
export class InvalidInput extends StorageError {
  override readonly name = 'InvalidInput'
  readonly code = 'SE_INVALID_INPUT'
  /** The argument or item field that was wrong. */
  readonly field: string

  constructor(field: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(`${field}: ${message}`, { details: { field, ...details } })
    this.field = field
  }
}

/** A configuration field is missing, of the wrong type or out of range. Nothing was started. */
export class InvalidConfig extends StorageError {
  override readonly name = 'InvalidConfig'
  readonly code = 'SE_INVALID_CONFIG'
  /** Path of the field, for example `flush.itemsMax`. */
  readonly field: string

  constructor(field: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(`${field}: ${message}`, { details: { field, ...details } })
    this.field = field
  }
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

  constructor(operation: string, timeoutMs: number, options?: { cause?: unknown }) {
    super(`${operation} did not end within ${timeoutMs} ms`, {
      ...options,
      details: { operation, timeoutMs },
    })
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
 * enough, or knows of a write further in the future than may be followed. Nothing happened; `details` has the figures.
 */
export class StampRefused extends StorageError {
  override readonly name = 'StampRefused'
  readonly code = 'SE_STAMP_REFUSED'
}

/**
 * The archive refuses this very data (too long, bad value, packet too big); others would be accepted.
 * The engine finds the item by bisection and parks it.
 */
export class ArchiveRefusedData extends StorageError {
  override readonly name = 'ArchiveRefusedData'
  readonly code = 'SE_ARCHIVE_REFUSED_DATA'
}

/** Another process has taken this instance over (or the log directory is a copy). Stop writing at once. */
export class InstanceFenced extends StorageError {
  override readonly name = 'InstanceFenced'
  readonly code = 'SE_INSTANCE_FENCED'
}

/** The log directory belongs to another archive than the one configured. */
export class ArchiveMismatch extends StorageError {
  override readonly name = 'ArchiveMismatch'
  readonly code = 'SE_ARCHIVE_MISMATCH'
}

/** The process declares another set of branches than the one stored in the archive. */
export class BranchMismatch extends StorageError {
  override readonly name = 'BranchMismatch'
  readonly code = 'SE_BRANCH_MISMATCH'
}

/** The archive's tables were made by a newer version of this package. Nothing was changed; update the package. */
export class ArchiveTooNew extends StorageError {
  override readonly name = 'ArchiveTooNew'
  readonly code = 'SE_ARCHIVE_TOO_NEW'
}

/** Stored bytes do not have the form their format page gives, or a checksum differs. Never trusted, never guessed at. */
export class CorruptData extends StorageError {
  override readonly name = 'CorruptData'
  readonly code = 'SE_CORRUPT_DATA'
}

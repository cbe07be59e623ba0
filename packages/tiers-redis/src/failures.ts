import { StorageError, TierMisconfigured, TierUnavailable, type UnknownCause } from '@se/core'
import { judgeError, type CommandFate, type Verdict } from './error-table.ts'

/** The error that a caller sees for what went wrong, and what the table says of it. */
export interface Failure {
  readonly error: Error
  /** `undefined`: a bug of ours, or bytes in Redis that are not ours; no weather. */
  readonly verdict: Verdict | undefined
}

export function failureOf(error: unknown): Failure {
  if (error instanceof StorageError || error instanceof TypeError || error instanceof RangeError) {
    return { error, verdict: undefined }
  }
  const cause = withoutCommand(error)
  const verdict = judgeError(cause)
  return { error: storageError(verdict, cause), verdict }
}

function storageError({ command, because }: Verdict, cause: Error): StorageError {
  const details = { because, fate: command }
  return command === 'misconfigured'
    ? new TierMisconfigured(`redis refuses this client: ${cause.message}`, { cause, details })
    : new TierUnavailable(`redis: ${cause.message}`, { cause, details })
}

export function unavailable(because: UnknownCause, message: string, cause?: unknown): TierUnavailable {
  return new TierUnavailable(`redis: ${message}`, { cause, details: { because, fate: 'in-doubt' } })
}

/** What became of a command that failed with this. @throws the error itself where it is a bug */
export function fateOf(error: unknown): CommandFate {
  if (error instanceof TierUnavailable || error instanceof TierMisconfigured) {
    return error.details['fate'] as CommandFate
  }
  throw error
}

/** Why a command failed, in a word of the table. */
export function becauseOf(error: unknown): unknown {
  return error instanceof StorageError ? error.details['because'] : undefined
}

/** Whether the server has answered, and merely does not do it now: it is there, and others may have better luck. */
export function isRefusalForNow(error: unknown): boolean {
  const fate = fateOf(error)
  const because = becauseOf(error)
  return fate !== 'misconfigured' && because !== 'disconnected' && because !== 'timeout'
}

/** Why a lookup is unknown that failed with this. @throws the error itself where it is a bug */
export function unknownCauseOf(error: unknown): UnknownCause {
  fateOf(error)
  return becauseOf(error) === 'timeout' ? 'timeout' : 'disconnected'
}

/** ioredis hangs the command on its errors: values, ids, and for AUTH the password [P49]. */
export function withoutCommand(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const clean = new Error(error.message)
  clean.name = error.name
  if (error.stack !== undefined) clean.stack = error.stack
  if ('code' in error) Object.assign(clean, { code: error.code })
  return clean
}

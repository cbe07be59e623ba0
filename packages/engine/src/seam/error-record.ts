import {
  ArchiveMismatch,
  ArchiveRefusedData,
  ArchiveTooNew,
  BranchMismatch,
  CallAborted,
  CorruptData,
  DeadlineExceeded,
  InstanceFenced,
  InvalidConfig,
  InvalidInput,
  InvariantViolation,
  StampRefused,
  StorageError,
  TierMisconfigured,
  TierUnavailable,
  toPlain,
} from '@se/core'
import { TreeChanged } from '@se/merkle'

/** What was thrown as plain data, for a channel that copies; what is no error is told as text. */
export type Thrown = ErrorRecord | string

export interface ErrorRecord {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** Of a `StorageError`; `undefined`: it is another error. */
  readonly code: string | undefined
  /** What a `StorageError` has beside. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly cause: Thrown | undefined
}

/** All classes of core, and those of the parts that the back is made of. */
const CLASSES: readonly (new (...given: never[]) => StorageError)[] = [
  ArchiveMismatch,
  ArchiveRefusedData,
  ArchiveTooNew,
  BranchMismatch,
  CallAborted,
  CorruptData,
  DeadlineExceeded,
  InstanceFenced,
  InvalidConfig,
  InvalidInput,
  InvariantViolation,
  StampRefused,
  TierMisconfigured,
  TierUnavailable,
  TreeChanged,
]

/** An error has its code from its class, whatever it is made of. */
const CLASS_BY_CODE = new Map(CLASSES.map((Class) => [new Class().code, Class]))

/** Causes of causes that are told. */
const CAUSES_MAX = 8

/** @param error anything that was thrown */
export function encodeError(error: unknown, causesMax = CAUSES_MAX): Thrown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, cause } = error
  const code = error instanceof StorageError ? error.code : undefined
  const own = code === undefined ? [] : Object.entries(error)
  const fields = Object.fromEntries(own.map(([field, value]) => [field, toPlain(value)]))
  const isCauseKept = cause !== undefined && causesMax > 0
  return {
    name,
    message,
    stack,
    code,
    fields,
    cause: isCauseKept ? encodeError(cause, causesMax - 1) : undefined,
  }
}

/** @returns an error of the same class; of a class that is not known here a plain `Error`, which callers take for a fault */
export function decodeError(thrown: Thrown): unknown {
  if (typeof thrown === 'string') return thrown
  const { name, message, stack, code, fields, cause } = thrown
  const known = code === undefined ? undefined : CLASS_BY_CODE.get(code)
  const options = cause === undefined ? undefined : { cause: decodeError(cause) }
  const error = new Error(message, options)
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype)
  Object.assign(error, known === undefined ? { name } : fields)
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
  return error
}

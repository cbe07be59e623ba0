import {
  booleanField,
  integerField,
  oneOfField,
  otherField,
  readCallFields,
  readFields,
  STATE_DEFAULT,
  type Field,
  type FieldTable,
  type FieldValues,
} from '@se/core'
import type { Level } from './level.ts'

/**
 * What a call may be told, one table each: it checks the options, fills in the defaults, refuses what is not an option
 * [P77], and prints the README. A call without options takes the frozen defaults and pays nothing.
 */

/**
 * `local`: any tier, within Δ of what other processes wrote; own pending writes are always read, also while the
 * archive is out of reach and others' newer ones cannot be heard of. `shared`: skips memory. `source`: asks the
 * archive, and gives an own pending write where that is newer.
 */
export type Consistency = 'local' | 'shared' | 'source'

/**
 * `own`: bytes that only this reader has. `shared`: those that memory keeps and gives to all who ask for shared
 * ones, without a copy. Never write to them: other readers would get what was written. What is stored does not change.
 */
export type BytesOwnership = 'own' | 'shared'

/** When a call ends that has no result yet. */
export interface BoundOptions {
  /** The call ends after this many ms, with `DeadlineExceeded`. Default: the engine's `callTimeoutMs`. */
  readonly timeoutMs?: number
  /** The call ends when this is aborted, with `CallAborted`. */
  readonly signal?: AbortSignal
}

export interface SubmitOptions extends BoundOptions {
  /** What the acknowledgement is worth. */
  readonly level?: Level
  /** Free tag, UTF-8, indexed in the archive. */
  readonly state?: string
  /** Printable ASCII. Default: the codec's (JSON), or `application/octet-stream` for bytes. */
  readonly contentType?: string
}

export interface DeleteOptions extends BoundOptions {
  /** What the acknowledgement is worth. */
  readonly level?: Level
}

export interface GetOptions extends BoundOptions {
  readonly consistency?: Consistency
  readonly bytes?: BytesOwnership
}

export interface GetManyOptions extends BoundOptions {
  readonly bytes?: BytesOwnership
}

export interface GetSyncOptions {
  readonly bytes?: BytesOwnership
}

export interface VerifyOptions extends BoundOptions {
  /** Rebuild what can be rebuilt: filter and cache. Rows that were changed behind the engine's back are named only. */
  readonly repair?: boolean
  /** Read every row: digest it anew, and compare the cache's bytes with it. Costs a scan of the archive. */
  readonly deep?: boolean
}

export interface StartOptions {
  /** Tries again for so many ms while a server is not there yet, as in a compose file; 0: fails at once. */
  readonly waitForMs?: number
  /** The start is given up after this many ms, with `DeadlineExceeded`. Default: none, each of its steps has its bounds. */
  readonly timeoutMs?: number
  /** The start is given up when this is aborted. */
  readonly signal?: AbortSignal
}

export interface StopOptions {
  /** The stop ends after this many ms, also where something hangs. Default: the engine's `stopTimeoutMs`. */
  readonly timeoutMs?: number
  /** The stop waits for nothing any more when this is aborted: what is left goes into the log, and all is closed. */
  readonly signal?: AbortSignal
}

/** The table of an interface: a field for each of its members, and no other. */
type TableOf<Options> = { readonly [Name in keyof Required<Options>]: Field<unknown> }

const MS_MAX = Number.MAX_SAFE_INTEGER

const timeoutMs = integerField({
  min: 1,
  max: MS_MAX,
  meaning:
    'The call ends after so many ms with `DeadlineExceeded`; without it the engine’s `callTimeoutMs` holds.',
})
const signal = otherField<AbortSignal>({
  what: 'an AbortSignal',
  accepts: isAbortSignal,
  meaning: 'The call ends with `CallAborted` when it is aborted.',
})
const level = oneOfField({
  allowed: ['memory', 'log', 'archive'],
  default: 'log',
  meaning: 'What the acknowledgement is worth: lost with the process, synced here, or committed there.',
})
const bytes = oneOfField({
  allowed: ['own', 'shared'],
  default: 'own',
  meaning:
    'Bytes of the reader’s own, or those that memory keeps, without a copy and never to be written to.',
})

const BOUND_FIELDS = { timeoutMs, signal } satisfies TableOf<BoundOptions>
const SUBMIT_FIELDS = {
  level,
  state: otherField<string, { default: string; meaning: string }>({
    what: 'a string',
    accepts: isString,
    default: STATE_DEFAULT,
    meaning: 'Free tag, 0 to 64 bytes of UTF-8, indexed in the archive.',
  }),
  contentType: otherField<string>({
    what: 'a string',
    accepts: isString,
    meaning:
      'Printable ASCII, 0 to 127 bytes; without it the codec’s (JSON), or `application/octet-stream` for bytes.',
  }),
  ...BOUND_FIELDS,
} satisfies TableOf<SubmitOptions>
const DELETE_FIELDS = { level, ...BOUND_FIELDS } satisfies TableOf<DeleteOptions>
const GET_FIELDS = {
  consistency: oneOfField({
    allowed: ['local', 'shared', 'source'],
    default: 'local',
    meaning: 'Any tier within Δ of other processes’ writes, without memory, or the archive itself.',
  }),
  bytes,
  ...BOUND_FIELDS,
} satisfies TableOf<GetOptions>
const GET_MANY_FIELDS = { bytes, ...BOUND_FIELDS } satisfies TableOf<GetManyOptions>
const GET_SYNC_FIELDS = { bytes } satisfies TableOf<GetSyncOptions>
const VERIFY_FIELDS = {
  repair: booleanField({
    default: false,
    meaning:
      'Rebuild what can be rebuilt: filter and cache. Rows changed behind the engine’s back are named only.',
  }),
  deep: booleanField({
    default: false,
    meaning:
      'Read every row: digest it anew, and compare the cache’s bytes with it. Costs a scan of the archive.',
  }),
  timeoutMs: integerField({
    min: 1,
    max: MS_MAX,
    meaning:
      'The call ends after so many ms with `DeadlineExceeded`; without it by the bounds of what it asks.',
  }),
  signal,
} satisfies TableOf<VerifyOptions>
const START_FIELDS = {
  waitForMs: integerField({
    default: 0,
    min: 0,
    max: MS_MAX,
    meaning: 'Tries again for so many ms while a server is not there yet.',
  }),
  timeoutMs: integerField({
    min: 1,
    max: MS_MAX,
    meaning:
      'The start is given up after so many ms; without it each of its steps ends by bounds of its own.',
  }),
  signal: otherField<AbortSignal>({
    what: 'an AbortSignal',
    accepts: isAbortSignal,
    meaning: 'The start is given up when it is aborted.',
  }),
} satisfies TableOf<StartOptions>
const STOP_FIELDS = {
  timeoutMs: integerField({
    min: 1,
    max: MS_MAX,
    meaning: 'The stop ends after so many ms, whatever hangs; without it the engine’s `stopTimeoutMs` holds.',
  }),
  signal: otherField<AbortSignal>({
    what: 'an AbortSignal',
    accepts: isAbortSignal,
    meaning:
      'The stop waits for nothing any more when it is aborted: the rest goes into the log, and all is closed.',
  }),
} satisfies TableOf<StopOptions>

/** All tables by the heading they have in the README. */
export const CALL_FIELDS = {
  submit: SUBMIT_FIELDS,
  delete: DELETE_FIELDS,
  get: GET_FIELDS,
  getMany: GET_MANY_FIELDS,
  getSync: GET_SYNC_FIELDS,
  'contains, explain, flush, roots, retryParked, dropParked': BOUND_FIELDS,
  verify: VERIFY_FIELDS,
  start: START_FIELDS,
  stop: STOP_FIELDS,
} satisfies Record<string, FieldTable>

/** `timeoutMs: undefined`: the engine's own holds. */
export type BoundCall = FieldValues<typeof BOUND_FIELDS>
export type SubmitCall = FieldValues<typeof SUBMIT_FIELDS>
export type DeleteCall = FieldValues<typeof DELETE_FIELDS>
export type GetCall = FieldValues<typeof GET_FIELDS>
export type GetManyCall = FieldValues<typeof GET_MANY_FIELDS>
export type GetSyncCall = FieldValues<typeof GET_SYNC_FIELDS>
export type VerifyCall = FieldValues<typeof VERIFY_FIELDS>
export type StartCall = FieldValues<typeof START_FIELDS>
export type StopCall = FieldValues<typeof STOP_FIELDS>

/** Each takes what the caller gave, and throws `InvalidInput` with the name of the option. */
export const readBoundOptions = reader(BOUND_FIELDS)
export const readSubmitOptions = reader(SUBMIT_FIELDS)
export const readDeleteOptions = reader(DELETE_FIELDS)
export const readGetOptions = reader(GET_FIELDS)
export const readGetManyOptions = reader(GET_MANY_FIELDS)
export const readGetSyncOptions = reader(GET_SYNC_FIELDS)
export const readVerifyOptions = reader(VERIFY_FIELDS)
export const readStartOptions = reader(START_FIELDS)
export const readStopOptions = reader(STOP_FIELDS)

function reader<Table extends FieldTable>(table: Table): (given: unknown) => FieldValues<Table> {
  const defaults = readFields('', {}, table)
  return (given) => (given === undefined ? defaults : readCallFields(given, table))
}

/** By shape, so that a signal of another realm or of a polyfill is one too. */
function isAbortSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const signal = value as Partial<AbortSignal>
  return typeof signal.aborted === 'boolean' && typeof signal.addEventListener === 'function'
}

function isString(value: unknown): boolean {
  return typeof value === 'string'
}

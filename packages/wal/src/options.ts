import {
  booleanField,
  integerField,
  nestedField,
  oneOfField,
  otherField,
  portField,
  readFields,
  refuseInput,
  stringField,
  type Clock,
  type Field,
  type FieldValues,
  type FileSystem,
  type Random,
} from '@se/core'
import { nodeFileSystem, systemClock, systemRandom } from '@se/core/node'
import { completeLimits, LIMIT_FIELDS, type LogLimits, type ParsedLimits } from './limits.ts'
import type { AppendOptions } from './log-types.ts'
import type { LogObserver } from './observer.ts'
import type { Processes } from './process-identity.ts'
import { processesOf } from './system-processes.ts'

/**
 * One table for each options object of the package: it checks what is given, fills in the defaults, refuses what is not a
 * field [P77], and prints the README's table.
 */

/** Options of `openLog`; defaults and ranges are in {@link LOG_FIELDS}. */
export interface LogOptions {
  /** Where the files go; created if missing. Files of other names in it are left alone. */
  readonly directory: string
  readonly limits?: LogLimits
  /** At a limit: `wait` for room, for `waitMs` at most, or `refuse` at once. */
  readonly onFull?: 'wait' | 'refuse'
  /** How long a call waits for room before it is refused, ms. */
  readonly waitMs?: number
  /**
   * How long released segments are kept all the same, ms, for an archive that may lose what it had confirmed.
   * Counted anew when the log is opened.
   */
  readonly releaseDelayMs?: number
  readonly observer?: LogObserver
  readonly fileSystem?: FileSystem
  readonly clock?: Clock
  readonly random?: Random
  /**
   * How holders of the lock are recognised. Default: `systemProcesses`; with a `fileSystem` of your own without its sockets, of which
   * nothing is known there.
   */
  readonly processes?: Processes
}

/** Options of `repairLog`. */
export type RepairOptions = Pick<LogOptions, 'directory' | 'fileSystem' | 'clock' | 'random' | 'processes'>

/** Every option with its value. */
export interface ParsedOptions
  extends Required<Omit<LogOptions, 'limits' | 'observer'>>, Pick<LogOptions, 'observer'> {
  readonly limits: ParsedLimits
}

const DAY_MS = 24 * 60 * 60 * 1000

const PORT_FIELDS = {
  fileSystem: portField<FileSystem>({
    what: 'a FileSystem',
    methods: ['open', 'readFile', 'list', 'makeDirectory', 'rename', 'remove', 'syncDirectory'],
    meaning: 'For tests.',
  }),
  clock: portField<Clock>({
    what: 'a Clock',
    methods: ['nowMs', 'monotonicMs', 'setTimer', 'setBackgroundTimer'],
    meaning: 'For tests.',
  }),
  random: portField<Random>({ what: 'a Random', methods: ['bytes', 'fraction'], meaning: 'For tests.' }),
  processes: portField<Processes>({
    what: 'a Processes',
    methods: ['self', 'announce', 'judge', 'answers'],
    meaning: 'How holders of the lock are recognised; for tests.',
  }),
} as const

/** The table of {@link LogOptions}. */
export const LOG_FIELDS = {
  directory: stringField({
    isRequired: true,
    meaning: 'Created if missing; files of other names in it are left alone.',
  }),
  limits: nestedField(LIMIT_FIELDS, 'How much the log may hold, and in pieces of which size.'),
  onFull: oneOfField({
    allowed: ['wait', 'refuse'],
    default: 'wait',
    meaning: 'At a limit: wait for room, or refuse at once.',
  }),
  waitMs: integerField({
    default: 5000,
    min: 0,
    max: DAY_MS,
    meaning: 'How long a call waits for room before it is refused, ms.',
  }),
  releaseDelayMs: integerField({
    default: 0,
    min: 0,
    max: 30 * DAY_MS,
    meaning:
      'Released segments are kept this long and can be replayed, ms, for a store that may lose what it had confirmed.',
  }),
  observer: otherField<LogObserver>({
    what: 'an object',
    accepts: (value) => typeof value === 'object' && value !== null,
    meaning: 'Told of `synced`, `recovered`, `released`, `full`, `failed`.',
  }),
  ...PORT_FIELDS,
} as const satisfies Readonly<Record<keyof LogOptions, Field<unknown>>>

/** The table of {@link RepairOptions}. */
export const REPAIR_FIELDS = {
  directory: stringField({ isRequired: true, meaning: 'Of the damaged log.' }),
  ...PORT_FIELDS,
} as const satisfies Readonly<Record<keyof RepairOptions, Field<unknown>>>

/** The table of {@link AppendOptions}. */
export const APPEND_FIELDS = {
  urgent: booleanField({
    default: false,
    meaning:
      'May use the room kept back on a full disk, and passes the bounds: for what must be written to drain or to stop.',
  }),
} as const satisfies Readonly<Record<keyof AppendOptions, Field<unknown>>>

/** @throws InvalidConfig naming the field */
export function readLogOptions(options: LogOptions): ParsedOptions {
  const fields = readFields('', options, LOG_FIELDS)
  const { limits, observer } = fields
  return {
    ...fields,
    ...portsOf(fields),
    limits: completeLimits(limits),
    ...(observer === undefined ? {} : { observer }),
  } as ParsedOptions
}

/** @throws InvalidConfig naming the field */
export function readRepairOptions(options: RepairOptions): Required<RepairOptions> {
  const fields = readFields('', options, REPAIR_FIELDS)
  return { directory: fields.directory, ...portsOf(fields) }
}

/** @throws InvalidInput naming the field */
export function readAppendOptions(options: AppendOptions | undefined): Required<AppendOptions> {
  return options === undefined ? APPEND_DEFAULTS : readFields('', options, APPEND_FIELDS, refuseInput)
}

const APPEND_DEFAULTS = readFields('', {}, APPEND_FIELDS)

function portsOf(given: FieldValues<typeof PORT_FIELDS>): Required<Omit<RepairOptions, 'directory'>> {
  const fileSystem = given.fileSystem ?? nodeFileSystem
  return {
    fileSystem,
    clock: given.clock ?? systemClock,
    random: given.random ?? systemRandom,
    processes: given.processes ?? processesOf(fileSystem),
  }
}

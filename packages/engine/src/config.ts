import {
  checkContentType,
  CONTENT_TYPE_BINARY,
  createBranchSet,
  integerField,
  InvalidConfig,
  nestedField,
  numberField,
  oneOfField,
  otherField,
  portField,
  readFields,
  stringField,
  stringsField,
  VALUE_BYTES_MAX,
  type ArchiveTier,
  type BranchSet,
  type CacheTier,
  type Clock,
  type FieldTable,
  type FileSystem,
  type Random,
} from '@se/core'
import { completeLogLimits, LOG_LIMIT_FIELDS, type LogLimits, type LogObserver } from '@se/wal'
import type { BatchLimits } from './flush/batch-policy.ts'
import type { PendingLimits } from './flush/pending-budget.ts'
import type { Logger } from './logging/logger.ts'
import type { EngineObserver } from './observer/observer.ts'
import { isOfCodec, type Codec } from './value/codec.ts'

/**
 * What `createEngine` takes. Every field but `log.directory` and `archive` may be left out; defaults and limits are in
 * {@link CONFIG_FIELDS}, which the README prints.
 */
export interface EngineConfig {
  /** The local write-ahead log, and beside it instance.json, filter.snapshot and parked items. */
  readonly log: {
    /** One process at a time; created if missing. On a disk that keeps what it has synced. */
    readonly directory: string
    /** Bounds of the log. */
    readonly limits?: LogLimits
  }
  /** L3, the ground truth: `sqliteArchive(…)` or `mysqlArchive(…)`. */
  readonly archive: ArchiveTier
  /** L2; without one the engine has two tiers. */
  readonly cache?: CacheTier
  /** Id prefixes with a tree of their own. Stored in the archive at creation; another set is refused. */
  readonly branches?: readonly string[]
  /** `keyed`: row digests are keyed with a secret kept in the archive. Used at creation only. */
  readonly digests?: 'keyed' | 'unkeyed'
  readonly memory?: {
    /** Bound of L1, bytes. Unflushed items count and are never evicted. */
    readonly bytesMax?: number
  }
  readonly pending?: {
    /** Items acknowledged and not yet in L3. */
    readonly itemsMax?: number
    /** Their bytes; at least `valueBytesMax`. */
    readonly bytesMax?: number
    /** At the bound writers `wait`, or are `refuse`d with `Backpressure`. */
    readonly onFull?: 'wait' | 'refuse'
  }
  readonly flush?: {
    /** A batch is cut at so many items, */
    readonly itemsMax?: number
    /** or at so many bytes, */
    readonly bytesMax?: number
    /** or so many ms after its first item. */
    readonly delayMs?: number
  }
  readonly filter?: {
    /** Ids it is made for; it grows beyond. */
    readonly capacity?: number
    /** Share of absent ids that it takes for present. */
    readonly falsePositiveRate?: number
  }
  /** How values that are no bytes are stored and read. Default: as JSON. */
  readonly codec?: Codec
  /** Largest value accepted, bytes. */
  readonly valueBytesMax?: number
  /** Δ: how old, in ms, what this process knows of other processes may be. */
  readonly stalenessMs?: number
  /** Ledger rows older than this are pruned once folded, ms. A view that was away longer starts over. */
  readonly ledgerAgeMs?: number
  /** Tombstones are kept so long, ms. */
  readonly tombstoneAgeMs?: number
  /** A call that does not say otherwise ends after so many ms with `DeadlineExceeded`. */
  readonly callTimeoutMs?: number
  /** A stop that does not say otherwise ends after so many ms. */
  readonly stopTimeoutMs?: number
  readonly observer?: EngineObserver
  /** Told of syncs, recovery and failures of the log. */
  readonly logObserver?: LogObserver
  /** pino-compatible. */
  readonly logger?: Logger
  readonly clock?: Clock
  readonly random?: Random
  readonly fileSystem?: FileSystem
}

/** The configuration, checked, frozen and with every default filled in. */
export interface ParsedConfig {
  readonly logDirectory: string
  readonly logLimits: LogLimits
  readonly branches: BranchSet
  readonly digests: 'keyed' | 'unkeyed'
  readonly memoryBytesMax: number
  readonly pending: PendingLimits
  readonly batch: BatchLimits
  readonly filter: { readonly capacity: number; readonly falsePositiveRate: number }
  readonly codec: Codec | undefined
  readonly valueBytesMax: number
  readonly stalenessMs: number
  readonly ledgerAgeMs: number
  readonly tombstoneAgeMs: number
  readonly callTimeoutMs: number
  readonly stopTimeoutMs: number
}

const MIB = 1024 * 1024
const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS

/** The table of {@link EngineConfig}: the README prints it. */
export const CONFIG_FIELDS = {
  log: nestedField(
    {
      directory: stringField({
        isRequired: true,
        meaning:
          'The log, and beside it instance.json, filter.snapshot and parked items. One process at a time.',
      }),
      limits: nestedField(LOG_LIMIT_FIELDS, 'Bounds of the log.'),
    },
    'The local write-ahead log.',
  ),
  archive: portField<ArchiveTier, { isRequired: true; meaning: string }>({
    methods: ['open', 'claimInstance', 'putBatch', 'get', 'getMany'],
    what: 'an archive tier',
    isRequired: true,
    meaning: 'L3, the ground truth: `sqliteArchive(…)` or `mysqlArchive(…)`.',
  }),
  cache: portField<CacheTier>({
    methods: ['open', 'put', 'get', 'getMany'],
    what: 'a cache tier',
    meaning: 'L2: `redisCache(…)`; without one the engine has two tiers.',
  }),
  branches: stringsField({
    default: [],
    meaning:
      'Id prefixes with a tree of their own. Stored in the archive at creation; another set is refused.',
  }),
  digests: oneOfField({
    allowed: ['keyed', 'unkeyed'],
    default: 'keyed',
    meaning: 'Whether row digests are keyed with a secret kept in the archive. Used at creation only.',
  }),
  memory: nestedField(
    {
      bytesMax: integerField({
        default: 256 * MIB,
        min: MIB,
        max: Number.MAX_SAFE_INTEGER,
        meaning: 'Bound of L1, bytes. Unflushed items count and are never evicted.',
      }),
    },
    'L1.',
  ),
  pending: nestedField(
    {
      itemsMax: integerField({
        default: 100_000,
        min: 1,
        max: 100_000_000,
        meaning: 'Items acknowledged and not yet in L3.',
      }),
      bytesMax: integerField({
        default: 128 * MIB,
        min: 1,
        max: Number.MAX_SAFE_INTEGER,
        meaning: 'Their bytes; at least `valueBytesMax`.',
      }),
      onFull: oneOfField({
        allowed: ['wait', 'refuse'],
        default: 'wait',
        meaning: 'At the bound writers wait, or are refused with `Backpressure`.',
      }),
    },
    'What is not yet in L3.',
  ),
  flush: nestedField(
    {
      itemsMax: integerField({
        default: 1_000,
        min: 1,
        max: 10_000,
        meaning: 'A batch is cut at so many items,',
      }),
      bytesMax: integerField({ default: MIB, min: 1, max: 1024 * MIB, meaning: 'or bytes,' }),
      delayMs: integerField({ default: 100, min: 0, max: 60_000, meaning: 'or ms after its first item.' }),
    },
    'How batches are cut.',
  ),
  filter: nestedField(
    {
      capacity: integerField({
        default: 100_000,
        min: 1,
        max: 2 ** 30,
        meaning: 'Ids it is made for; it grows beyond.',
      }),
      falsePositiveRate: numberField({
        default: 0.0001,
        min: 1e-5,
        max: 0.5,
        meaning: 'Share of absent ids that the archive is asked for all the same.',
      }),
    },
    'The filter of ids.',
  ),
  codec: portField<Codec>({
    methods: ['encode', 'decode'],
    what: 'a codec',
    meaning: 'How values that are no bytes are stored and read; without it as JSON. See “Values”.',
  }),
  valueBytesMax: integerField({
    default: VALUE_BYTES_MAX,
    min: 1,
    max: 1024 * MIB,
    meaning: 'Largest value accepted, bytes.',
  }),
  stalenessMs: integerField({
    default: 500,
    min: 50,
    max: HOUR_MS,
    meaning: 'Δ: how old, in ms, what this process knows of other processes may be.',
  }),
  ledgerAgeMs: integerField({
    default: 24 * HOUR_MS,
    min: 1_000,
    max: YEAR_MS,
    meaning:
      'Ledger rows older than this are pruned once folded, ms. A view that was away longer starts over.',
  }),
  tombstoneAgeMs: integerField({
    default: 7 * 24 * HOUR_MS,
    min: 1_000,
    max: 10 * YEAR_MS,
    meaning: 'Tombstones are kept so long, ms.',
  }),
  callTimeoutMs: integerField({
    default: 30_000,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    meaning: 'A call that does not say otherwise ends after so many ms with `DeadlineExceeded`.',
  }),
  stopTimeoutMs: integerField({
    default: 30_000,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    meaning: 'A stop that does not say otherwise ends after so many ms.',
  }),
  observer: otherField<EngineObserver>({
    what: 'an object with methods of an observer',
    accepts: isObject,
    meaning: 'Told what happens: `createMetricsObserver(…)` of `@se/metrics`, or your own.',
  }),
  logObserver: otherField<LogObserver>({
    what: 'an object with methods of a log observer',
    accepts: isObject,
    meaning: 'Told of syncs, recovery and failures of the log.',
  }),
  logger: portField<Logger>({
    methods: ['debug', 'info', 'warn', 'error'],
    what: 'a logger',
    meaning: 'Compatible with pino.',
  }),
  clock: portField<Clock>({
    methods: ['nowMs', 'monotonicMs', 'setTimer', 'setBackgroundTimer'],
    what: 'a clock',
    meaning: 'For tests.',
  }),
  random: portField<Random>({
    methods: ['bytes', 'fraction'],
    what: 'a source of randomness',
    meaning: 'For tests.',
  }),
  fileSystem: portField<FileSystem>({
    methods: ['open', 'readFile', 'list', 'rename', 'remove'],
    what: 'a file system',
    meaning: 'For tests.',
  }),
} satisfies FieldTable & Record<keyof EngineConfig, unknown>

/** @throws InvalidConfig naming the field and what it may be, or what fields there are */
export function parseConfig(given: EngineConfig): ParsedConfig {
  const fields = readFields('', given, CONFIG_FIELDS)
  const { log, pending, flush, valueBytesMax } = fields
  // Only checked: the log completes what it is given at the start.
  completeLogLimits(log.limits, 'log.limits')
  if (pending.bytesMax < valueBytesMax) {
    throw new InvalidConfig(
      'pending.bytesMax',
      `must be at least valueBytesMax, ${valueBytesMax}, not ${pending.bytesMax}`,
      {
        min: valueBytesMax,
      },
    )
  }
  return Object.freeze({
    logDirectory: log.directory,
    logLimits: { ...given.log.limits },
    branches: createBranchSet(fields.branches),
    digests: fields.digests,
    memoryBytesMax: fields.memory.bytesMax,
    pending: { itemsMax: pending.itemsMax, bytesMax: pending.bytesMax, whenFull: pending.onFull },
    batch: { itemsMax: flush.itemsMax, bytesMax: flush.bytesMax, ageMsMax: flush.delayMs },
    filter: fields.filter,
    codec: checkCodec(fields.codec),
    valueBytesMax,
    stalenessMs: fields.stalenessMs,
    ledgerAgeMs: fields.ledgerAgeMs,
    tombstoneAgeMs: fields.tombstoneAgeMs,
    callTimeoutMs: fields.callTimeoutMs,
    stopTimeoutMs: fields.stopTimeoutMs,
  })
}

function checkCodec(codec: Codec | undefined): Codec | undefined {
  if (codec === undefined) return undefined
  try {
    checkContentType(codec.contentType)
  } catch (cause) {
    throw new InvalidConfig('codec.contentType', (cause as Error).message)
  }
  if (isOfCodec(codec, CONTENT_TYPE_BINARY)) {
    const why = 'is that of bytes stored as they are, which the codec would be given to decode'
    throw new InvalidConfig('codec.contentType', why, { contentType: codec.contentType })
  }
  return codec
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

import type {
  FilterResult,
  MerkleEvent,
  OperationName,
  OperationStatus,
  StartStepName,
  TierName,
  ViewName,
} from '@se/engine'

/** `counter`: only grows. `gauge`: read when metrics are collected. `histogram`: how values are spread. */
export type InstrumentKind = 'counter' | 'gauge' | 'histogram'

/** One metric. */
export interface Instrument {
  /** As OpenTelemetry knows it. A Prometheus scrape shows counters with `_total` behind it: {@link scrapeName}. */
  readonly name: string
  readonly kind: InstrumentKind
  /** In UCUM, as OpenTelemetry wants it: `s`, `By`, `{item}`, or `1` for a share of 1. */
  readonly unit: string
  readonly description: string
  /**
   * Label names, in order, with every value each may take. Any other value is recorded as {@link OTHER_VALUE}, so
   * that no mistake, and no stranger's tier, can make the number of series grow [P48].
   */
  readonly labels: Readonly<Record<string, readonly string[]>>
  /** Histograms only: upper bounds of the buckets, ascending, in `unit`. */
  readonly boundaries?: readonly number[]
}

/** Stands for a label value that the catalog does not have. */
export const OTHER_VALUE = 'other'

/** The name in a Prometheus scrape, and in this package's own output. */
export function scrapeName({ name, kind }: Pick<Instrument, 'name' | 'kind'>): string {
  return kind === 'counter' ? `${name}_total` : name
}

/** Every member of a union as a list; the compiler refuses one that lacks a member. */
function every<Value extends string>(members: Readonly<Record<Value, true>>): readonly Value[] {
  return Object.freeze(Object.keys(members) as Value[])
}

const tier = every<TierName>({ L1: true, L2: true, L3: true })
const operation = every<OperationName>({
  submit: true,
  get: true,
  delete: true,
  batch_write: true,
  batch_read: true,
})
const status = every<OperationStatus>({ success: true, error: true, hit: true, miss: true })
const phase = every<StartStepName>({
  wal_init: true,
  sql_connect: true,
  replay: true,
  tree: true,
  cf_restore: true,
  redis_connect: true,
  redis_sync: true,
  poll: true,
})
const view = every<ViewName>({ tree: true, filter: true, cache: true, memory: true })
const result = every<FilterResult>({ absent: true, maybe: true, untrusted: true })
/** The backends of `@se/tiers-redis` and `@se/tiers-mysql`, and the in-memory tiers of `@se/core/testing`. */
const backend = Object.freeze(['redis', 'mysql', 'sqlite', 'memory'])
/** The archive is the tier that has a filter. */
const filter = Object.freeze(['L3'])

/** Codes of every `StorageError` of the packages, and `UNEXPECTED` for all other errors. A test compares with docs/errors.md and the sources. */
export const ERROR_KINDS = Object.freeze([
  'SE_ARCHIVE_MISMATCH',
  'SE_ARCHIVE_REFUSED_DATA',
  'SE_ARCHIVE_TOO_NEW',
  'SE_BACKPRESSURE',
  'SE_BRANCH_MISMATCH',
  'SE_CALL_ABORTED',
  'SE_CODEC_FAILED',
  'SE_CORRUPT_DATA',
  'SE_CORRUPT_SNAPSHOT',
  'SE_DEADLINE_EXCEEDED',
  'SE_INSTANCE_FENCED',
  'SE_INVALID_CONFIG',
  'SE_INVALID_INPUT',
  'SE_INVARIANT',
  'SE_LOG_CLOSED',
  'SE_LOG_DAMAGED',
  'SE_LOG_FAILED',
  'SE_LOG_FORMAT_UNKNOWN',
  'SE_LOG_FULL',
  'SE_LOG_LOCKED',
  'SE_LOG_LOCK_LOST',
  'SE_LOG_RECORD_TOO_LARGE',
  'SE_LOG_SEGMENT_MISSING',
  'SE_LOG_SEQUENCE_RELEASED',
  'SE_LOG_UNREADABLE',
  'SE_OUT_OF_MEMORY',
  'SE_PARKING_FAILED',
  'SE_SNAPSHOT_INTERRUPTED',
  'SE_STAMP_REFUSED',
  'SE_TIER_MISCONFIGURED',
  'SE_TIER_UNAVAILABLE',
  'SE_TREE_CHANGED',
  'SE_WRONG_PHASE',
  'UNEXPECTED',
] as const)

/** One of {@link ERROR_KINDS}. */
export type ErrorKind = (typeof ERROR_KINDS)[number]

/** 1 µs … 10 s: from a hit in memory to an archive that hardly answers. */
const OPERATION_SECONDS = [
  0.000_001, 0.000_002_5, 0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001,
  0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]
/** 50 µs … 5 s: fdatasync on anything from a power-safe NVMe drive to a busy network disk. */
const SYNC_SECONDS = [
  0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
]
const FLUSH_SECONDS = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const STARTUP_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
/** A batch holds at most 10,000 items. */
const BATCH_ITEMS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]
const BATCH_BYTES = Array.from({ length: 11 }, (_, step) => 256 * 4 ** step)

/**
 * Every metric there is, by the name this package's sources use for it. docs/metrics.md shows the same as a
 * table, and a test compares the two.
 */
export const CATALOG = {
  operations: {
    name: 'sync_engine_operations',
    kind: 'counter',
    unit: '{operation}',
    description: 'Calls of the engine (L1) and questions to a tier that have ended',
    labels: { tier, operation, status },
  },
  itemsWritten: {
    name: 'sync_engine_items_written',
    kind: 'counter',
    unit: '{item}',
    description: 'Items a tier has taken',
    labels: { tier },
  },
  bytesWritten: {
    name: 'sync_engine_bytes_written',
    kind: 'counter',
    unit: 'By',
    description: 'Bytes of values a tier has taken',
    labels: { tier },
  },
  merkleOperations: {
    name: 'sync_engine_merkle_operations',
    kind: 'counter',
    unit: '{operation}',
    description: 'Work on the digest tree of the archive, or on the receipts of the cache',
    labels: {
      store: backend,
      operation: every<MerkleEvent['operation']>({
        load: true,
        fold: true,
        compare: true,
        repair: true,
        verify: true,
      }),
      status: every<MerkleEvent['status']>({ success: true, error: true }),
    },
  },
  errors: {
    name: 'sync_engine_errors',
    kind: 'counter',
    unit: '{error}',
    description: 'Failures, by the code of the error',
    labels: { tier, operation, kind: ERROR_KINDS },
  },
  cuckooChecks: {
    name: 'sync_engine_cuckoo_checks',
    kind: 'counter',
    unit: '{check}',
    description: 'Questions to the filter; untrusted: it could not be used, the tier below was asked',
    labels: { filter, result },
  },
  cuckooFalsePositives: {
    name: 'sync_engine_cuckoo_false_positives',
    kind: 'counter',
    unit: '{check}',
    description: 'The filter said maybe and the archive said absent',
    labels: { filter },
  },
  evictions: {
    name: 'sync_engine_evictions',
    kind: 'counter',
    unit: '{item}',
    description: 'Clean entries L1 gave up to stay within its bound',
    labels: {},
  },
  retries: {
    name: 'sync_engine_retries',
    kind: 'counter',
    unit: '{attempt}',
    description: 'Calls of a tier that were tried again',
    labels: { backend },
  },
  parkedItems: {
    name: 'sync_engine_parked_items',
    kind: 'counter',
    unit: '{item}',
    description: 'Items put aside because the archive can never take them as they are',
    labels: {},
  },
  supersededItems: {
    name: 'sync_engine_superseded_items',
    kind: 'counter',
    unit: '{item}',
    description: 'Own writes that met something newer in the archive',
    labels: {},
  },
  l1CacheItems: {
    name: 'sync_engine_l1_cache_items',
    kind: 'gauge',
    unit: '{item}',
    description: 'Items in L1',
    labels: {},
  },
  l1CacheBytes: {
    name: 'sync_engine_l1_cache_bytes',
    kind: 'gauge',
    unit: 'By',
    description: 'Bytes L1 accounts for',
    labels: {},
  },
  memoryPressure: {
    name: 'sync_engine_memory_pressure',
    kind: 'gauge',
    unit: '1',
    description: 'Part of the bound of L1 that cannot be evicted, 0 to 1',
    labels: {},
  },
  backpressureLevel: {
    name: 'sync_engine_backpressure_level',
    kind: 'gauge',
    unit: '1',
    description: 'Part of the bound of pending writes in use; at 1 writers wait or are refused',
    labels: {},
  },
  cuckooFilterEntries: {
    name: 'sync_engine_cuckoo_filter_entries',
    kind: 'gauge',
    unit: '{item}',
    description: 'Ids in the filter',
    labels: { filter },
  },
  cuckooFilterLoad: {
    name: 'sync_engine_cuckoo_filter_load',
    kind: 'gauge',
    unit: '1',
    description: 'Part of the slots of the filter in use, 0 to 1',
    labels: { filter },
  },
  backendHealthy: {
    name: 'sync_engine_backend_healthy',
    kind: 'gauge',
    unit: '1',
    description: '1: the backend answers; 0: it does not',
    labels: { backend },
  },
  walEntries: {
    name: 'sync_engine_wal_entries',
    kind: 'gauge',
    unit: '{record}',
    description: 'Records in the log that are not released',
    labels: {},
  },
  walBytes: {
    name: 'sync_engine_wal_bytes',
    kind: 'gauge',
    unit: 'By',
    description: 'Bytes of the log in use',
    labels: {},
  },
  pendingItems: {
    name: 'sync_engine_pending_items',
    kind: 'gauge',
    unit: '{item}',
    description: 'Items acknowledged and not yet in L3',
    labels: {},
  },
  pendingAge: {
    name: 'sync_engine_pending_age_seconds',
    kind: 'gauge',
    unit: 's',
    description: 'Since the oldest pending item was acknowledged; 0 with none',
    labels: {},
  },
  viewLag: {
    name: 'sync_engine_view_lag_batches',
    kind: 'gauge',
    unit: '{batch}',
    description: 'Ledger rows the view has yet to apply',
    labels: { view },
  },
  viewTrusted: {
    name: 'sync_engine_view_trusted',
    kind: 'gauge',
    unit: '1',
    description: '1: the view is trusted; 0: the tier below is asked instead',
    labels: { view },
  },
  breakerState: {
    name: 'sync_engine_circuit_breaker_state',
    kind: 'gauge',
    unit: '1',
    description: 'Breaker in front of a backend: 0 closed, 0.5 half-open, 1 open',
    labels: { backend },
  },
  operationSeconds: {
    name: 'sync_engine_operation_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'Duration of a call of the engine (L1) or of a question to a tier',
    labels: { tier, operation },
    boundaries: OPERATION_SECONDS,
  },
  flushSeconds: {
    name: 'sync_engine_flush_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'Duration of moving one batch to L3 and L2',
    labels: {},
    boundaries: FLUSH_SECONDS,
  },
  batchSize: {
    name: 'sync_engine_batch_size',
    kind: 'histogram',
    unit: '{item}',
    description: 'Items in a batch a tier has taken',
    labels: { tier },
    boundaries: BATCH_ITEMS,
  },
  batchBytes: {
    name: 'sync_engine_batch_bytes',
    kind: 'histogram',
    unit: 'By',
    description: 'Bytes of values in a batch a tier has taken',
    labels: { tier },
    boundaries: BATCH_BYTES,
  },
  startupSeconds: {
    name: 'sync_engine_startup_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'Duration of a step of the start',
    labels: { phase },
    boundaries: STARTUP_SECONDS,
  },
  startupTotalSeconds: {
    name: 'sync_engine_startup_total_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'Duration of the start, until ready',
    labels: {},
    boundaries: STARTUP_SECONDS,
  },
  walSyncSeconds: {
    name: 'sync_engine_wal_sync_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'Duration of one write and sync of the log, which covers a group of records',
    labels: {},
    boundaries: SYNC_SECONDS,
  },
} as const satisfies Readonly<Record<string, Instrument>>

export type InstrumentKey = keyof typeof CATALOG

/** The keys of the instruments of a kind. */
export type KeyOf<Kind extends InstrumentKind> = {
  [Key in InstrumentKey]: (typeof CATALOG)[Key]['kind'] extends Kind ? Key : never
}[InstrumentKey]

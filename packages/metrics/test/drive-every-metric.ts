import { GAUGES_AT_REST, type EngineGauges } from '@se/engine'
import type { InstrumentKey, MetricsObserver } from '../src/index.ts'

/** What moves one series of a metric, and how far from rest: by `moves` for counters and histograms, to it for gauges. */
export interface Drive {
  readonly series: string
  readonly moves: number
  drive(observer: MetricsObserver): void
}

/** An engine at rest: every gauge that is pulled stands at 0. */
export const RESTING: EngineGauges = {
  ...GAUGES_AT_REST,
  viewLagBatches: { filter: 0 },
  viewTrusted: { filter: false },
  backendHealthy: { mysql: false },
  breakerState: { redis: 'closed' },
}

const gauge = (series: string, moves: number, changed: Partial<EngineGauges>): Drive => ({
  series,
  moves,
  drive: ({ engine }) => engine.gauges?.(() => ({ ...RESTING, ...changed })),
})

/** The type refuses a metric that is missing here: what nothing can move does not belong in the catalog. */
export const DRIVES: Readonly<Record<InstrumentKey, Drive>> = {
  operations: {
    series: 'sync_engine_operations_total{tier=L1,operation=get,status=hit}',
    moves: 1,
    drive: ({ engine }) =>
      engine.operation?.({ tier: 'L1', operation: 'get', status: 'hit', durationMs: 0.25 }),
  },
  itemsWritten: {
    series: 'sync_engine_items_written_total{tier=L2}',
    moves: 3,
    drive: ({ engine }) => engine.written?.({ tier: 'L2', items: 3, bytes: 120 }),
  },
  bytesWritten: {
    series: 'sync_engine_bytes_written_total{tier=L3}',
    moves: 120,
    drive: ({ engine }) => engine.written?.({ tier: 'L3', items: 3, bytes: 120 }),
  },
  merkleOperations: {
    series: 'sync_engine_merkle_operations_total{store=redis,operation=repair,status=success}',
    moves: 1,
    drive: ({ engine }) =>
      engine.merkle?.({ store: 'redis', operation: 'repair', status: 'success', durationMs: 4 }),
  },
  errors: {
    series: 'sync_engine_errors_total{tier=L3,operation=batch_write,kind=SE_TIER_UNAVAILABLE}',
    moves: 1,
    drive: ({ engine }) =>
      engine.failed?.({ tier: 'L3', operation: 'batch_write', kind: 'SE_TIER_UNAVAILABLE' }),
  },
  cuckooChecks: {
    series: 'sync_engine_cuckoo_checks_total{filter=L3,result=absent}',
    moves: 1,
    drive: ({ engine }) => engine.filterChecked?.({ result: 'absent' }),
  },
  cuckooFalsePositives: {
    series: 'sync_engine_cuckoo_false_positives_total{filter=L3}',
    moves: 1,
    drive: ({ engine }) => engine.falsePositive?.(),
  },
  evictions: {
    series: 'sync_engine_evictions_total',
    moves: 7,
    drive: ({ engine }) => engine.evicted?.({ count: 7 }),
  },
  retries: {
    series: 'sync_engine_retries_total{backend=sqlite}',
    moves: 1,
    drive: ({ engine }) => engine.retried?.({ backend: 'sqlite', attempt: 2, delayMs: 40 }),
  },
  parkedItems: {
    series: 'sync_engine_parked_items_total',
    moves: 2,
    drive: ({ engine }) => engine.parked?.({ count: 2, because: 'refused-data' }),
  },
  supersededItems: {
    series: 'sync_engine_superseded_items_total',
    moves: 5,
    drive: ({ engine }) => engine.superseded?.({ count: 5 }),
  },
  l1CacheItems: gauge('sync_engine_l1_cache_items', 12, { l1Items: 12 }),
  l1CacheBytes: gauge('sync_engine_l1_cache_bytes', 1_445, { l1Bytes: 1_445 }),
  memoryPressure: gauge('sync_engine_memory_pressure', 0.5, { memoryPressure: 0.5 }),
  backpressureLevel: gauge('sync_engine_backpressure_level', 0.75, { backpressureLevel: 0.75 }),
  cuckooFilterEntries: gauge('sync_engine_cuckoo_filter_entries{filter=L3}', 9, { filterEntries: 9 }),
  cuckooFilterLoad: gauge('sync_engine_cuckoo_filter_load{filter=L3}', 0.1, { filterLoad: 0.1 }),
  backendHealthy: gauge('sync_engine_backend_healthy{backend=mysql}', 1, {
    backendHealthy: { mysql: true },
  }),
  walEntries: gauge('sync_engine_wal_entries', 4, { walEntries: 4 }),
  walBytes: gauge('sync_engine_wal_bytes', 4_096, { walBytes: 4_096 }),
  pendingItems: gauge('sync_engine_pending_items', 6, { pendingItems: 6 }),
  pendingAge: gauge('sync_engine_pending_age_seconds', 1.5, { pendingAgeSeconds: 1.5 }),
  viewLag: gauge('sync_engine_view_lag_batches{view=filter}', 8, {
    viewLagBatches: { filter: 8 },
  }),
  viewTrusted: gauge('sync_engine_view_trusted{view=filter}', 1, {
    viewTrusted: { filter: true },
  }),
  breakerState: gauge('sync_engine_circuit_breaker_state{backend=redis}', 0.5, {
    breakerState: { redis: 'half-open' },
  }),
  operationSeconds: {
    series: 'sync_engine_operation_seconds{tier=L1,operation=submit}',
    moves: 0.25,
    drive: ({ engine }) =>
      engine.operation?.({ tier: 'L1', operation: 'submit', status: 'success', durationMs: 250 }),
  },
  flushSeconds: {
    series: 'sync_engine_flush_seconds',
    moves: 0.048,
    drive: ({ engine }) =>
      engine.flushed?.({
        cause: 'age',
        status: 'success',
        items: 5,
        bytes: 156,
        sequence: 1,
        l3: 5,
        l2: 5,
        superseded: 0,
        parked: 0,
        durationMs: 48,
      }),
  },
  batchSize: {
    series: 'sync_engine_batch_size{tier=L3}',
    moves: 5,
    drive: ({ engine }) => engine.batch?.({ tier: 'L3', items: 5, bytes: 156 }),
  },
  batchBytes: {
    series: 'sync_engine_batch_bytes{tier=L2}',
    moves: 156,
    drive: ({ engine }) => engine.batch?.({ tier: 'L2', items: 5, bytes: 156 }),
  },
  startupSeconds: {
    series: 'sync_engine_startup_seconds{phase=cf_restore}',
    moves: 0.008,
    drive: ({ engine }) => engine.startStep?.({ name: 'cf_restore', durationMs: 8, figures: { entries: 5 } }),
  },
  startupTotalSeconds: {
    series: 'sync_engine_startup_total_seconds',
    moves: 0.09,
    drive: ({ engine }) => engine.started?.({ durationMs: 90, isDegraded: false }),
  },
  walSyncSeconds: {
    series: 'sync_engine_wal_sync_seconds',
    moves: 0.002,
    drive: ({ log }) => log.synced?.({ records: 16, bytes: 1_600, durationMs: 2 }),
  },
}

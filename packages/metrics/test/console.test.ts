import { createMetricsObserver } from '../src/index.ts'
import { createConsoleMetrics } from '../src/console.ts'
import { describe, expect, it } from 'vitest'
import { RESTING } from './drive-every-metric.ts'

describe('raw metrics for people', () => {
  it('are printed by name and label, with count, sum, average, least and most', async () => {
    const metrics = createConsoleMetrics()
    const { engine } = createMetricsObserver({ meter: metrics.meter })
    engine.gauges?.(() => ({ ...RESTING, l1Bytes: 1_445, filterEntries: 5, filterLoad: 0.0000305 }))
    engine.operation?.({ tier: 'L1', operation: 'get', status: 'hit', durationMs: 0.001 })
    engine.operation?.({ tier: 'L1', operation: 'get', status: 'hit', durationMs: 0.003 })
    engine.batch?.({ tier: 'L3', items: 5, bytes: 156 })
    const text = metrics.format(await metrics.snapshot(), '  ')
    await metrics.shutdown()
    expect(text).toBe(
      [
        '  Counters (cumulative)',
        '    sync_engine_cuckoo_false_positives_total{filter=L3} = 0',
        '    sync_engine_evictions_total = 0',
        '    sync_engine_operations_total{tier=L1,operation=get,status=hit} = 2',
        '    sync_engine_parked_items_total = 0',
        '    sync_engine_superseded_items_total = 0',
        '  Gauges (current value)',
        '    sync_engine_backend_healthy{backend=mysql} = 0.0000',
        '    sync_engine_backpressure_level = 0.0000',
        '    sync_engine_circuit_breaker_state{backend=redis} = 0.0000',
        '    sync_engine_cuckoo_filter_entries{filter=L3} = 5.0000',
        '    sync_engine_cuckoo_filter_load{filter=L3} = 0.0000305',
        '    sync_engine_l1_cache_bytes = 1445.0000',
        '    sync_engine_l1_cache_items = 0.0000',
        '    sync_engine_memory_pressure = 0.0000',
        '    sync_engine_pending_age_seconds = 0.0000',
        '    sync_engine_pending_items = 0.0000',
        '    sync_engine_view_lag_batches{view=filter} = 0.0000',
        '    sync_engine_view_trusted{view=filter} = 0.0000',
        '    sync_engine_wal_bytes = 0.0000',
        '    sync_engine_wal_entries = 0.0000',
        '  Histograms (distributions)',
        '    sync_engine_batch_bytes{tier=L3}',
        '      count=1 sum=156.0000 avg=156.0000 min=156.0000 max=156.0000',
        '    sync_engine_batch_size{tier=L3}',
        '      count=1 sum=5.0000 avg=5.0000 min=5.0000 max=5.0000',
        '    sync_engine_operation_seconds{tier=L1,operation=get}',
        '      count=2 sum=0.00000400 avg=0.00000200 min=0.00000100 max=0.00000300',
      ].join('\n'),
    )
  })
})

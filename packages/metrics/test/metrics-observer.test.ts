/**
 * Goal: every metric of the catalog moves when the thing it counts happens, by as much, and nothing else can make series.
 * Method: events by hand into a real SDK, read back as a scrape and as a snapshot. That the engine emits the events is
 * tested where the engine is (tools/system-tests).
 */
import type { EngineGauges, EngineObserver } from '@se/engine'
import {
  CATALOG,
  createMetricsObserver,
  scrapeName,
  type Instrument,
  type InstrumentKey,
} from '../src/index.ts'
import { createConsoleMetrics, type RawMetrics } from '../src/console.ts'
import { createPrometheusMetrics } from '../src/prometheus.ts'
import { diag, DiagLogLevel } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DRIVES, RESTING } from './drive-every-metric.ts'

let metrics: ReturnType<typeof createConsoleMetrics>

beforeEach(() => {
  metrics = createConsoleMetrics()
})
afterEach(() => metrics.shutdown())

const textOf = ({ name, labels }: { name: string; labels: Readonly<Record<string, string>> }) => {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`)
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`
}

/** Value of a series: of a histogram its sum. */
function valueOf(raw: RawMetrics, series: string): number | undefined {
  const single = [...raw.counters, ...raw.gauges].find((entry) => textOf(entry) === series)
  return single?.value ?? raw.histograms.find((entry) => textOf(entry) === series)?.sum
}

const seriesCount = (raw: RawMetrics) => raw.counters.length + raw.gauges.length + raw.histograms.length

describe('every metric of the catalog', () => {
  it.each(Object.entries(DRIVES))('moves: %s', async (key, { series, moves, drive }) => {
    const observer = createMetricsObserver({ meter: metrics.meter })
    observer.engine.gauges?.(() => RESTING)
    const before = valueOf(await metrics.snapshot(), series) ?? 0
    drive(observer)
    const once = valueOf(await metrics.snapshot(), series)
    drive(observer)
    const twice = valueOf(await metrics.snapshot(), series)

    const instrument: Instrument = CATALOG[key as InstrumentKey]
    expect(series.startsWith(scrapeName(instrument))).toBe(true)
    expect(before).toBe(0)
    expect(once).toBeCloseTo(moves, 9)
    // A gauge tells how things are; the others add up, across collections too.
    expect(twice).toBeCloseTo(instrument.kind === 'gauge' ? moves : 2 * moves, 9)
  })

  it('is in a scrape under the name and labels of the catalog, and nothing else is', async () => {
    const prometheus = createPrometheusMetrics()
    const observer = createMetricsObserver({ meter: prometheus.meter })
    for (const { drive } of Object.values(DRIVES)) drive(observer)
    const text = await prometheus.scrape()
    const declared = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, kind]) => `${kind} ${name}`)
    expect(declared.toSorted()).toEqual(
      Object.values<Instrument>(CATALOG)
        .map((instrument) => `${instrument.kind} ${scrapeName(instrument)}`)
        .toSorted(),
    )
    for (const { labels, ...instrument } of Object.values<Instrument>(CATALOG)) {
      const name = scrapeName(instrument)
      const line = text.split('\n').find((candidate) => new RegExp(`^${name}(_count)?[{ ]`).test(candidate))
      const shown = [...(line?.matchAll(/(\w+)="/g) ?? [])].map(([, label]) => label)
      expect(shown, name).toEqual(Object.keys(labels))
    }
    await prometheus.shutdown()
  })
})

describe('labels', () => {
  it('stay bounded, whatever ids, backends and codes are passed in: they are counted as `other` [P48]', async () => {
    const { engine } = createMetricsObserver({ meter: metrics.meter })
    const ids = Array.from({ length: 5_000 }, (_, index) => `user.${index}`)
    for (const id of ids) {
      engine.failed?.({ tier: 'L1', operation: 'get', kind: id })
      engine.retried?.({ backend: id, attempt: 1, delayMs: 1 })
      engine.merkle?.({ store: id, operation: 'load', status: 'success', durationMs: 1 })
      engine.operation?.({ tier: id as 'L1', operation: 'get', status: 'hit', durationMs: 1 })
    }
    engine.gauges?.(() => ({ ...RESTING, backendHealthy: Object.fromEntries(ids.map((id) => [id, true])) }))
    const raw = await metrics.snapshot()
    expect(seriesCount(raw)).toBeLessThan(40)
    expect(JSON.stringify(raw)).not.toContain('user.')
    expect(valueOf(raw, 'sync_engine_errors_total{tier=L1,operation=get,kind=other}')).toBe(ids.length)
    expect(valueOf(raw, 'sync_engine_retries_total{backend=other}')).toBe(ids.length)
    expect(
      valueOf(raw, 'sync_engine_merkle_operations_total{store=other,operation=load,status=success}'),
    ).toBe(ids.length)
    expect(valueOf(raw, 'sync_engine_operations_total{tier=other,operation=get,status=hit}')).toBe(ids.length)
    expect(valueOf(raw, 'sync_engine_backend_healthy{backend=other}')).toBe(1)
  })

  it('keep series apart that differ in one label only', async () => {
    const { engine } = createMetricsObserver({ meter: metrics.meter })
    engine.operation?.({ tier: 'L1', operation: 'get', status: 'hit', durationMs: 1 })
    engine.operation?.({ tier: 'L1', operation: 'get', status: 'miss', durationMs: 1 })
    engine.operation?.({ tier: 'L2', operation: 'get', status: 'hit', durationMs: 1 })
    const { counters } = await metrics.snapshot()
    const operations = counters.filter(({ name }) => name === 'sync_engine_operations_total')
    expect(operations.map(({ labels, value }) => [Object.values(labels).join(), value])).toEqual([
      ['L1,get,hit', 1],
      ['L1,get,miss', 1],
      ['L2,get,hit', 1],
    ])
  })
})

describe('observer', () => {
  it('leaves undefined what no metric needs, so that the engine does not even make those events', () => {
    const { engine, log } = createMetricsObserver({ meter: metrics.meter })
    const unused: (keyof EngineObserver)[] = [
      'phaseChanged',
      'trust',
      'repaired',
      'backendHealth',
      'breaker',
      'fault',
    ]
    for (const method of unused) expect(engine[method], method).toBeUndefined()
    expect(Object.keys(log)).toEqual(['synced'])
  })

  it('shows counters without a choice of labels as 0 before anything happens, so that a rate sees the first event', async () => {
    createMetricsObserver({ meter: metrics.meter })
    expect((await metrics.snapshot()).counters).toEqual([
      { name: 'sync_engine_cuckoo_false_positives_total', labels: { filter: 'L3' }, value: 0 },
      { name: 'sync_engine_evictions_total', labels: {}, value: 0 },
      { name: 'sync_engine_parked_items_total', labels: {}, value: 0 },
      { name: 'sync_engine_superseded_items_total', labels: {}, value: 0 },
    ])
  })

  it('reads gauges when somebody collects, and not before: an idle engine reports too', async () => {
    let reads = 0
    const { engine } = createMetricsObserver({ meter: metrics.meter })
    engine.gauges?.(() => ({ ...RESTING, l1Items: ++reads }))
    expect(reads).toBe(0)
    expect(valueOf(await metrics.snapshot(), 'sync_engine_l1_cache_items')).toBe(1)
    expect(valueOf(await metrics.snapshot(), 'sync_engine_l1_cache_items')).toBe(2)
  })

  it('shows the gauges of the engine created last, so that a restart within the process is seen', async () => {
    const { engine } = createMetricsObserver({ meter: metrics.meter })
    let stoppedReads = 0
    engine.gauges?.(() => {
      stoppedReads++
      return RESTING
    })
    engine.gauges?.(() => ({ ...RESTING, pendingItems: 3 }))
    expect(valueOf(await metrics.snapshot(), 'sync_engine_pending_items')).toBe(3)
    expect(stoppedReads).toBe(0)
  })

  it('still shows everything else when gauges cannot be read, and says so', async () => {
    const told: unknown[] = []
    const note = (...parts: unknown[]) => void told.push(...parts)
    diag.setLogger(
      { error: note, warn() {}, info() {}, debug() {}, verbose() {} },
      { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
    )
    const { engine } = createMetricsObserver({ meter: metrics.meter })
    const broken = new Error('not to be read now')
    engine.gauges?.((): EngineGauges => {
      throw broken
    })
    engine.evicted?.({ count: 2 })
    const raw = await metrics.snapshot()
    diag.disable()
    expect(valueOf(raw, 'sync_engine_evictions_total')).toBe(2)
    expect(raw.gauges).toEqual([])
    expect(told).toContain(broken)
  })

  it('reports nothing any more once detached, and lets go of the engine', async () => {
    const observer = createMetricsObserver({ meter: metrics.meter })
    let reads = 0
    observer.engine.gauges?.(() => {
      reads++
      return RESTING
    })
    observer.engine.evicted?.({ count: 1 })
    observer.detach()
    const raw = await metrics.snapshot()
    expect(raw).toEqual({ counters: [], gauges: [], histograms: [] })
    expect(reads).toBe(0)
  })
})

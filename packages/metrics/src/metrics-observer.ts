import type {
  Attributes,
  BatchObservableCallback,
  Histogram,
  Meter,
  MetricOptions,
  Observable,
} from '@opentelemetry/api'
import { BREAKER_GAUGE, type EngineGauges, type EngineObserver } from '@se/engine'
import type { LogObserver } from '@se/wal'
import { CATALOG, type Instrument, type KeyOf } from './catalog.ts'
import { METRICS_FIELDS, readOptions, type MetricsOptions } from './options.ts'
import { Series } from './series.ts'

/** What to hand to the engine and to the log. */
export interface MetricsObserver {
  /** Several engines may share it: counters and histograms then add up, gauges are those of the last one created. */
  readonly engine: EngineObserver
  readonly log: LogObserver
  /** Ends reporting: the meter forgets counters and gauges, and the engine can be collected. */
  detach(): void
}

interface Sum {
  readonly attributes: Attributes
  value: number
}

const FILTER = 'L3'

/**
 * Feeds the instruments of the catalog from the events of engine and log.
 *
 * Counters are summed here and read when metrics are collected, which is many times cheaper than `Counter.add` of the SDK.
 * Histograms have no such instrument, so each of their events pays the SDK's price (README, "What it costs"). Methods
 * that no metric needs are left undefined.
 *
 * @throws InvalidConfig naming the field
 */
export function createMetricsObserver(options: MetricsOptions): MetricsObserver {
  const { meter } = readOptions(options, METRICS_FIELDS)
  const counters = createCounters(meter)
  const histograms = createHistograms(meter)
  const gauges = createGauges(meter)
  const { sums } = counters
  const { record } = histograms

  const engine: EngineObserver = {
    operation({ tier, operation, status, durationMs }) {
      sums.operations.at(tier, operation, status).value += 1
      record.operationSeconds(durationMs / 1_000, tier, operation)
    },
    written({ tier, items, bytes }) {
      sums.itemsWritten.at(tier).value += items
      sums.bytesWritten.at(tier).value += bytes
    },
    batch({ tier, items, bytes }) {
      record.batchSize(items, tier)
      record.batchBytes(bytes, tier)
    },
    flushed({ durationMs }) {
      record.flushSeconds(durationMs / 1_000)
    },
    filterChecked({ result }) {
      sums.cuckooChecks.at(FILTER, result).value += 1
    },
    falsePositive() {
      sums.cuckooFalsePositives.at(FILTER).value += 1
    },
    evicted({ count }) {
      sums.evictions.at().value += count
    },
    retried({ backend }) {
      sums.retries.at(backend).value += 1
    },
    parked({ count }) {
      sums.parkedItems.at().value += count
    },
    superseded({ count }) {
      sums.supersededItems.at().value += count
    },
    merkle({ store, operation, status }) {
      sums.merkleOperations.at(store, operation, status).value += 1
    },
    failed({ tier, operation, kind }) {
      sums.errors.at(tier, operation, kind).value += 1
    },
    startStep({ name, durationMs }) {
      record.startupSeconds(durationMs / 1_000, name)
    },
    started({ durationMs }) {
      record.startupTotalSeconds(durationMs / 1_000)
    },
    gauges(read) {
      gauges.readFrom(read)
    },
  }
  const log: LogObserver = {
    synced({ durationMs }) {
      record.walSyncSeconds(durationMs / 1_000)
    },
  }
  return {
    engine,
    log,
    detach() {
      counters.detach()
      gauges.detach()
    },
  }
}

function createCounters(meter: Meter) {
  const sums = mapKind('counter', (instrument) => {
    const series = new Series<Sum>(instrument, (attributes) => ({ attributes, value: 0 }))
    // What has no choice of labels is shown from the start, as 0: a rate then sees the first event too.
    if (Object.values(instrument.labels).every((values) => values.length === 1)) {
      series.at(...Object.values(instrument.labels).map(([only]) => only))
    }
    return series
  })
  const observables = mapKind('counter', (instrument) =>
    meter.createObservableCounter(instrument.name, optionsOf(instrument)),
  )
  const keys = Object.keys(sums) as KeyOf<'counter'>[]
  const report: BatchObservableCallback = (result) => {
    for (const key of keys) {
      for (const { value, attributes } of sums[key].cells) result.observe(observables[key], value, attributes)
    }
  }
  const all = Object.values(observables)
  meter.addBatchObservableCallback(report, all)
  return {
    sums,
    detach() {
      meter.removeBatchObservableCallback(report, all)
    },
  }
}

function createHistograms(meter: Meter) {
  const record = mapKind('histogram', (instrument) => {
    const histogram: Histogram = meter.createHistogram(instrument.name, optionsOf(instrument))
    const series = new Series<Attributes>(instrument, (attributes) => attributes)
    return (value: number, first?: string, second?: string) => {
      histogram.record(value, series.at(first, second))
    }
  })
  return { record }
}

function createGauges(meter: Meter) {
  const observables = mapKind('gauge', (instrument) =>
    meter.createObservableGauge(instrument.name, optionsOf(instrument)),
  )
  const series = mapKind(
    'gauge',
    (instrument) => new Series<Attributes>(instrument, (attributes) => attributes),
  )
  const all: Observable[] = Object.values(observables)
  let report: BatchObservableCallback | undefined

  function detach(): void {
    if (report !== undefined) meter.removeBatchObservableCallback(report, all)
    report = undefined
  }

  return {
    readFrom(read: () => EngineGauges): void {
      detach()
      report = (result) => {
        const observe = (key: KeyOf<'gauge'>, value: number, label?: string) => {
          result.observe(observables[key], value, series[key].at(label))
        }
        observeGauges(read(), observe)
      }
      meter.addBatchObservableCallback(report, all)
    },
    detach,
  }
}

function observeGauges(
  gauges: EngineGauges,
  observe: (key: KeyOf<'gauge'>, value: number, label?: string) => void,
): void {
  observe('l1CacheItems', gauges.l1Items)
  observe('l1CacheBytes', gauges.l1Bytes)
  observe('memoryPressure', gauges.memoryPressure)
  observe('backpressureLevel', gauges.backpressureLevel)
  observe('cuckooFilterEntries', gauges.filterEntries, FILTER)
  observe('cuckooFilterLoad', gauges.filterLoad, FILTER)
  observe('pendingItems', gauges.pendingItems)
  observe('pendingAge', gauges.pendingAgeSeconds)
  observe('walEntries', gauges.walEntries)
  observe('walBytes', gauges.walBytes)
  for (const [view, batches] of Object.entries(gauges.viewLagBatches)) observe('viewLag', batches, view)
  for (const [view, isTrusted] of Object.entries(gauges.viewTrusted))
    observe('viewTrusted', Number(isTrusted), view)
  for (const [backend, isHealthy] of Object.entries(gauges.backendHealthy)) {
    observe('backendHealthy', Number(isHealthy), backend)
  }
  for (const [backend, state] of Object.entries(gauges.breakerState))
    observe('breakerState', BREAKER_GAUGE[state], backend)
}

function optionsOf({ description, unit, boundaries }: Instrument): MetricOptions {
  return {
    description,
    unit,
    ...(boundaries === undefined ? {} : { advice: { explicitBucketBoundaries: [...boundaries] } }),
  }
}

/** One thing for each instrument of a kind, by its key. */
function mapKind<Kind extends Instrument['kind'], Value>(
  kind: Kind,
  make: (instrument: Instrument) => Value,
): Readonly<Record<KeyOf<Kind>, Value>> {
  const entries = Object.entries<Instrument>(CATALOG).filter(([, instrument]) => instrument.kind === kind)
  return Object.fromEntries(entries.map(([key, instrument]) => [key, make(instrument)])) as Record<
    KeyOf<Kind>,
    Value
  >
}

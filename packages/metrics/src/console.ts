import { diag, type Meter } from '@opentelemetry/api'
import { DataPointType, MeterProvider, MetricReader, type MetricData } from '@opentelemetry/sdk-metrics'
import { scrapeName } from './catalog.ts'
import { readOptions, type NoOptions } from './options.ts'
import { formatRawMetrics, type RawHistogram, type RawMetrics, type RawValue } from './raw-metrics.ts'
import { shownAs } from './shown-as.ts'

export type { RawHistogram, RawMetrics, RawValue }

/** A meter whose instruments are read on demand, for people. */
export interface ConsoleMetrics {
  readonly meter: Meter
  /** Every metric of now. Gauges that cannot be read are left out and told to OpenTelemetry's `diag`. */
  snapshot(): Promise<RawMetrics>
  /** @param indent put before every line */
  format(raw: RawMetrics, indent?: string): string
  shutdown(): Promise<void>
}

/**
 * A provider of its own, without timer, server or exporter: it collects when `snapshot` is called.
 *
 * @throws InvalidConfig for any option: there are none
 */
export function createConsoleMetrics(options: NoOptions = {}): ConsoleMetrics {
  readOptions(options, {})
  const reader = new OnDemandReader()
  const provider = new MeterProvider({ readers: [reader] })
  return {
    meter: provider.getMeter('@se/metrics'),
    async snapshot() {
      const { resourceMetrics, errors } = await reader.collect()
      for (const error of errors) diag.error('a metric could not be read', error)
      return rawMetricsOf(resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics))
    },
    format: formatRawMetrics,
    shutdown: () => provider.shutdown(),
    ...shownAs('ConsoleMetrics', {}),
  }
}

/** Holds nothing, so there is nothing to flush or to close. */
class OnDemandReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

function rawMetricsOf(metrics: readonly MetricData[]): RawMetrics {
  const counters: RawValue[] = []
  const gauges: RawValue[] = []
  const histograms: RawHistogram[] = []
  for (const metric of metrics) {
    const { name } = metric.descriptor
    switch (metric.dataPointType) {
      case DataPointType.SUM:
      case DataPointType.GAUGE: {
        const isCounter = metric.dataPointType === DataPointType.SUM && metric.isMonotonic
        for (const { attributes, value } of metric.dataPoints) {
          const labels = attributes as Record<string, string>
          if (isCounter) counters.push({ name: scrapeName({ name, kind: 'counter' }), labels, value })
          else gauges.push({ name, labels, value })
        }
        break
      }
      case DataPointType.HISTOGRAM:
        for (const { attributes, value } of metric.dataPoints) {
          const { count, sum = 0, min = 0, max = 0 } = value
          histograms.push({ name, labels: attributes as Record<string, string>, count, sum, min, max })
        }
        break
      case DataPointType.EXPONENTIAL_HISTOGRAM:
        // The provider is ours and has no views, so no instrument is turned into one.
        break
    }
  }
  return {
    counters: counters.sort(byNameAndLabels),
    gauges: gauges.sort(byNameAndLabels),
    histograms: histograms.sort(byNameAndLabels),
  }
}

function byNameAndLabels(a: Pick<RawValue, 'name' | 'labels'>, b: Pick<RawValue, 'name' | 'labels'>): number {
  return sortKey(a) < sortKey(b) ? -1 : 1
}

function sortKey({ name, labels }: Pick<RawValue, 'name' | 'labels'>): string {
  return [name, ...Object.values(labels)].join('\u0000')
}

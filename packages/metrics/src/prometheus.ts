import { diag, type Meter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { readOptions, type NoOptions } from './options.ts'
import { shownAs } from './shown-as.ts'

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** A meter whose instruments are read by a Prometheus scrape. */
export interface PrometheusMetrics {
  readonly meter: Meter
  /** Value of the `content-type` header for {@link scrape}. */
  readonly contentType: string
  /** Every metric of now, in the text format of Prometheus. Gauges that cannot be read are left out and told to OpenTelemetry's `diag`. */
  scrape(): Promise<string>
  shutdown(): Promise<void>
}

/**
 * A provider of its own with a Prometheus exporter that starts no server: mount `scrape` where your service listens.
 *
 * Neither scope labels nor `target_info` are added, so that the scrape shows the names and labels of the catalog and
 * nothing else.
 *
 * @throws InvalidConfig for any option: there are none
 */
export function createPrometheusMetrics(options: NoOptions = {}): PrometheusMetrics {
  readOptions(options, {})
  const exporter = new PrometheusExporter({ preventServerStart: true })
  // Timestamps are the scraper's; resource labels, target_info and scope labels are left out.
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true)
  const provider = new MeterProvider({ readers: [exporter] })
  return {
    meter: provider.getMeter('@se/metrics'),
    contentType: CONTENT_TYPE,
    async scrape() {
      const { resourceMetrics, errors } = await exporter.collect()
      for (const error of errors) diag.error('a metric could not be read', error)
      return `${serializer.serialize(resourceMetrics).trimEnd()}\n`
    },
    shutdown: () => provider.shutdown(),
    ...shownAs('PrometheusMetrics', { contentType: CONTENT_TYPE }),
  }
}

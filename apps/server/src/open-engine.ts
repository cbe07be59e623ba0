import { wireEngine, type TierSettings } from '@se/compose'
import type { Engine, Logger } from '@se/engine'
import { createPrometheusMetrics, type PrometheusMetrics } from '@se/metrics/prometheus'

export interface MeasuredEngine {
  readonly engine: Engine
  /** As the engine's gauges name it. */
  readonly archiveBackend: string
  readonly metrics: PrometheusMetrics
}

/** The server's engine, and its metrics as Prometheus reads them; nothing is opened yet. @throws InvalidConfig naming the field */
export async function openEngine(settings: TierSettings, logger: Logger): Promise<MeasuredEngine> {
  const metrics = createPrometheusMetrics()
  const { engine, archive } = await wireEngine(settings, {
    meter: metrics.meter,
    logger,
    // A client that is told to come back is better off than one whose request hangs.
    engine: { pending: { onFull: 'refuse' } },
  })
  return { engine, archiveBackend: archive.backend, metrics }
}

import path from 'node:path'
import type { ArchiveTier, CacheTier } from '@se/core'
import { createEngine, type Engine, type Logger } from '@se/engine'
import { createMetricsObserver } from '@se/metrics'
import { createPrometheusMetrics, type PrometheusMetrics } from '@se/metrics/prometheus'
import type { RetryReport } from '@se/tiers-mysql'
import type { ServerConfig } from './config.ts'

export interface WiredEngine {
  readonly engine: Engine
  readonly archiveBackend: string
  readonly metrics: PrometheusMetrics
}

/**
 * Engine, tiers and metrics as the configuration names them; nothing is opened yet. Only the drivers that are used are
 * loaded.
 */
export async function wireEngine(config: ServerConfig, logger: Logger): Promise<WiredEngine> {
  const metrics = createPrometheusMetrics()
  const observer = createMetricsObserver({ meter: metrics.meter })
  // Inside the archive a transaction that meets others is repeated at once; the engine's own retries are counted by it.
  const onRetry = ({ backend, attempts }: RetryReport) =>
    observer.engine.retried?.({ backend, attempt: attempts, delayMs: 0 })
  const archive = await archiveOf(config, onRetry)
  const cache = await cacheOf(config, logger)
  const engine = createEngine({
    log: { directory: path.join(config.dataDirectory, 'log') },
    archive,
    ...(cache === undefined ? {} : { cache }),
    // A client that is told to come back is better off than one whose request hangs.
    pending: { onFull: 'refuse' },
    observer: observer.engine,
    logObserver: observer.log,
    logger,
  })
  return { engine, archiveBackend: archive.backend, metrics }
}

async function archiveOf(
  { sqlUrl, dataDirectory }: ServerConfig,
  onRetry: (report: RetryReport) => void,
): Promise<ArchiveTier> {
  if (sqlUrl === undefined) {
    const { sqliteArchive } = await import('@se/tiers-mysql/sqlite')
    return sqliteArchive({ file: path.join(dataDirectory, 'archive.sqlite'), onRetry })
  }
  const { mysqlArchive } = await import('@se/tiers-mysql/mysql')
  return mysqlArchive({ url: sqlUrl, onRetry })
}

async function cacheOf(
  { redisUrl, redisPrefix }: ServerConfig,
  logger: Logger,
): Promise<CacheTier | undefined> {
  if (redisUrl === undefined) return undefined
  const { redisCache } = await import('@se/tiers-redis')
  return redisCache({
    url: redisUrl,
    prefix: redisPrefix,
    // Faults and health say when the cache ceases to answer; this is every single attempt.
    onConnectionError: (error) => logger.debug({ event: 'redis-connection', err: error }, error.message),
  })
}

import type { Meter } from '@opentelemetry/api'
import type { ArchiveTier } from '@se/core'
import { createEngine, type Engine, type EngineConfig, type Logger } from '@se/engine'
import { createMetricsObserver } from '@se/metrics'
import type { RetryReport } from '@se/tiers-mysql'
import type { RedisCache } from '@se/tiers-redis'
import { logDirectoryOf, sqliteFileOf } from './data-directory.ts'
import type { Settings } from './settings.ts'

/** Settings once the app has chosen the directory, absolute. */
export interface TierSettings extends Settings {
  readonly dataDirectory: string
}

export interface WireOptions {
  /** Takes the metrics of engine, log and tiers. Default: there are none. */
  readonly meter?: Meter
  readonly logger?: Logger
  /** What the app sets of the engine itself. */
  readonly engine?: Omit<EngineConfig, 'log' | 'archive' | 'cache' | 'observer' | 'logObserver' | 'logger'>
}

/** An engine that has not been started, and the tiers it will open. */
export interface WiredEngine {
  readonly engine: Engine
  readonly archive: ArchiveTier
  readonly cache: RedisCache | undefined
}

/**
 * Engine, tiers and metrics as the settings name them; nothing is opened before `engine.start`. Each call makes fresh tiers:
 * one lives as long as its engine. Only the drivers that are used are loaded.
 *
 * @throws InvalidConfig naming the field
 */
export async function wireEngine(settings: TierSettings, options: WireOptions = {}): Promise<WiredEngine> {
  const { meter, logger } = options
  const observers = meter === undefined ? undefined : createMetricsObserver({ meter })
  // Inside the archive a transaction that meets others is repeated at once; the engine's own retries are counted by it.
  const onRetry = ({ backend, attempts }: RetryReport) =>
    observers?.engine.retried?.({ backend, attempt: attempts, delayMs: 0 })
  const archive = await archiveOf(settings, onRetry)
  const cache = await cacheOf(settings, logger)
  const engine = createEngine({
    ...options.engine,
    log: { directory: logDirectoryOf(settings.dataDirectory) },
    archive,
    ...(cache === undefined ? {} : { cache }),
    ...(observers === undefined ? {} : { observer: observers.engine, logObserver: observers.log }),
    ...(logger === undefined ? {} : { logger }),
  })
  return { engine, archive, cache }
}

async function archiveOf(
  { sqlUrl, dataDirectory }: TierSettings,
  onRetry: (report: RetryReport) => void,
): Promise<ArchiveTier> {
  if (sqlUrl === undefined) {
    const { sqliteArchive } = await import('@se/tiers-mysql/sqlite')
    return sqliteArchive({ file: sqliteFileOf(dataDirectory), onRetry })
  }
  const { mysqlArchive } = await import('@se/tiers-mysql/mysql')
  return mysqlArchive({ url: sqlUrl, onRetry })
}

async function cacheOf(
  { redisUrl, redisPrefix }: TierSettings,
  logger: Logger | undefined,
): Promise<RedisCache | undefined> {
  if (redisUrl === undefined) return undefined
  const { redisCache } = await import('@se/tiers-redis')
  return redisCache({
    url: redisUrl,
    prefix: redisPrefix,
    // Faults and health say when the cache ceases to answer; this is every single attempt.
    onConnectionError: (error) => logger?.debug({ event: 'redis-connection', err: error }, error.message),
  })
}

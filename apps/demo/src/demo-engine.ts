import type { ArchiveTier } from '@se/core'
import { createEngine, type Engine, type EngineConfig } from '@se/engine'
import { createMetricsObserver } from '@se/metrics'
import { createConsoleMetrics, type ConsoleMetrics } from '@se/metrics/console'
import type { RedisCache } from '@se/tiers-redis'
import type { Place } from './place.ts'
import { BRANCHES } from './samples.ts'

/** An engine on the tiers of a place, with the tiers themselves and its metrics beside it. */
export interface DemoEngine {
  readonly engine: Engine
  readonly archive: ArchiveTier
  readonly cache: RedisCache | undefined
  readonly metrics: ConsoleMetrics
}

/** Nothing is opened before `engine.start`. @throws InvalidConfig naming the field */
export function createDemoEngine(
  place: Place,
  options: Pick<EngineConfig, 'memory' | 'filter'> = {},
): DemoEngine {
  const archive = place.createArchive()
  const cache = place.createCache()
  const metrics = createConsoleMetrics()
  const observers = createMetricsObserver({ meter: metrics.meter })
  const engine = createEngine({
    log: { directory: place.logDirectory },
    archive,
    ...(cache === undefined ? {} : { cache }),
    branches: BRANCHES,
    observer: observers.engine,
    logObserver: observers.log,
    ...options,
  })
  return { engine, archive, cache, metrics }
}

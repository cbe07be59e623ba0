import { wireEngine, type WiredEngine } from '@se/compose'
import type { EngineConfig } from '@se/engine'
import { createConsoleMetrics, type ConsoleMetrics } from '@se/metrics/console'
import type { Place } from './place.ts'
import { BRANCHES } from './samples.ts'

/** An engine on the tiers of a place, with the tiers themselves and its metrics beside it. */
export interface DemoEngine extends WiredEngine {
  readonly metrics: ConsoleMetrics
}

/** Nothing is opened before `engine.start`. @throws InvalidConfig naming the field */
export async function createDemoEngine(
  { tiers }: Pick<Place, 'tiers'>,
  options: Pick<EngineConfig, 'memory' | 'filter'> = {},
): Promise<DemoEngine> {
  const metrics = createConsoleMetrics()
  const wired = await wireEngine(tiers, { meter: metrics.meter, engine: { branches: BRANCHES, ...options } })
  return { ...wired, metrics }
}

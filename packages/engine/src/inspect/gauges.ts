import type { EngineParts } from '../lifecycle/assemble.ts'
import type { EngineDependencies } from '../lifecycle/dependencies.ts'
import { backpressureLevel, memoryPressure } from '../memory/pressure.ts'
import type { Backend, BreakerState, ViewName } from '../observer/events.ts'
import { GAUGES_AT_REST, type EngineGauges } from '../observer/gauges.ts'
import { trustOfViews, type ViewTrusts } from './trust-of-views.ts'

/** The trust of this moment in each view. */
export function trustsOf({ followed, filter, stripes }: EngineParts): ViewTrusts {
  return trustOfViews({ tree: followed.treeTrust, filter: filter.trust, stripes })
}

/** The figures of this moment. @param trusts of the same moment, where they are known already */
export function gaugesOf(
  environment: EngineDependencies,
  runtime: EngineParts | undefined,
  trusts = runtime && trustsOf(runtime),
): EngineGauges {
  const tiers = tierGauges(environment, runtime?.stripes)
  if (runtime === undefined) return { ...GAUGES_AT_REST, ...tiers }
  const { memory, queue, filter, log } = runtime
  const l1 = memory.stats()
  const { records, bytes } = log.stats()
  return {
    l1Items: l1.items,
    l1Bytes: l1.bytes,
    memoryPressure: memoryPressure(l1.pinnedBytes, l1.bytesMax),
    backpressureLevel: backpressureLevel(queue.budget.used, queue.budget.limits),
    filterEntries: filter.entries,
    filterLoad: filter.load,
    pendingItems: queue.count,
    pendingAgeSeconds: queue.oldestAgeMs(environment.clock.monotonicMs()) / 1000,
    walEntries: records,
    walBytes: bytes,
    ...viewGauges(runtime, trusts ?? {}),
    ...tiers,
  }
}

/** A cache that was not brought into line is not healthy, also where it answers. */
function tierGauges(
  { archive, cache }: EngineDependencies,
  stripes: EngineParts['stripes'],
): Pick<EngineGauges, 'backendHealthy' | 'breakerState'> {
  const backendHealthy: Record<Backend, boolean> = {}
  const breakerState: Record<Backend, BreakerState> = {}
  for (const tier of [archive, cache]) {
    if (tier === undefined) continue
    backendHealthy[tier.backend] = tier.breakerState === 'closed'
    breakerState[tier.backend] = tier.breakerState
  }
  if (cache !== undefined && stripes?.isAttached === false) backendHealthy[cache.backend] = false
  return { backendHealthy, breakerState }
}

/** All views move along one ledger, so they lag alike. */
function viewGauges(
  { followed, poll }: EngineParts,
  trusts: ViewTrusts,
): Pick<EngineGauges, 'viewLagBatches' | 'viewTrusted'> {
  const lag = poll.heads === undefined ? 0 : followed.lagBatches(poll.heads.cut)
  const viewLagBatches: Partial<Record<ViewName, number>> = {}
  const viewTrusted: Partial<Record<ViewName, boolean>> = {}
  for (const [view, { isTrusted }] of Object.entries(trusts) as [ViewName, { isTrusted: boolean }][]) {
    viewLagBatches[view] = lag
    viewTrusted[view] = isTrusted
  }
  return { viewLagBatches, viewTrusted }
}

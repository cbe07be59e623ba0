import { encodeCut, formatCut } from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import type { EngineDependencies, EngineParts } from '../lifecycle/assemble.ts'
import type { ClockReading } from '../heard/archive-time.ts'
import { backpressureLevel, memoryPressure } from '../memory/pressure.ts'
import type { Backend, BreakerState, LifecyclePhase, ViewName } from '../observer/events.ts'
import { GAUGES_AT_REST, type EngineGauges } from '../observer/gauges.ts'
import { reportOf, type ErrorReport } from '../report.ts'

/** Phase, trust and figures of one moment: plain records, a copy of its own for each call. */
export interface EngineStatus {
  readonly phase: LifecyclePhase
  /** Why the phase is Failed. */
  readonly failure: ErrorReport | undefined
  /** Where the views stand, as `encodeCut` of `@se/core` writes it; `undefined` before the start. */
  readonly cut: string | undefined
  /** Whether reads may be answered by what this process knows itself (R5); else they ask the archive. */
  readonly isFresh: boolean
  /** `trusted at cut {…}` or `untrusted: <reason>`, by view. */
  readonly trust: Readonly<Partial<Record<ViewName, string>>>
  /** How well this process knows the archive's clock, which its stamps follow; `undefined` before the start. */
  readonly clock: ClockReading | undefined
  readonly gauges: EngineGauges
}

export function readStatus(
  environment: EngineDependencies,
  runtime: EngineParts | undefined,
  phase: LifecyclePhase,
  failure: unknown,
): EngineStatus {
  const trust: Partial<Record<ViewName, string>> = {}
  if (runtime !== undefined) {
    const { followed, filter, stripes } = runtime
    const at = formatCut(followed.cut)
    for (const [view, state] of [
      ['tree', followed.treeTrust],
      ['filter', filter.trust],
    ] as const) {
      trust[view] = state.isTrusted ? `trusted at cut ${at}` : `untrusted: ${state.because}`
    }
    if (stripes !== undefined) {
      const behind = STRIPE_COUNT - stripes.count
      const because = !followed.treeTrust.isTrusted
        ? `the tree is untrusted: ${followed.treeTrust.because}`
        : `${behind} of ${STRIPE_COUNT} stripes are not at the heads${whyNot(stripes.failure)}`
      trust.cache =
        behind === 0 && followed.treeTrust.isTrusted ? `trusted at cut ${at}` : `untrusted: ${because}`
    }
  }
  return {
    phase,
    failure: failure === undefined ? undefined : reportOf(failure),
    cut: runtime && encodeCut(runtime.followed.cut),
    isFresh: runtime?.freshness.isFresh ?? false,
    trust,
    clock: runtime?.archiveTime.reading,
    gauges: readGauges(environment, runtime),
  }
}

function whyNot(failure: Error | undefined): string {
  return failure === undefined ? '' : `: ${failure.message}`
}

export function readGauges(environment: EngineDependencies, runtime: EngineParts | undefined): EngineGauges {
  const { archive, cache, clock } = environment
  const backendHealthy: Record<Backend, boolean> = {}
  const breakerState: Record<Backend, BreakerState> = {}
  for (const tier of [archive, cache]) {
    if (tier === undefined) continue
    backendHealthy[tier.backend] = tier.breakerState === 'closed'
    breakerState[tier.backend] = tier.breakerState
  }
  if (runtime === undefined) return { ...GAUGES_AT_REST, backendHealthy, breakerState }
  const { memory, queue, filter, followed, stripes, poll, log } = runtime
  const l1 = memory.stats()
  const { records, bytes } = log.stats()
  const lag = poll.heads === undefined ? 0 : followed.lagBatches(poll.heads.cut)
  const viewLagBatches: Partial<Record<ViewName, number>> = { tree: lag, filter: lag }
  const viewTrusted: Partial<Record<ViewName, boolean>> = {
    tree: followed.treeTrust.isTrusted,
    filter: filter.trust.isTrusted,
  }
  if (stripes !== undefined) {
    viewLagBatches.cache = lag
    viewTrusted.cache = followed.treeTrust.isTrusted && stripes.count === STRIPE_COUNT
    if (!stripes.isAttached) backendHealthy[cache!.backend] = false
  }
  return {
    l1Items: l1.items,
    l1Bytes: l1.bytes,
    memoryPressure: memoryPressure(l1.pinnedBytes, l1.bytesMax),
    backpressureLevel: backpressureLevel(queue.budget.used, queue.budget.limits),
    filterEntries: filter.entries,
    filterLoad: filter.load,
    pendingItems: queue.count,
    pendingAgeSeconds: queue.oldestAgeMs(clock.monotonicMs()) / 1000,
    walEntries: records,
    walBytes: bytes,
    viewLagBatches,
    viewTrusted,
    backendHealthy,
    breakerState,
  }
}

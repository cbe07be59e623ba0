import { encodeCut } from '@se/core'
import type { EngineParts } from '../lifecycle/assemble.ts'
import type { EngineDependencies } from '../lifecycle/dependencies.ts'
import type { ClockReading } from '../heard/archive-time.ts'
import type { LifecyclePhase, ViewName } from '../observer/events.ts'
import type { EngineGauges } from '../observer/gauges.ts'
import { reportOf, type ErrorReport } from '../report.ts'
import { formatTrust } from '../seam/trust.ts'
import { gaugesOf, trustsOf } from './gauges.ts'

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

export function statusOf(
  environment: EngineDependencies,
  runtime: EngineParts | undefined,
  phase: LifecyclePhase,
  failure: unknown,
): EngineStatus {
  const trusts = runtime === undefined ? {} : trustsOf(runtime)
  const trust: Partial<Record<ViewName, string>> = {}
  for (const [view, each] of Object.entries(trusts)) {
    trust[view as ViewName] = formatTrust(each, runtime!.followed.cut)
  }
  return {
    phase,
    failure: failure === undefined ? undefined : reportOf(failure),
    cut: runtime && encodeCut(runtime.followed.cut),
    isFresh: runtime?.freshness.isFresh ?? false,
    trust,
    clock: runtime?.archiveTime.reading,
    gauges: gaugesOf(environment, runtime, trusts),
  }
}

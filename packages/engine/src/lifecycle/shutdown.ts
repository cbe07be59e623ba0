import { StorageError, TierUnavailable } from '@se/core'
import { Caller } from '../deadline/caller.ts'
import { within, type LimitClock } from '../deadline/within.ts'
import type { EngineObserver } from '../observer/observer.ts'
import { reportOf, type ErrorReport } from '../report.ts'
import type { EngineParts } from './assemble.ts'
import type { EngineDependencies } from './dependencies.ts'
import { CLOSING, type CloseStep } from './closing.ts'
import type { Maintenance } from './maintenance.ts'
import { SHUTDOWN, type Shutdown, type StopStep } from './shutdown-steps.ts'
import { stepLimitMs } from './time-budget.ts'

/** What a stop did. */
export interface StopReport {
  /** Acknowledged items that L3 has not taken and that stay in the log for the next start. */
  readonly itemsLeftInLog: number
  /** Items acknowledged at level `memory` that neither L3 nor the log has taken: gone, as that level allows. */
  readonly itemsLost: number
  /** `undefined`: none was written, because the filter was not trusted. */
  readonly filterSnapshot: { readonly entries: number; readonly bytes: number } | undefined
  readonly durationMs: number
  /** Steps that failed or were left out; the others were done all the same. */
  readonly problems: readonly { readonly step: string; readonly error: ErrorReport }[]
}

interface StopOptions {
  /** For all steps. */
  readonly timeoutMs: number
  /** One who goes ends the waiting: each further step gets a moment. */
  readonly caller: Caller
  /** The instance belongs to another process: nothing is sent to the archive any more. */
  readonly isFenced: boolean
}

/**
 * Runs the steps, each within its share of the time.
 *
 * @returns what was done; it does not throw
 */
export async function runShutdown(
  environment: EngineDependencies,
  runtime: EngineParts,
  maintenance: Pick<Maintenance, 'stop' | 'run'> | undefined,
  options: StopOptions,
): Promise<StopReport> {
  const { clock, observer } = environment
  const shutdown: Shutdown = {
    environment,
    runtime,
    maintenance,
    logged: new Set(),
    filterSnapshot: undefined,
  }
  const runner = new StopRunner(clock, observer, options)
  for (const step of SHUTDOWN) await runner.take(step, false, () => step.run(shutdown))
  const opened = { ...runtime, archive: environment.archive, cache: environment.cache }
  for (const step of CLOSING) await runner.take(step, true, () => step.run(opened))
  return {
    ...countLeft(shutdown),
    filterSnapshot: shutdown.filterSnapshot,
    durationMs: runner.elapsedMs,
    problems: runner.problems,
  }
}

/** Takes the steps one after the other. One that fails, or takes too long, is noted, and keeps none of the others from being done. */
class StopRunner {
  readonly problems: { readonly step: string; readonly error: ErrorReport }[] = []
  readonly #clock: LimitClock
  readonly #observer: EngineObserver
  readonly #options: StopOptions
  readonly #startedMs: number
  /** The archive has kept a step waiting: it is not asked any more. */
  #isArchiveSilent = false

  constructor(clock: LimitClock, observer: EngineObserver, options: StopOptions) {
    this.#clock = clock
    this.#observer = observer
    this.#options = options
    this.#startedMs = clock.monotonicMs()
  }

  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs
  }

  async take(
    step: Pick<StopStep & CloseStep, 'name' | 'share' | 'asks' | 'leastMs'>,
    isClosing: boolean,
    run: () => unknown,
  ): Promise<void> {
    if (step.asks === 'archive as owner' && this.#options.isFenced) return
    try {
      if (step.asks !== undefined && this.#isArchiveSilent) throw notAsked()
      await this.#withinShare(step, isClosing, run)
    } catch (error) {
      if (step.asks !== undefined && error instanceof TierUnavailable) this.#isArchiveSilent = true
      this.problems.push({ step: step.name, error: reportOf(error) })
      reportProblem(this.#observer, step.name, error)
    }
  }

  async #withinShare(
    { name, share, leastMs = 0 }: Pick<CloseStep, 'name' | 'share' | 'leastMs'>,
    isClosing: boolean,
    run: () => unknown,
  ): Promise<void> {
    const { timeoutMs, caller } = this.#options
    const totalMs = caller.goneBecause === undefined ? timeoutMs : 0
    const limitMs = Math.max(leastMs, stepLimitMs({ totalMs, elapsedMs: this.elapsedMs }, share, isClosing))
    const waiting = new Caller()
    // What it begins after that still gets a moment.
    const forget = totalMs > 0 ? caller.onGone((reason) => waiting.leave(reason)) : undefined
    await within(this.#clock, limitMs, name, async () => run(), waiting).finally(() => forget?.())
  }
}

/** Writes that were never acknowledged have been told so, and are not counted. */
function countLeft({ runtime, logged }: Shutdown): Pick<StopReport, 'itemsLeftInLog' | 'itemsLost'> {
  let itemsLeftInLog = 0
  let itemsLost = 0
  for (const { write, logSequence } of runtime.queue.pending.entries()) {
    if (logSequence !== undefined || logged.has(write)) itemsLeftInLog++
    else itemsLost++
  }
  return { itemsLeftInLog, itemsLost }
}

function notAsked(): TierUnavailable {
  return new TierUnavailable('left out: the archive did not answer a step before')
}

function reportProblem(observer: EngineObserver, step: string, error: unknown): void {
  const part = (['log', 'cache'] as const).find((name) => step.includes(name)) ?? 'archive'
  const what =
    error instanceof StorageError
      ? `stop: ${step} failed; what was acknowledged stays in the log`
      : `stop: ${step} failed unexpectedly`
  observer.fault?.({ part, what, error })
}

import { invariant, StorageError } from '@se/core'
import type { Log } from '@se/wal'
import type { ParkingLot } from '../flush/parking.ts'
import { errorKind } from '../observer/error-kind.ts'
import type { StartStepName } from '../observer/events.ts'
import type { CacheReport } from '../seam/cache-report.ts'
import type { EngineParts } from './assemble.ts'
import type { Done, Start, StartStep } from './start-step.ts'
import type { OpenedLog } from './dependencies.ts'
import { ON_PARTS, OPEN_ARCHIVE, OPEN_LOG } from './startup-steps.ts'

/** What a start found, step by step. */
export interface StartReport {
  readonly steps: readonly StartStepReport[]
  readonly durationMs: number
  /** Something that may be lost is missing: the cache does not answer. */
  readonly isDegraded: boolean
  /** What the comparison of the cache found and repaired; `undefined` without a cache. */
  readonly cache: CacheReport | undefined
}

export interface StartStepReport {
  readonly name: StartStepName
  readonly durationMs: number
  readonly figures: Readonly<Record<string, unknown>>
  /** Why the step could not be done, where the engine goes on without it. */
  readonly problem?: string
}

/** A start that failed, with what it had opened: the caller closes it. */
export interface StartFailure {
  readonly error: unknown
  readonly log: Log | undefined
  readonly parking: ParkingLot | undefined
  readonly runtime: EngineParts | undefined
}

/** Runs steps and reports each. */
class StepRunner {
  readonly #start: Start
  readonly steps: StartStepReport[] = []
  isDegraded = false

  constructor(start: Start) {
    this.#start = start
  }

  /** @returns what the step made; `undefined`: it is optional, and could not be done */
  async run<Needed, Made>(step: StartStep<Needed, Made>, needed: Needed): Promise<Made | undefined> {
    const { environment, caller } = this.#start
    const { observer, clock } = environment
    const startedMs = clock.monotonicMs()
    const run = () => step.run(this.#start, needed)
    let done: Done<Made> | undefined
    let problem: string | undefined
    try {
      done = await (step.isBrief === true ? run() : caller.waitFor(run))
    } catch (error) {
      const isOptional = step.isOptional === true && caller.goneBecause === undefined
      if (!isOptional || !(error instanceof StorageError)) throw error
      this.isDegraded = true
      problem = error.message
      observer.fault?.({
        part: 'cache',
        what: `${step.name} failed; the engine starts without the cache`,
        error,
      })
      observer.failed?.({ tier: 'L2', operation: 'batch_read', kind: errorKind(error) })
    }
    const figures = done?.figures
    if (figures === undefined && problem === undefined) return done?.made
    const durationMs = clock.monotonicMs() - startedMs
    const { name } = step
    observer.startStep?.({ name, durationMs, figures: { ...figures, ...(problem && { problem }) } })
    this.steps.push({
      name,
      durationMs,
      figures: figures ?? {},
      ...(problem === undefined ? {} : { problem }),
    })
    return done?.made
  }
}

/**
 * Runs the steps in order.
 *
 * @param start `caller`: one who goes ends the start, like a step that failed; `waitForMs`: how long an archive that is not there yet is waited for
 * @returns the parts, or what there was to close when a step failed
 */
export async function runStartup(
  start: Start,
): Promise<{ readonly runtime: EngineParts; readonly report: StartReport } | StartFailure> {
  const { observer, clock } = start.environment
  const startedMs = clock.monotonicMs()
  const runner = new StepRunner(start)
  let opened: OpenedLog | undefined
  let runtime: EngineParts | undefined
  let cache: CacheReport | undefined
  try {
    opened = await runner.run(OPEN_LOG, undefined)
    invariant(opened !== undefined, 'the log is not optional')
    runtime = await runner.run(OPEN_ARCHIVE, opened)
    invariant(runtime !== undefined, 'the archive is not optional')
    for (const step of ON_PARTS) {
      if (runner.isDegraded && step.needsAllBefore === true) continue
      cache = (await runner.run(step, runtime)) ?? cache
    }
  } catch (error) {
    return { error, log: opened?.log, parking: opened?.parking, runtime }
  }
  const durationMs = clock.monotonicMs() - startedMs
  const { steps, isDegraded } = runner
  observer.started?.({ durationMs, isDegraded })
  return { runtime, report: { steps, durationMs, isDegraded, cache } }
}

import {
  formatCut,
  invariant,
  readFileIfAny,
  StorageError,
  TierMisconfigured,
  TierUnavailable,
  type ArchiveDescription,
  type InstanceFenced,
} from '@se/core'
import { openLog, type Log, type LogObserver } from '@se/wal'
import type { Caller } from '../deadline/caller.ts'
import type { CallDeadlines } from '../deadline/deadline.ts'
import { pause } from '../deadline/within.ts'
import { FILTER_SNAPSHOT_FILE } from '../directory.ts'
import { ParkingLot } from '../flush/parking.ts'
import { errorKind } from '../observer/error-kind.ts'
import type { StartStepName } from '../observer/events.ts'
import type { CacheReport } from '../seam/cache-report.ts'
import { readLog } from '../write/record.ts'
import { takeInstance } from './identity.ts'
import { assemble, type EngineDependencies, type EngineParts } from './assemble.ts'

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

/** What a start is told. */
interface Start {
  readonly environment: EngineDependencies
  readonly logObserver: LogObserver | undefined
  readonly onFenced: (error: InstanceFenced) => void
  readonly caller: Caller
  readonly deadlines: CallDeadlines
  readonly waitForMs: number
}

interface OpenedLog {
  readonly log: Log
  readonly parking: ParkingLot
}

/** What a step has made for those after it, and what it found; without figures it is not reported, as there was nothing to do. */
interface Done<Made> {
  readonly made: Made
  readonly figures?: Readonly<Record<string, unknown>>
}

interface StartStep<Needed, Made> {
  readonly name: StartStepName
  /** Why it stands where it stands. */
  readonly reason: string
  /** The engine starts without it and takes it in later. */
  readonly isOptional?: boolean
  /** It is not left half-way, as only it can close what it opens. */
  readonly isBrief?: boolean
  run(start: Start, needed: Needed): Promise<Done<Made>>
}

/**
 * The steps of a start. Their order is the safety argument.
 *
 *   log → archive → replay → tree → filter → cache → Ready
 */

const openTheLog: StartStep<undefined, OpenedLog> = {
  name: 'wal_init',
  reason:
    'first, because what it holds was promised to a caller, and nothing else may be changed before we know it is whole',
  isBrief: true,
  async run({ environment, logObserver }) {
    const { config, fileSystem, clock } = environment
    const log = await openLog({
      directory: config.logDirectory,
      fileSystem,
      clock,
      limits: config.logLimits,
      ...(logObserver === undefined ? {} : { observer: logObserver }),
    })
    const parking = await ParkingLot.open({ directory: config.logDirectory, fileSystem, clock }).catch(
      async (error: unknown) => {
        await log.close()
        throw error
      },
    )
    const { records, bytes, firstSequence, lastSequence } = log.stats()
    const figures = { recovery: log.recovery.outcome, records, bytes, firstSequence, lastSequence }
    return { made: { log, parking }, figures }
  },
}

const openTheArchive: StartStep<OpenedLog, EngineParts> = {
  name: 'sql_connect',
  reason: 'the claim fences whichever process holds our instance, before the first own batch',
  async run(start, { log, parking }) {
    const { environment, caller, deadlines, onFenced } = start
    const { config, archive, random, fileSystem } = environment
    const description = await openWhenThere(start)
    const claim = await takeInstance({ fileSystem, random, archive, caller }, config.logDirectory)
    const made = assemble(environment, { log, parking, description, claim }, deadlines, onFenced)
    const figures = {
      backend: archive.backend,
      archiveId: claim.archiveId,
      instance: claim.instance,
      epoch: claim.epoch,
      lastSequence: claim.lastSequence,
      isExclusive: description.isExclusive,
      ...(claim.isRestored ? { isRestored: true } : {}),
    }
    return { made, figures }
  },
}

/** Those that run on the parts, once there are any. */
const onTheParts: readonly StartStep<EngineParts, CacheReport | undefined>[] = [
  {
    name: 'replay',
    reason:
      'before any view is compared: the archive is the ground truth only once it holds what was acknowledged',
    async run({ environment }, { log, queue, stamps, pipeline, tally, parking, archiveTime }) {
      const { clock, archive } = environment
      const sentAtMs = clock.monotonicMs()
      // A write that must be stamped anew needs the archive's time.
      archiveTime.heard(sentAtMs, (await archive.readHeads()).nowMs)
      // Neither log nor archive may know of these any more: a stamp is given once, also when the clock went back [W3].
      for (const { stamp } of parking.list()) stamps.witness(stamp)
      let records = 0
      const { firstSequence } = log.stats()
      queue.lowWaterMark.expectLogFrom(firstSequence)
      for await (const { write, logSequence } of readLog(log, firstSequence)) {
        stamps.witness(write.stamp)
        queue.pending.add(write, logSequence, clock.monotonicMs())
        records++
      }
      await pipeline.flush()
      const { items, l3, superseded, parked, batches } = tally.take()
      return { made: undefined, figures: { records, items, l3, superseded, parked, batches } }
    },
  },
  {
    name: 'tree',
    reason: 'what filter and cache are compared with',
    async run(_start, { back, followed }) {
      const { root, items } = await back.ask('load-tree', {})
      return { made: undefined, figures: { root, items, cut: formatCut(followed.cut) } }
    },
  },
  {
    name: 'cf_restore',
    reason: 'needs the tree, whose membership is its proof',
    async run({ environment }, { back, followed, filter }) {
      const { fileSystem, config } = environment
      const snapshot = await readFileIfAny(fileSystem, `${config.logDirectory}/${FILTER_SNAPSHOT_FILE}`)
      const restore = await followed.restoreFilter(back, snapshot)
      const { trust } = filter
      const figures = {
        ...restore,
        entries: filter.entries,
        trust: trust.isTrusted ? `trusted at cut ${formatCut(followed.cut)}` : `untrusted: ${trust.because}`,
      }
      return { made: undefined, figures }
    },
  },
  {
    name: 'redis_connect',
    reason: 'a cache may be down: the engine is complete without it',
    isOptional: true,
    async run({ environment: { cache } }, { back }) {
      if (cache === undefined) return { made: undefined }
      await back.ask('connect-cache', {})
      return { made: undefined, figures: { backend: cache.backend } }
    },
  },
  {
    name: 'redis_sync',
    reason: 'last, because it is compared with the tree and repaired from the ledger',
    isOptional: true,
    async run({ environment: { cache } }, { back }) {
      if (cache === undefined) return { made: undefined }
      const report = await back.ask('attach-cache', {})
      const figures = {
        stripesMade: report.created,
        stripesReset: report.reset,
        stripesAdvanced: report.advanced,
        leavesDiffering: report.differingLeaves.length,
        idsRemoved: report.removedIds.length,
        leavesInvalidated: report.invalidatedLeaves.length,
      }
      return { made: report, figures }
    },
  },
]

/** Pause before an archive that is not there yet is tried again, ms; doubles up to the maximum. */
const OPEN_PAUSE_MS_MIN = 100
const OPEN_PAUSE_MS_MAX = 1_000

/** Opens the archive; one that is not there yet is waited for, as long as the caller said. */
async function openWhenThere({ environment, caller, waitForMs }: Start): Promise<ArchiveDescription> {
  const { config, archive, clock, observer } = environment
  const untilMs = clock.monotonicMs() + waitForMs
  for (let attempt = 1; ; attempt++) {
    try {
      return await archive.open({ branches: config.branches, digests: config.digests })
    } catch (error) {
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs <= 0 || caller.goneBecause !== undefined || !mayAppear(error)) throw error
      const pauseMs = Math.min(OPEN_PAUSE_MS_MAX, OPEN_PAUSE_MS_MIN * 2 ** (attempt - 1), leftMs)
      observer.fault?.({
        part: 'archive',
        what: 'the archive is not there yet; the start waits for it',
        error,
      })
      await pause(clock, pauseMs, caller)
    }
  }
}

/**
 * Whether waiting may help: no server listens yet, it starts up, its name is not known yet (containers get theirs when they
 * start). What the archive says of the caller (credentials, rights, branches) does not change by waiting.
 */
function mayAppear(error: unknown): boolean {
  if (error instanceof TierMisconfigured) return error.details['because'] === 'unknown-host'
  return error instanceof TierUnavailable
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
    opened = await runner.run(openTheLog, undefined)
    invariant(opened !== undefined, 'the log is not optional')
    runtime = await runner.run(openTheArchive, opened)
    invariant(runtime !== undefined, 'the archive is not optional')
    for (const step of onTheParts) {
      if (runner.isDegraded) break
      cache = await runner.run(step, runtime)
    }
    const { poll } = runtime
    // From here on the views are known to be recent, so the first read need not ask the archive.
    await start.caller.waitFor(() => poll.now())
  } catch (error) {
    return { error, log: opened?.log, parking: opened?.parking, runtime }
  }
  const durationMs = clock.monotonicMs() - startedMs
  const { steps, isDegraded } = runner
  observer.started?.({ durationMs, isDegraded })
  return { runtime, report: { steps, durationMs, isDegraded, cache } }
}

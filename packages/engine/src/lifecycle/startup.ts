import {
  readFileIfAny,
  StorageError,
  TierMisconfigured,
  TierUnavailable,
  type ArchiveDescription,
  type InstanceClaim,
  type InstanceFenced,
} from '@se/core'
import { openLog, type Log, type LogObserver } from '@se/wal'
import { formatCut } from '@se/core'
import type { Caller } from '../deadline/caller.ts'
import type { CallDeadlines } from '../deadline/deadline.ts'
import { pause } from '../deadline/within.ts'
import { ParkingLot } from '../flush/parking.ts'
import { errorKind, type StartPhase } from '../observer.ts'
import type { CacheReport } from '../views/cache-view.ts'
import { readLog } from '../write/record.ts'
import { claimInstance } from './identity.ts'
import { assemble, type Environment, type Runtime } from './runtime.ts'

/** Beside the log: the filter as it was at the last stop, with its cut. */
export const FILTER_SNAPSHOT_FILE = 'filter.snapshot'

/** What a start found, step by step. */
export interface StartReport {
  readonly steps: readonly StartStep[]
  readonly durationMs: number
  /** Something that may be lost is missing: the cache does not answer. */
  readonly isDegraded: boolean
  /** What the comparison of the cache found and repaired; `undefined` without a cache. */
  readonly cache: CacheReport | undefined
}

export interface StartStep {
  readonly phase: StartPhase
  readonly durationMs: number
  readonly figures: Readonly<Record<string, unknown>>
  /** Why the step could not be done, where the engine goes on without it. */
  readonly problem?: string
}

/** What the steps have made so far. Each needs what those before it left. */
interface Progress {
  readonly environment: Environment
  readonly logObserver: LogObserver | undefined
  readonly onFenced: (error: InstanceFenced) => void
  readonly caller: Caller
  readonly deadlines: CallDeadlines
  readonly waitForMs: number
  log?: Log
  parking?: ParkingLot
  description?: ArchiveDescription
  claim?: InstanceClaim
  runtime?: Runtime
  cacheReport?: CacheReport
}

interface Step {
  readonly phase: StartPhase
  /** Why it stands where it stands. */
  readonly reason: string
  /** The engine starts without it and takes it in later. */
  readonly isOptional?: boolean
  /** It is not left half-way, as only it can close what it opens. */
  readonly isBrief?: boolean
  run(progress: Progress): Promise<Record<string, unknown> | undefined>
}

/**
 * The order is the safety argument.
 *
 *   log → archive → replay → tree → filter → cache → Ready
 */
export const STARTUP: readonly Step[] = [
  {
    phase: 'wal_init',
    reason:
      'first, because what it holds was promised to somebody, and nothing else may be changed before we know it is whole',
    isBrief: true,
    async run(progress) {
      const { config, fileSystem, clock } = progress.environment
      const log = await openLog({
        directory: config.logDirectory,
        fileSystem,
        clock,
        limits: config.logLimits,
        ...(progress.logObserver === undefined ? {} : { observer: progress.logObserver }),
      })
      progress.log = log
      progress.parking = await ParkingLot.open({ directory: config.logDirectory, fileSystem, clock })
      const { records, bytes, firstSequence, lastSequence } = log.stats()
      return { recovery: log.recovery.outcome, records, bytes, firstSequence, lastSequence }
    },
  },
  {
    phase: 'sql_connect',
    reason: 'the claim fences whoever else holds our instance, before the first own batch',
    async run(progress) {
      const { config, archive, random, fileSystem } = progress.environment
      const description = await openWhenThere(progress)
      const claim = await claimInstance(
        { fileSystem, random, archive, caller: progress.caller },
        config.logDirectory,
      )
      progress.description = description
      progress.claim = claim
      progress.runtime = assemble(
        progress.environment,
        { log: progress.log!, parking: progress.parking!, description, claim },
        progress.deadlines,
        progress.onFenced,
      )
      return {
        backend: archive.backend,
        archiveId: claim.archiveId,
        instance: claim.instance,
        epoch: claim.epoch,
        lastSequence: claim.lastSequence,
        isExclusive: description.isExclusive,
        ...(claim.isRestored ? { isRestored: true } : {}),
      }
    },
  },
  {
    phase: 'replay',
    reason:
      'before any view is compared: the archive is the ground truth only once it holds what was acknowledged',
    async run(progress) {
      const { log, queue, stamps, pipeline, parking } = progress.runtime!
      const { clock, archive } = progress.environment
      const sentAtMs = clock.monotonicMs()
      // A write that must be stamped anew needs the archive's time.
      progress.runtime!.archiveTime.heard(sentAtMs, (await archive.readHeads()).nowMs)
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
      const { items, l3, superseded, parked, groups } = pipeline.takeResult()
      return { records, items, l3, superseded, parked, groups }
    },
  },
  {
    phase: 'tree',
    reason: 'what filter and cache are compared with',
    async run({ runtime }) {
      const { views } = runtime!
      await views.loadTree()
      return { root: views.tree.root(), items: views.tree.count, cut: formatCut(views.cut) }
    },
  },
  {
    phase: 'cf_restore',
    reason: 'needs the tree, whose membership is its proof',
    async run({ runtime, environment }) {
      const { views, filter } = runtime!
      const { fileSystem, config } = environment
      const snapshot = await readFileIfAny(fileSystem, `${config.logDirectory}/${FILTER_SNAPSHOT_FILE}`)
      const restore = await views.restoreFilter(snapshot)
      const { trust } = filter
      return {
        ...restore,
        entries: filter.entries,
        trust: trust.isTrusted ? `trusted at cut ${formatCut(views.cut)}` : `untrusted: ${trust.because}`,
      }
    },
  },
  {
    phase: 'redis_connect',
    reason: 'a cache may be down: the engine is complete without it',
    isOptional: true,
    async run({ runtime, environment }) {
      if (runtime!.cacheView === undefined) return undefined
      await runtime!.cacheView.connect()
      return { backend: environment.cache!.backend }
    },
  },
  {
    phase: 'redis_sync',
    reason: 'last, because it is compared with the tree and repaired from the ledger',
    isOptional: true,
    async run(progress) {
      const { cacheView } = progress.runtime!
      if (cacheView === undefined) return undefined
      const report = await cacheView.attach()
      progress.cacheReport = report
      return {
        stripesMade: report.created,
        stripesReset: report.reset,
        stripesFinished: report.finished,
        leavesDiffering: report.differingLeaves.length,
        idsRemoved: report.removedIds.length,
        leavesInvalidated: report.invalidatedLeaves.length,
      }
    },
  },
]

/** Pause before an archive that is not there yet is tried again, ms; doubles up to the maximum. */
const OPEN_PAUSE_MS_MIN = 100
const OPEN_PAUSE_MS_MAX = 1_000

/** Opens the archive; one that is not there yet is waited for, as long as the caller said. */
async function openWhenThere({ environment, caller, waitForMs }: Progress): Promise<ArchiveDescription> {
  const { config, archive, clock, observer } = environment
  const untilMs = clock.monotonicMs() + waitForMs
  for (let attempt = 1; ; attempt++) {
    try {
      return await archive.open({ branches: config.branchPrefixes, digests: config.digests })
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
 * Whether waiting may help: nobody listens yet, the server starts up, its name is not known yet (containers get theirs when they
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
  readonly runtime: Runtime | undefined
}

/**
 * Runs the steps in order.
 *
 * @param options `caller`: one who goes ends the start, like a step that failed; `waitForMs`: how long an archive that is not there yet is waited for
 * @returns the parts, or what there was to close when a step failed
 */
export async function runStartup(
  environment: Environment,
  logObserver: LogObserver | undefined,
  onFenced: (error: InstanceFenced) => void,
  options: Pick<Progress, 'caller' | 'deadlines' | 'waitForMs'>,
): Promise<{ readonly runtime: Runtime; readonly report: StartReport } | StartFailure> {
  const { observer, clock } = environment
  const startedMs = clock.monotonicMs()
  const { caller } = options
  const progress: Progress = { environment, logObserver, onFenced, ...options }
  const steps: StartStep[] = []
  let isDegraded = false
  for (const step of STARTUP) {
    const stepStartedMs = clock.monotonicMs()
    let figures: Record<string, unknown> | undefined
    let problem: string | undefined
    try {
      figures = await (step.isBrief ? step.run(progress) : caller.waitFor(() => step.run(progress)))
      if (figures === undefined) continue
    } catch (error) {
      const isOptional = step.isOptional === true && caller.goneBecause === undefined
      if (!isOptional || !(error instanceof StorageError)) {
        return { error, log: progress.log, parking: progress.parking, runtime: progress.runtime }
      }
      isDegraded = true
      problem = error.message
      observer.fault?.({
        part: 'cache',
        what: `${step.phase} failed; the engine starts without the cache`,
        error,
      })
      observer.failed?.({ tier: 'L2', operation: 'batch_read', kind: errorKind(error) })
    }
    const durationMs = clock.monotonicMs() - stepStartedMs
    observer.startStep?.({
      phase: step.phase,
      durationMs,
      figures: { ...figures, ...(problem && { problem }) },
    })
    steps.push({
      phase: step.phase,
      durationMs,
      figures: figures ?? {},
      ...(problem === undefined ? {} : { problem }),
    })
    if (problem !== undefined) break
  }
  const runtime = progress.runtime!
  try {
    // From here on the views are known to be recent, so the first read need not ask the archive.
    await caller.waitFor(() => runtime.poll.now())
  } catch (error) {
    return { error, log: progress.log, parking: progress.parking, runtime }
  }
  const durationMs = clock.monotonicMs() - startedMs
  observer.started?.({ durationMs, isDegraded })
  return {
    runtime,
    report: { steps, durationMs, isDegraded, cache: progress.cacheReport },
  }
}

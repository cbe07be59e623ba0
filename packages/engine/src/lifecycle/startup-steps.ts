import { formatCut, readFileIfAny } from '@se/core'
import { openLog } from '@se/wal'
import { FILTER_SNAPSHOT_FILE } from '../directory.ts'
import { ParkingLot } from '../flush/parking.ts'
import type { CacheReport } from '../seam/cache-report.ts'
import { formatTrust } from '../seam/trust.ts'
import { readLog } from '../write/record.ts'
import { assemble, type EngineParts } from './assemble.ts'
import { takeInstance } from './identity.ts'
import { openWhenThere } from './open-archive.ts'
import type { StartStep } from './start-step.ts'
import type { OpenedLog } from './dependencies.ts'

/**
 * The steps of a start. Their order is the safety argument.
 *
 *   log → archive → replay → tree → filter → cache → poll → Ready
 */

export const OPEN_LOG: StartStep<undefined, OpenedLog> = {
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

export const OPEN_ARCHIVE: StartStep<OpenedLog, EngineParts> = {
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

/** Those that run on the parts, once there are any; one of them makes the report on the cache. */
export const ON_PARTS: readonly StartStep<EngineParts, CacheReport | undefined>[] = [
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
      const figures = {
        ...restore,
        entries: filter.entries,
        trust: formatTrust(filter.trust, followed.cut),
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
    reason: 'after the tree, with which it is compared, and the replay; repaired from the ledger',
    isOptional: true,
    needsAllBefore: true,
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
  {
    name: 'poll',
    reason: 'last: from here on the views are known to be recent, so the first read need not ask the archive',
    async run(_start, { poll, followed }) {
      await poll.now()
      return { made: undefined, figures: { cut: formatCut(followed.cut) } }
    },
  },
]

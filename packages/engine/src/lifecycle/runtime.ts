import {
  sequenceAt,
  StampClock,
  type ArchiveDescription,
  type Clock,
  type FileSystem,
  type InstanceClaim,
  type InstanceFenced,
  type Random,
  type Stamp,
} from '@se/core'
import type { Log } from '@se/wal'
import { readLog } from '../write/record.ts'
import type { ParsedConfig } from '../config.ts'
import { FlushPipeline } from '../flush/pipeline.ts'
import { PendingSet } from '../flush/pending-set.ts'
import type { ParkingLot } from '../flush/parking.ts'
import { MemoryTier } from '../memory/memory-tier.ts'
import type { GuardedArchive } from '../guard/guard-archive.ts'
import type { GuardedCache } from '../guard/guard-cache.ts'
import type { EngineObserver } from '../observer.ts'
import { ReadPath } from '../read/read-path.ts'
import { ArchiveViews } from '../views/archive-views.ts'
import { CacheView } from '../views/cache-view.ts'
import { FilterView } from '../views/filter-view.ts'
import { HeadsPoll } from '../views/heads-poll.ts'
import { Overlay } from '../views/overlay.ts'
import { WritePath } from '../write/write-path.ts'

/** What the engine was given, with the tiers behind their guards. */
export interface Environment {
  readonly config: ParsedConfig
  readonly archive: GuardedArchive
  readonly cache: GuardedCache | undefined
  readonly observer: EngineObserver
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
}

/** The parts of a running engine, each the owner of its own state. */
export interface Runtime {
  readonly log: Log
  readonly description: ArchiveDescription
  readonly claim: InstanceClaim
  readonly stamps: StampClock
  readonly pending: PendingSet
  readonly parking: ParkingLot
  readonly memory: MemoryTier
  readonly overlay: Overlay
  readonly filter: FilterView
  readonly views: ArchiveViews
  readonly cacheView: CacheView | undefined
  readonly poll: HeadsPoll
  readonly pipeline: FlushPipeline
  readonly writes: WritePath
  readonly reads: ReadPath
}

/** Wires the parts, once log and archive are open and the instance is claimed. Nothing runs yet. */
export function assemble(
  environment: Environment,
  opened: {
    readonly log: Log
    readonly parking: ParkingLot
    readonly description: ArchiveDescription
    readonly claim: InstanceClaim
  },
  onFenced: (error: InstanceFenced) => void,
): Runtime {
  const { config, archive, cache, observer, clock, random } = environment
  const { log, parking, description, claim } = opened
  const { branches, stalenessMs } = config
  const instance = claim.instance
  const stamps = new StampClock(clock, instance, claim.maxStampTime)
  const pending = new PendingSet(config.space)
  const memory = new MemoryTier({ bytesMax: config.memoryBytesMax, observer })
  const overlay = new Overlay()
  const raiseFloor = (id: string, stamp: Stamp): void => {
    reads.raiseFloor(id, stamp)
    writes.raiseFloor(id, stamp)
  }
  // Pending writes stay: they are read from the pending set, which memory is only the quicker copy of.
  const forget = (): void => {
    memory.clear()
    reads.raiseAllFloors()
    writes.raiseAllFloors()
  }
  const filter = new FilterView(config.filter, observer)
  const views: ArchiveViews = new ArchiveViews(
    {
      archive,
      branches,
      filter,
      observer,
      hear(changes) {
        let dropped = 0
        for (const { id, stamp } of changes) {
          stamps.witness(stamp)
          raiseFloor(id, stamp)
          overlay.hear(id, stamp)
          memory.dropOlder(id, stamp)
          dropped += pending.supersede(id, stamp)
        }
        if (dropped > 0) pipeline.releaseSettled()
      },
      missed(because) {
        forget()
        if (because !== undefined && because !== 'pruned') overlay.clear()
      },
    },
    claim.archiveId,
  )
  const cacheView =
    cache === undefined
      ? undefined
      : new CacheView({
          cache,
          archive,
          views,
          overlay,
          clock,
          observer,
          branches: branches.prefixes,
          instance,
          stalenessMs,
          onSetBack: forget,
        })
  const { isExclusive } = description
  const poll = new HeadsPoll({
    archive,
    views,
    cacheView,
    overlay,
    clock,
    observer,
    instance,
    isExclusive,
    stalenessMs,
  })
  const pipeline: FlushPipeline = new FlushPipeline({
    archive,
    cache: () => (cacheView?.isAttached === true ? cache : undefined),
    log,
    findInLog: (from) => readLog(log, from),
    pending,
    memory,
    overlay,
    park: (write, because, error) => parking.park(write, because, error),
    isAcknowledged: (write) => writes.isAcknowledged(write),
    isOvertaken: (write) => writes.isOvertaken(write),
    heardThrough: () => sequenceAt(views.cut, instance),
    raiseFloor,
    onFenced,
    claim,
    limits: config.batch,
    clock,
    random,
    observer,
  })
  const writes: WritePath = new WritePath({
    log,
    pending,
    memory,
    stamps,
    clock,
    observer,
    raiseFloor,
    wake: (isUrgent) => pipeline.wake(isUrgent),
    valueBytesMax: config.valueBytesMax,
  })
  const reads: ReadPath = new ReadPath({
    archive,
    cache,
    cacheView,
    pending,
    memory,
    overlay,
    filter,
    freshness: poll,
    stamps,
    clock,
    observer,
  })
  return {
    log,
    description,
    claim,
    stamps,
    pending,
    parking,
    memory,
    overlay,
    filter,
    views,
    cacheView,
    poll,
    pipeline,
    writes,
    reads,
  }
}

import {
  InstanceFenced,
  newerStamp,
  sequenceAt,
  StampClock,
  StorageError,
  type ArchiveDescription,
  type Clock,
  type FileSystem,
  type InstanceClaim,
  type ItemWrite,
  type Random,
} from '@se/core'
import type { Log } from '@se/wal'
import { readLog } from '../write/record.ts'
import type { ParsedConfig } from '../config.ts'
import type { CallDeadlines } from '../deadline/deadline.ts'
import { assembleBack } from '../back/assemble-back.ts'
import { BatchAttempt } from '../flush/batch-attempt.ts'
import { BatchSender } from '../flush/batch-sender.ts'
import { Doubts } from '../flush/doubts.ts'
import { FlushReport } from '../flush/flush-report.ts'
import { FlushTally } from '../flush/flush-tally.ts'
import { LogRelease } from '../flush/log-release.ts'
import { FlushPipeline } from '../flush/pipeline.ts'
import { Retirement } from '../flush/retirement.ts'
import { Settlement } from '../flush/settlement.ts'
import { FlushQueue } from '../flush/flush-queue.ts'
import type { ParkingLot } from '../flush/parking.ts'
import { MemoryTier } from '../memory/memory-tier.ts'
import type { GuardedArchive } from '../guard/guard-archive.ts'
import type { GuardedCache } from '../guard/guard-cache.ts'
import type { EngineObserver } from '../observer/observer.ts'
import { BackClient } from '../seam/back-client.ts'
import type { Channel } from '../seam/channel.ts'
import { LowerTiers } from '../read/lower-tiers.ts'
import { ReadPath } from '../read/read-path.ts'
import { AskableStripes } from '../views/askable-stripes.ts'
import { FilterView } from '../views/filter-view.ts'
import { FollowedViews } from '../views/followed-views.ts'
import { Freshness } from '../views/freshness.ts'
import { HeadsPoll } from '../views/heads-poll.ts'
import { Heard, type HeardFrom, type HeardWrite } from '../heard/heard.ts'
import { KnownWrites } from '../heard/known-writes.ts'
import { LoadFloors } from '../heard/load-floors.ts'
import { ArchiveTime } from '../heard/archive-time.ts'
import { admit } from '../write/admission.ts'
import { Stamping } from '../write/stamping.ts'
import { WritePath } from '../write/write-path.ts'
import { takeFromBack } from './take-from-back.ts'

/** What the engine was given, with the tiers behind their guards. */
export interface EngineDependencies {
  readonly config: ParsedConfig
  readonly archive: GuardedArchive
  readonly cache: GuardedCache | undefined
  readonly observer: EngineObserver
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
  /** Makes the channel between the planes of a start. */
  readonly openChannel: () => Channel
}

/** The parts of a running engine, each the owner of its own state. */
export interface EngineParts {
  readonly log: Log
  readonly description: ArchiveDescription
  readonly claim: InstanceClaim
  readonly stamps: StampClock
  readonly queue: FlushQueue
  readonly parking: ParkingLot
  readonly memory: MemoryTier
  readonly known: KnownWrites
  readonly archiveTime: ArchiveTime
  readonly filter: FilterView
  readonly followed: FollowedViews
  readonly stripes: AskableStripes | undefined
  readonly freshness: Freshness
  readonly poll: HeadsPoll
  readonly back: BackClient
  readonly sender: BatchSender
  readonly tally: FlushTally
  readonly pipeline: FlushPipeline
  readonly writes: WritePath
  readonly reads: ReadPath
}

/** Wires the parts, once log and archive are open and the instance is claimed. Nothing runs yet. */
export function assemble(
  environment: EngineDependencies,
  opened: {
    readonly log: Log
    readonly parking: ParkingLot
    readonly description: ArchiveDescription
    readonly claim: InstanceClaim
  },
  deadlines: CallDeadlines,
  onFenced: (error: InstanceFenced) => void,
): EngineParts {
  const { config, archive, cache, observer, clock, random } = environment
  const { log, parking, description, claim } = opened
  const { branches, stalenessMs } = config
  const instance = claim.instance
  const telemetry = { clock, observer }
  const channel = environment.openChannel()
  const back = new BackClient(channel.front)
  const archiveTime = new ArchiveTime(clock, ({ clock: jumped, byMs }) =>
    observer.fault?.({
      part: 'clock',
      what:
        jumped === 'archive'
          ? 'the clock of the archive has jumped; stamps go with it'
          : 'the clock of this machine has jumped; stamps follow the archive',
      error: undefined,
      figures: { byMs },
    }),
  )
  const stamps = new StampClock(archiveTime, instance, claim.maxStampTime)
  const queue = new FlushQueue(config.pending)
  const memory = new MemoryTier({ bytesMax: config.memoryBytesMax, observer })
  const known = new KnownWrites()
  const hear = (write: HeardWrite, from: HeardFrom): void => heard.hear(write, from)
  const filter = new FilterView(config.filter, observer)
  const followed = new FollowedViews(
    { filter, hear, missed: (because) => heard.missed(because) },
    claim.archiveId,
  )
  const stripes =
    cache === undefined ? undefined : new AskableStripes({ cache, followed, known, clock, stalenessMs })
  const freshness = new Freshness(clock, { isExclusive: description.isExclusive, stalenessMs })
  const poll = new HeadsPoll({ back, known, freshness, telemetry })
  const tally = new FlushTally()
  const sender = new BatchSender({ back, tally }, { sequence: claim.lastSequence, link: claim.lastLink })
  const settlement = new Settlement({
    memory,
    hear,
    restamp: (outgoing, above) => writes.restamp(outgoing, above),
    park: (write, because, error) => parking.park(write, because, error),
    refusedAhead: (write) => stamping.refusedAhead(write),
    heardThrough: () => sequenceAt(followed.cut, instance),
    observer,
  })
  const logRelease = new LogRelease({ log, findInLog: (from) => readLog(log, from), queue, observer })
  const attempts = { sender, back, settlement, doubts: new Doubts<ItemWrite>(), observer }
  const pipeline: FlushPipeline = new FlushPipeline(
    {
      queue,
      begin: (batch, cause) => new BatchAttempt(attempts, batch, cause, clock.monotonicMs()),
      logRelease,
      retirement: new Retirement(back),
      report: new FlushReport({ tally, sender, telemetry }),
      clock,
      random,
      onFailure(error) {
        if (error instanceof InstanceFenced) onFenced(error)
        if (error instanceof StorageError) return
        const what = 'a batch failed unexpectedly and will be sent again'
        observer.fault?.({ part: 'flush', what, error })
      },
    },
    config.batch,
  )
  const stamping = new Stamping({
    stamps,
    newestKnown: (id) =>
      newerStamp(queue.newestStamp(id), newerStamp(known.get(id)?.stamp, memory.peek(id)?.item.stamp)),
  })
  const writes: WritePath = new WritePath({
    log,
    queue,
    memory,
    stamping,
    admit: (id, value, call) => admit(id, value, call, config),
    hear,
    wake: (isUrgent) => pipeline.wake(isUrgent),
    telemetry,
  })
  const loads = new LoadFloors()
  const asked = new LoadFloors()
  const reads = new ReadPath({
    tiers: new LowerTiers({ archive, cache, stripes, known, asked, hear, filter, stamps, telemetry }),
    floors: loads,
    pending: queue.pending,
    memory,
    known,
    filter,
    freshness,
    deadlines,
    telemetry,
  })
  const heard: Heard = new Heard({
    known,
    memory,
    queue,
    loads: [loads, asked],
    writes,
    stamps,
    onDropped: () => void logRelease.release(),
  })
  takeFromBack(channel.front, { back, sender, tally, followed, stripes, heard, known, archiveTime })
  assembleBack(channel.back, {
    archive,
    cache,
    branches,
    stalenessMs,
    description,
    claim,
    random,
    telemetry,
  })
  return {
    log,
    description,
    claim,
    stamps,
    queue,
    parking,
    memory,
    known,
    archiveTime,
    filter,
    followed,
    stripes,
    freshness,
    poll,
    back,
    sender,
    tally,
    pipeline,
    writes,
    reads,
  }
}

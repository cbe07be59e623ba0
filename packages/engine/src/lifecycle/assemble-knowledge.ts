import { newerStamp, StampClock } from '@se/core'
import { FlushQueue } from '../flush/flush-queue.ts'
import { LogRelease } from '../flush/log-release.ts'
import { ArchiveTime } from '../heard/archive-time.ts'
import { Heard } from '../heard/heard.ts'
import { KnownWrites } from '../heard/known-writes.ts'
import { LoadFloors } from '../heard/load-floors.ts'
import { MemoryTier } from '../memory/memory-tier.ts'
import type { EngineObserver } from '../observer/observer.ts'
import { readLog } from '../write/record.ts'
import { Stamping } from '../write/stamping.ts'
import { Watches } from '../write/watches.ts'
import type { EngineDependencies, Opened } from './dependencies.ts'

/** What this process knows of writes, its own and those of others, and how it stamps its own above them. */
export interface Knowledge {
  readonly archiveTime: ArchiveTime
  readonly stamps: StampClock
  readonly stamping: Stamping
  readonly queue: FlushQueue
  readonly logRelease: LogRelease
  readonly memory: MemoryTier
  readonly known: KnownWrites
  readonly watches: Watches
  /** Of loads that callers share. */
  readonly loads: LoadFloors
  /** Of questions to the archive itself. */
  readonly asked: LoadFloors
  readonly heard: Heard
}

export function assembleKnowledge(
  { config, observer, clock }: EngineDependencies,
  { log, claim }: Pick<Opened, 'log' | 'claim'>,
): Knowledge {
  const archiveTime = createArchiveTime(clock, observer)
  const stamps = new StampClock(archiveTime, claim.instance, claim.maxStampTime)
  const queue = new FlushQueue(config.pending)
  const logRelease = new LogRelease({ log, findInLog: (from) => readLog(log, from), queue, observer })
  const memory = new MemoryTier({ bytesMax: config.memoryBytesMax, observer })
  const known = new KnownWrites()
  const stamping = new Stamping({
    stamps,
    newestKnown: (id) =>
      newerStamp(queue.newestStamp(id), newerStamp(known.get(id)?.stamp, memory.peek(id)?.item.stamp)),
  })
  const watches = new Watches()
  const loads = new LoadFloors()
  const asked = new LoadFloors()
  const heard = new Heard({
    known,
    memory,
    queue,
    loads: [loads, asked],
    writes: watches,
    stamps,
    onDropped: () => void logRelease.release(),
  })
  return { archiveTime, stamps, stamping, queue, logRelease, memory, known, watches, loads, asked, heard }
}

function createArchiveTime(clock: EngineDependencies['clock'], observer: EngineObserver): ArchiveTime {
  return new ArchiveTime(clock, ({ clock: jumped, byMs }) =>
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
}

import { Admission } from './admission.ts'
import { AppendQueue } from './append-queue.ts'
import { Bounds } from './bounds.ts'
import { closeLog } from './close-log.ts'
import { GroupCommit } from './group-commit.ts'
import { GroupWriter, type ActiveSegment } from './group-writer.ts'
import type { DirectoryLock } from './held-lock.ts'
import { LogLife } from './log-life.ts'
import { LogReader } from './log-reader.ts'
import { statsOf } from './log-stats.ts'
import { Log } from './log.ts'
import type { LogObserver, LogRecovery } from './observer.ts'
import type { ParsedOptions } from './options.ts'
import { Progress, type ProgressFound } from './progress.ts'
import { Releases } from './releases.ts'
import { SealedSegments, type SealedSegment } from './sealed-segments.ts'
import type { SegmentFiles } from './segment-files.ts'
import { SegmentSupply, type SegmentStock } from './segment-supply.ts'

/** A directory that is open for appending, and what stands in it. */
export interface OpenedLog {
  readonly options: ParsedOptions
  readonly observer: LogObserver | undefined
  readonly recovery: LogRecovery
  readonly files: SegmentFiles
  readonly lock: DirectoryLock
  readonly found: ProgressFound
  readonly active: ActiveSegment
  readonly sealed: readonly SealedSegment[]
  readonly stock: SegmentStock
}

/**
 * Puts a log together. A call of `append` goes down this list, and comes back up as the answer of a promise:
 *
 *   admission     takes the call in, lets it wait, or refuses it (asks `bounds`)
 *   commit        makes groups of the calls in `queue`, one at a time, and acknowledges them
 *   writer        writes and syncs the active segment; takes the next from `supply`, leaves the full one to `sealed`
 *
 * Beside them, `releases` gives room back and `reader` reads. What the lower parts tell the upper ones are events, which have no
 * answer: they are written out here. State that several of them look at has one owner: `progress`, `sealed`, `life`.
 */
export function assembleLog(opened: OpenedLog): Log {
  const { options, observer, recovery, files, lock } = opened
  const { directory, fileSystem, clock, limits } = options
  const progress = new Progress(opened.found)
  const queue = new AppendQueue(limits.groupBytesMax)
  const sealed = new SealedSegments(opened.sealed, options.releaseDelayMs)
  const life = new LogLife(progress, (failure, operation, error) => {
    for (const call of [...queue.clear(), ...admission.stop()]) call.reject(failure)
    observer?.failed?.({ operation, error })
  })
  const supply = new SegmentSupply(opened.stock, {
    files,
    limits,
    clock,
    life,
    events: {
      prepared(wasDiskFull) {
        admission.admitWaiting()
        // There may have been no room to note a release.
        if (wasDiskFull) void releases.free()
      },
      diskFilled: () => observer?.full?.({ reason: 'disk', refused: false }),
    },
  })
  const writer = new GroupWriter(opened.active, { files, supply, sealed, progress, lock, life, clock })
  const commit = new GroupCommit({
    queue,
    writer,
    progress,
    life,
    lock,
    clock,
    observer,
    events: {
      rotated: () => void releases.free(),
      turnedAway: (calls) => admission.takeBack(calls),
    },
  })
  const bounds = new Bounds({ limits, clock, progress, sealed, supply, queue })
  const admission = new Admission({ options, clock, observer, life, bounds, supply, commit })
  const releases = new Releases({ progress, sealed, supply, commit, admission, life, clock, observer })
  const reader = new LogReader({ fileSystem, directory, life, progress, sealed, writer, releases })

  lock.onLost((error) => life.fail('lock', error))
  sealed.release(progress.releasedThrough, clock.monotonicMs())
  supply.prepare()
  void releases.free()
  const stats = { life, progress, sealed, supply, queue, admission, reader, clock }
  return new Log({
    directory,
    recovery,
    life,
    admission,
    commit,
    reader,
    releases,
    stats: () => statsOf(stats, limits.segmentBytes),
    close: () => closeLog({ life, admission, commit, releases, supply, writer, progress, lock }),
  })
}

import type { Clock } from '@se/core'
import type { Admission } from './admission.ts'
import type { AppendQueue } from './append-queue.ts'
import type { LogLife } from './log-life.ts'
import type { LogReader } from './log-reader.ts'
import type { LogStats } from './log-types.ts'
import type { Progress } from './progress.ts'
import type { SealedSegments } from './sealed-segments.ts'
import type { SegmentSupply } from './segment-supply.ts'

export interface StatsPorts {
  readonly life: LogLife
  readonly progress: Progress
  readonly sealed: SealedSegments
  readonly supply: SegmentSupply
  readonly queue: AppendQueue
  readonly admission: Admission
  readonly reader: LogReader
  readonly clock: Pick<Clock, 'nowMs'>
}

/** The figures of a log, now. @param segmentBytes size of a segment file */
export function statsOf(ports: StatsPorts, segmentBytes: number): LogStats {
  const { life, progress, sealed, supply, queue, admission, reader, clock } = ports
  const { oldestMs } = progress
  const segments = sealed.count + 1
  return {
    state: life.state,
    firstSequence: progress.releasedThrough + 1,
    lastSequence: progress.lastSequence,
    durableSequence: progress.durableSequence,
    oldestSequence: reader.oldestSequence,
    records: progress.recordCount,
    bytes: progress.bytes + sealed.heldBytes,
    ageMs: oldestMs === undefined ? 0 : Math.max(0, clock.nowMs() - oldestMs),
    segments,
    heldSegments: sealed.heldCount,
    spareSegments: supply.spareCount,
    fileBytes: (segments + supply.spareCount) * segmentBytes,
    queuedRecords: queue.recordCount,
    waitingCalls: admission.waitingCount,
    isDiskFull: supply.isDiskFull,
  }
}

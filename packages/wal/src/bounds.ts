import type { Clock } from '@se/core'
import type { AppendQueue } from './append-queue.ts'
import { logFullError, type LogFull } from './errors.ts'
import { groupBytesOf } from './format.ts'
import type { ParsedLimits } from './limits.ts'
import type { FullReason } from './observer.ts'
import type { Progress } from './progress.ts'
import type { SealedSegments } from './sealed-segments.ts'
import type { SegmentSupply } from './segment-supply.ts'

/** What the bounds are compared with. */
export interface BoundsPorts {
  readonly limits: Pick<ParsedLimits, 'recordsMax' | 'bytesMax' | 'ageMsMax'>
  readonly clock: Pick<Clock, 'nowMs'>
  readonly progress: Pick<Progress, 'recordCount' | 'bytes' | 'oldestMs'>
  readonly sealed: Pick<SealedSegments, 'heldBytes'>
  readonly supply: Pick<SegmentSupply, 'isDiskFull'>
  readonly queue: Pick<AppendQueue, 'recordCount' | 'bytes'>
}

/**
 * Whether the log holds as much as it may. What is queued counts as held. Pure.
 *
 * | reason    | an append is too much when                                                      |
 * | --------- | ------------------------------------------------------------------------------- |
 * | `disk`    | the last attempt to make a segment found the disk full                          |
 * | `records` | with it, more than `recordsMax` records are not released                        |
 * | `bytes`   | with it, more than `bytesMax` bytes are not released, or released and still kept |
 * | `age`     | the oldest record not released is older than `ageMsMax`                         |
 */
export class Bounds {
  readonly #ports: BoundsPorts

  constructor(ports: BoundsPorts) {
    this.#ports = ports
  }

  /** @returns the first reason in the order of the table; undefined if there is room */
  fullReason(recordCount: number, payloadBytes: number): FullReason | undefined {
    const { limits, clock, progress, sealed, supply, queue } = this.#ports
    if (supply.isDiskFull) return 'disk'
    if (progress.recordCount + queue.recordCount + recordCount > limits.recordsMax) return 'records'
    const heldBytes = progress.bytes + sealed.heldBytes + queue.bytes
    if (heldBytes + groupBytesOf(recordCount, payloadBytes) > limits.bytesMax) return 'bytes'
    if (limits.ageMsMax === Infinity) return undefined
    const { oldestMs } = progress
    return oldestMs !== undefined && clock.nowMs() - oldestMs > limits.ageMsMax ? 'age' : undefined
  }

  /** The error of a call that is refused now. */
  fullError(reason: FullReason): LogFull {
    const { limits, progress, sealed } = this.#ports
    return logFullError(reason, progress.recordCount, progress.bytes + sealed.heldBytes, limits)
  }
}

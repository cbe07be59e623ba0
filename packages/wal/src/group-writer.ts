import { invariant, type Clock } from '@se/core'
import type { Room } from './append-queue.ts'
import {
  CONTROL_GROUP_BYTES,
  encodeSegmentHeader,
  GROUP_CLOSES_LOG,
  groupBytesOf,
  SEGMENT_HEADER_BYTES,
  usableBytesOf,
} from './format.ts'
import { GroupEncoder } from './group.ts'
import type { DirectoryLock } from './held-lock.ts'
import type { LogLife } from './log-life.ts'
import type { Progress } from './progress.ts'
import type { SealedSegments } from './sealed-segments.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentHandle } from './segment-handle.ts'
import type { SegmentSupply } from './segment-supply.ts'

/** The segment that groups are written to. */
export interface ActiveSegment {
  readonly id: number
  /** Its size, bytes; a segment from an earlier run may have another than `limits.segmentBytes`. */
  readonly segmentBytes: number
  readonly handle: SegmentHandle
  readonly firstSequence: number
  /** Where the next group goes, bytes. */
  readonly offset: number
  /** Bytes known to be synced. */
  readonly durableBytes: number
  /** CRC of the last group, in this segment or the one before. */
  readonly previousCrc: number
}

export interface GroupWriterPorts {
  readonly files: Pick<SegmentFiles, 'header'>
  readonly supply: Pick<SegmentSupply, 'prepare' | 'take'>
  readonly sealed: Pick<SealedSegments, 'seal' | 'release'>
  readonly progress: Progress
  readonly lock: Pick<DirectoryLock, 'look'>
  readonly life: Pick<LogLife, 'failure'>
  readonly clock: Clock
}

/**
 * Writes groups to the end of the active segment, makes them durable, and leaves a full segment for the next one. One call at a time:
 * the caller waits for one before it makes another.
 */
export class GroupWriter implements Room {
  readonly #ports: GroupWriterPorts
  readonly #encoder = new GroupEncoder()
  #active: { -readonly [Key in keyof ActiveSegment]: ActiveSegment[Key] }

  constructor(active: ActiveSegment, ports: GroupWriterPorts) {
    this.#active = { ...active }
    this.#ports = ports
  }

  get active(): Pick<ActiveSegment, 'id' | 'firstSequence'> {
    return this.#active
  }

  get recordRoomBytes(): number {
    return recordEndOf(this.#active.segmentBytes) - this.#active.offset
  }

  get hasControlRoom(): boolean {
    return this.#active.offset + CONTROL_GROUP_BYTES <= this.#active.segmentBytes
  }

  /** Whether a durable group of the active segment tells of the release. */
  isReleaseDurable(through: number): boolean {
    return this.#ports.progress.durableRelease >= through && this.#active.durableBytes > 0
  }

  /**
   * Writes a group: through to the disk, if it is to be durable and no group before it waits for a sync.
   *
   * @param payloads none for a control group
   * @returns its bytes
   */
  async write(
    payloads: readonly Uint8Array[],
    payloadBytes: number,
    flags: number,
    mustSync: boolean,
  ): Promise<number> {
    const { files, progress, clock } = this.#ports
    const active = this.#active
    const { previousCrc } = active
    const recordCount = payloads.length
    const end = active.offset + groupBytesOf(recordCount, payloadBytes)
    invariant(
      end <= (recordCount > 0 ? recordEndOf(active.segmentBytes) : active.segmentBytes),
      'a group ends within its segment, and leaves the room that is kept for control groups',
      { end, recordCount, segmentBytes: active.segmentBytes },
    )
    const firstSequence = progress.lastSequence + 1
    const { releasedThrough } = progress
    const writtenMs = Math.max(0, Math.floor(clock.nowMs()))
    const isFirst = active.offset === SEGMENT_HEADER_BYTES
    const prefix = isFirst
      ? encodeSegmentHeader(files.header(active.id, { firstSequence, previousCrc }, active.segmentBytes))
      : undefined
    const facts = {
      segmentId: active.id,
      firstSequence,
      durableBytes: active.durableBytes,
      releasedThrough,
      writtenMs,
      previousCrc,
      flags,
    }
    const { buffers, groupBytes, crc } = this.#encoder.encode(payloads, payloadBytes, facts, prefix)
    const position = isFirst ? 0 : active.offset
    const isThrough = mustSync && (isFirst || active.durableBytes === active.offset)
    if (isThrough) await active.handle.writeThrough(buffers, position)
    else await active.handle.write(buffers, position)
    this.#encoder.recycle()
    active.offset = end
    if (isThrough) active.durableBytes = end
    active.previousCrc = crc
    const closesLog = (flags & GROUP_CLOSES_LOG) !== 0
    progress.wrote({ recordCount, groupBytes, writtenMs, releasedThrough, closesLog })
    return groupBytes
  }

  /** Makes durable what has been written, and notes that it is. A segment without a group has nothing that could count. */
  async sync(): Promise<void> {
    const active = this.#active
    const { offset } = active
    if (active.durableBytes < offset && offset > SEGMENT_HEADER_BYTES) {
      await active.handle.sync()
      active.durableBytes = offset
    }
    this.#ports.progress.synced()
  }

  /** Leaves the active segment for the next. @returns false if there is none, because the disk is full or the log has failed */
  async rotate(): Promise<boolean> {
    const { supply, sealed, progress, lock, life, clock } = this.#ports
    const left = this.#active
    await lock.look()
    // The next segment's header says that all of this one is durable.
    if (left.durableBytes < left.offset) await this.sync()
    supply.prepare()
    const next = await supply.take()
    if (next === undefined) return false
    if (life.failure !== undefined) {
      await next.handle.close()
      return false
    }
    const { lastSequence } = progress
    this.#active = {
      id: next.id,
      segmentBytes: next.segmentBytes,
      handle: next.handle,
      firstSequence: lastSequence + 1,
      offset: SEGMENT_HEADER_BYTES,
      durableBytes: 0,
      previousCrc: left.previousCrc,
    }
    const { id, firstSequence, segmentBytes, offset: usedBytes } = left
    sealed.seal({ id, firstSequence, lastSequence, segmentBytes, usedBytes })
    // It may have been released while it was being written.
    sealed.release(progress.releasedThrough, clock.monotonicMs())
    // Only now: if this fails, the new one is left to be closed, and the old one must not be closed again.
    await left.handle.close()
    supply.prepare()
    return true
  }

  /** Closes the file of the active segment. */
  close(): Promise<void> {
    return this.#active.handle.close()
  }
}

/** Where the room for groups with records ends, bytes from the start of the segment. */
function recordEndOf(segmentBytes: number): number {
  return SEGMENT_HEADER_BYTES + usableBytesOf(segmentBytes)
}

/** What a segment's bytes mean: which groups stand in it, and what to make of the place where they end. Pure. */
import {
  ALIGNMENT_BYTES,
  COMMIT_FRAME_BYTES,
  COMMIT_MAGIC_BYTES,
  CONTROL_GROUP_BYTES,
  decodeCommitFrame,
  decodeGroupHeader,
  GROUP_HEADER_BYTES,
  GROUP_MAGIC_BYTES,
} from './format.ts'
import { decodeGroup, type DecodedGroup } from './group.ts'

/** Where reading stands. */
export interface ScanPosition {
  /** Bytes from the start of the segment. */
  readonly offset: number
  readonly nextSequence: number
  /** CRC of the group before. */
  readonly previousCrc: number
}

/**
 * Reads the group at the position.
 *
 * @returns undefined if there is none of this segment, or none that follows the one before
 */
export function readGroup(
  bytes: Uint8Array,
  view: DataView,
  segmentId: number,
  position: ScanPosition,
): DecodedGroup | undefined {
  const group = decodeGroup(bytes, view, position.offset, segmentId)
  if (group === undefined) return undefined
  const { header } = group
  if (header.firstSequence !== position.nextSequence || header.previousCrc !== position.previousCrc)
    return undefined
  return group
}

/** Reads groups until there is none that follows. */
export function scanGroups(
  bytes: Uint8Array,
  segmentId: number,
  start: ScanPosition,
  onGroup: (group: DecodedGroup, offset: number) => void,
): ScanPosition {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let position = start
  for (;;) {
    const group = readGroup(bytes, view, segmentId, position)
    if (group === undefined) return position
    onGroup(group, position.offset)
    position = {
      offset: position.offset + group.header.groupBytes,
      nextSequence: group.lastSequence + 1,
      previousCrc: group.crc,
    }
  }
}

/** A header that stands behind the last good group. */
export interface FollowingGroup {
  readonly offset: number
  readonly firstSequence: number
  readonly recordCount: number
  readonly isWhole: boolean
}

/**
 * How a segment ends.
 *
 *   nothing of this segment behind the end -> clean
 *   remains, but nothing that says the end had been synced over -> torn
 *   a header that says so -> damaged
 *
 * A group says how many bytes of the segment were synced before it was written. A power cut can take any part of
 * what was not synced, and never what was. So if a header further on knows of synced bytes beyond the end,
 * the bytes at the end were durable once and have been damaged since [P10].
 */
export type SegmentEnd =
  | { readonly kind: 'clean' }
  | { readonly kind: 'torn'; readonly remainsEnd: number }
  | { readonly kind: 'damaged'; readonly problem: string; readonly follows: readonly FollowingGroup[] }

/** @param end offset behind the last good group */
export function judgeEnd(
  bytes: Uint8Array,
  segmentId: number,
  end: number,
  nextSequence: number,
): SegmentEnd {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const follows: FollowingGroup[] = []
  let durableBytes = 0
  let remainsEnd = 0
  for (const offset of findAligned(bytes, GROUP_MAGIC_BYTES, end)) {
    const header = decodeGroupHeader(bytes, view, offset, segmentId)
    if (header === undefined) continue
    durableBytes = Math.max(durableBytes, header.durableBytes)
    remainsEnd = Math.max(
      remainsEnd,
      Math.min(bytes.length, offset + Math.max(header.groupBytes, CONTROL_GROUP_BYTES)),
    )
    follows.push({
      offset,
      firstSequence: header.firstSequence,
      recordCount: header.recordCount,
      isWhole: decodeGroup(bytes, view, offset, segmentId) !== undefined,
    })
  }
  for (const offset of findAligned(bytes, COMMIT_MAGIC_BYTES, end)) {
    if (decodeCommitFrame(view, offset, segmentId) === undefined) continue
    remainsEnd = Math.max(remainsEnd, offset + COMMIT_FRAME_BYTES)
  }
  if (durableBytes > end) {
    return { kind: 'damaged', problem: describeEnd(bytes, view, segmentId, end, nextSequence), follows }
  }
  return remainsEnd === 0 ? { kind: 'clean' } : { kind: 'torn', remainsEnd }
}

/** In words, why no good group starts at the end. */
export function describeEnd(
  bytes: Uint8Array,
  view: DataView,
  segmentId: number,
  end: number,
  nextSequence: number,
): string {
  if (end + GROUP_HEADER_BYTES > bytes.length) return 'the file ends'
  const header = decodeGroupHeader(bytes, view, end, segmentId)
  if (header === undefined) return 'no whole group header'
  if (decodeGroup(bytes, view, end, segmentId) === undefined) return 'the checksum of the group differs'
  if (header.firstSequence !== nextSequence) {
    return `the group starts at sequence ${header.firstSequence}, not at ${nextSequence}`
  }
  return 'the group does not follow the one before it'
}

function* findAligned(bytes: Uint8Array, pattern: Uint8Array, from: number): Generator<number> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (
    let offset = buffer.indexOf(pattern, from);
    offset !== -1;
    offset = buffer.indexOf(pattern, offset + 1)
  ) {
    if (offset % ALIGNMENT_BYTES === 0) yield offset
  }
}

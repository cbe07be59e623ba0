/**
 * The bytes on disk, drawn in docs/formats/log.md: segment header, group header, commit frame. Pure.
 *
 * Every number is little-endian. Sequences, ids and times are u64 below 2^53.
 */
import { crc32 } from 'node:zlib'
import { invariant } from '@se/core'

export const FORMAT_VERSION = 1
export const SEGMENT_HEADER_BYTES = 64
export const GROUP_HEADER_BYTES = 64
export const COMMIT_FRAME_BYTES = 32
export const LENGTH_BYTES = 4
/** Groups start at multiples of this. */
export const ALIGNMENT_BYTES = 8
/** A control group, which has no records: header and commit frame. */
export const CONTROL_GROUP_BYTES = GROUP_HEADER_BYTES + COMMIT_FRAME_BYTES
for (const bytes of [SEGMENT_HEADER_BYTES, GROUP_HEADER_BYTES, COMMIT_FRAME_BYTES]) {
  invariant(bytes % ALIGNMENT_BYTES === 0, 'frames keep groups aligned', { bytes })
}

/** `SEWALSEG` */
const SEGMENT_MAGIC = Uint8Array.of(0x53, 0x45, 0x57, 0x41, 0x4c, 0x53, 0x45, 0x47)
/** `SEWG`, as bytes and as a little-endian number. */
export const GROUP_MAGIC_BYTES = Uint8Array.of(0x53, 0x45, 0x57, 0x47)
const GROUP_MAGIC = littleEndian(GROUP_MAGIC_BYTES)
/** `SEWC`, likewise. */
export const COMMIT_MAGIC_BYTES = Uint8Array.of(0x53, 0x45, 0x57, 0x43)
const COMMIT_MAGIC = littleEndian(COMMIT_MAGIC_BYTES)
const TWO_POW_32 = 4_294_967_296

/** Flag of a segment header: prepared ahead, no group in it yet. */
const SEGMENT_PREPARED = 1
/** Flag of a group: the log was closed in order after it. */
export const GROUP_CLOSES_LOG = 1

export interface SegmentHeader {
  /** Which use of a file this is; a recycled file gets a new id, so frames of its earlier use are not mistaken for new ones. */
  readonly segmentId: number
  /** Size the file was given, bytes; it is synced before the first use, so a shorter file has been cut from outside. */
  readonly segmentBytes: number
  /** Sequence of the first record; 0 while only prepared. */
  readonly firstSequence: number
  /** Random identity of the log, 16 bytes as 32 hex digits. */
  readonly logId: string
  /** CRC of the last group of the segment before; 0 for the first, and while only prepared. */
  readonly previousCrc: number
  readonly isPrepared: boolean
}

/** What a group says beside its records. */
export interface GroupFacts {
  readonly segmentId: number
  /** Sequence of its first record, or the next sequence if it has none. */
  readonly firstSequence: number
  /** Bytes of this segment known to be synced when the group was written: what tells torn from damaged. */
  readonly durableBytes: number
  /** Last sequence released when the group was written. */
  readonly releasedThrough: number
  /** Wall clock, ms. */
  readonly writtenMs: number
  /** CRC of the group before, which chains the groups. */
  readonly previousCrc: number
  readonly flags: number
}

export interface GroupHeader extends GroupFacts {
  readonly recordCount: number
  /** Header, lengths, payloads, padding and commit frame. */
  readonly groupBytes: number
}

/** What the first bytes of a file say. */
export type HeaderReading =
  | { readonly kind: 'header'; readonly header: SegmentHeader }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'damaged' }

/** Bytes that a group with these records takes in a segment. */
export function groupBytesOf(recordCount: number, payloadBytes: number): number {
  const body = recordCount * LENGTH_BYTES + payloadBytes
  return CONTROL_GROUP_BYTES + Math.ceil(body / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
}

/** Longest payload that fits a segment of this size. */
export function payloadBytesMaxOf(segmentBytes: number): number {
  return usableBytesOf(segmentBytes) - CONTROL_GROUP_BYTES - LENGTH_BYTES
}

/**
 * Bytes of a segment that groups with records may take. The rest is kept for control groups, so that a release can be
 * made durable, and the log closed, when there is no next segment because the disk is full.
 */
export function usableBytesOf(segmentBytes: number): number {
  return segmentBytes - SEGMENT_HEADER_BYTES - 2 * CONTROL_GROUP_BYTES
}

export function segmentFileName(segmentId: number): string {
  return `${String(segmentId).padStart(16, '0')}.wal`
}

export function spareFileName(segmentId: number): string {
  return `${String(segmentId).padStart(16, '0')}.spare`
}

/** @returns what a file of the directory is to the log; undefined for a stranger's */
export function readFileName(name: string): { kind: 'segment' | 'spare'; segmentId: number } | undefined {
  const match = /^(\d{16})\.(wal|spare)$/.exec(name)
  if (match === null) return undefined
  const segmentId = Number(match[1])
  if (!Number.isSafeInteger(segmentId) || segmentId < 1) return undefined
  return { kind: match[2] === 'wal' ? 'segment' : 'spare', segmentId }
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(SEGMENT_MAGIC, 0)
  view.setUint16(8, FORMAT_VERSION, true)
  view.setUint16(10, SEGMENT_HEADER_BYTES, true)
  view.setUint32(12, header.isPrepared ? SEGMENT_PREPARED : 0, true)
  setU64(view, 16, header.segmentId)
  setU64(view, 24, header.segmentBytes)
  setU64(view, 32, header.firstSequence)
  bytes.set(Buffer.from(header.logId, 'hex'), 40)
  view.setUint32(56, header.previousCrc, true)
  view.setUint32(60, crc32(bytes.subarray(0, 60)), true)
  return bytes
}

export function decodeSegmentHeader(bytes: Uint8Array): HeaderReading {
  if (bytes.length < SEGMENT_HEADER_BYTES) return { kind: 'damaged' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!SEGMENT_MAGIC.every((byte, index) => bytes[index] === byte)) {
    return { kind: looksLikeHeader(view) ? 'damaged' : 'foreign' }
  }
  const version = view.getUint16(8, true)
  // A later version may place its checksum elsewhere, so the version counts before the checksum does.
  if (version > FORMAT_VERSION) return { kind: 'newer', version }
  const flags = view.getUint32(12, true)
  const isWhole = crc32(bytes.subarray(0, 60)) === view.getUint32(60, true)
  if (!isWhole || version !== FORMAT_VERSION || flags > SEGMENT_PREPARED) return { kind: 'damaged' }
  return {
    kind: 'header',
    header: {
      segmentId: getU64(view, 16),
      segmentBytes: getU64(view, 24),
      firstSequence: getU64(view, 32),
      logId: Buffer.from(bytes.buffer, bytes.byteOffset + 40, 16).toString('hex'),
      previousCrc: view.getUint32(56, true),
      isPrepared: flags === SEGMENT_PREPARED,
    },
  }
}

/** Whether version and header length are ours though the magic is not: a damaged header, not a stranger's file. */
function looksLikeHeader(view: DataView): boolean {
  return view.getUint16(8, true) === FORMAT_VERSION && view.getUint16(10, true) === SEGMENT_HEADER_BYTES
}

export function encodeGroupHeader(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  facts: GroupFacts,
  recordCount: number,
  groupBytes: number,
): void {
  view.setUint32(offset, GROUP_MAGIC, true)
  view.setUint32(offset + 4, facts.flags, true)
  setU64(view, offset + 8, facts.segmentId)
  setU64(view, offset + 16, facts.firstSequence)
  view.setUint32(offset + 24, recordCount, true)
  view.setUint32(offset + 28, groupBytes, true)
  setU64(view, offset + 32, facts.durableBytes)
  setU64(view, offset + 40, facts.releasedThrough)
  setU64(view, offset + 48, facts.writtenMs)
  view.setUint32(offset + 56, facts.previousCrc, true)
  view.setUint32(offset + 60, crc32(bytes.subarray(offset, offset + 60)), true)
}

/** @returns undefined unless a whole header of this segment stands at the offset */
export function decodeGroupHeader(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  segmentId: number,
): GroupHeader | undefined {
  if (offset + GROUP_HEADER_BYTES > bytes.length) return undefined
  if (view.getUint32(offset, true) !== GROUP_MAGIC) return undefined
  if (getU64(view, offset + 8) !== segmentId) return undefined
  if (crc32(bytes.subarray(offset, offset + 60)) !== view.getUint32(offset + 60, true)) return undefined
  return {
    flags: view.getUint32(offset + 4, true),
    segmentId,
    firstSequence: getU64(view, offset + 16),
    recordCount: view.getUint32(offset + 24, true),
    groupBytes: view.getUint32(offset + 28, true),
    durableBytes: getU64(view, offset + 32),
    releasedThrough: getU64(view, offset + 40),
    writtenMs: getU64(view, offset + 48),
    previousCrc: view.getUint32(offset + 56, true),
  }
}

/**
 * Everything of the commit frame but its last four bytes, which hold the CRC of the whole group before them.
 *
 * @param lastSequence of the group; the sequence before its first if it has no records
 */
export function encodeCommitFrame(
  view: DataView,
  offset: number,
  segmentId: number,
  lastSequence: number,
  groupBytes: number,
): void {
  view.setUint32(offset, COMMIT_MAGIC, true)
  view.setUint32(offset + 4, 0, true)
  setU64(view, offset + 8, segmentId)
  setU64(view, offset + 16, lastSequence)
  view.setUint32(offset + 24, groupBytes, true)
}

/** @returns its last sequence and where its group began; undefined unless a commit frame of this segment is there */
export function decodeCommitFrame(
  view: DataView,
  offset: number,
  segmentId: number,
): { lastSequence: number; groupBytes: number; crc: number } | undefined {
  if (offset + COMMIT_FRAME_BYTES > view.byteLength) return undefined
  if (view.getUint32(offset, true) !== COMMIT_MAGIC || view.getUint32(offset + 4, true) !== 0)
    return undefined
  if (getU64(view, offset + 8) !== segmentId) return undefined
  return {
    lastSequence: getU64(view, offset + 16),
    groupBytes: view.getUint32(offset + 24, true),
    crc: view.getUint32(offset + 28, true),
  }
}

function littleEndian(bytes: Uint8Array): number {
  return new DataView(bytes.buffer).getUint32(0, true)
}

function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true)
  view.setUint32(offset + 4, Math.floor(value / TWO_POW_32), true)
}

function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * TWO_POW_32 + view.getUint32(offset, true)
}

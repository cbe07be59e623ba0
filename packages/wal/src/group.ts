import { crc32 } from 'node:zlib'
import {
  COMMIT_FRAME_BYTES,
  decodeCommitFrame,
  decodeGroupHead,
  encodeCommitFrame,
  encodeGroupHead,
  GROUP_HEAD_BYTES,
  groupBytesOf,
  LENGTH_BYTES,
  type GroupHead,
} from './format.ts'

/**
 * Payloads up to this many bytes are copied into the group's buffer; longer ones are handed to `writev` as they
 * are. Copying 100 B takes some 20 ns and 1 KiB some 100 ns, while an entry of its own in `writev` and a CRC call of
 * its own take 150 to 300 ns; from some 8 KiB up the copy is the dearer one. Measured on Node 24.21.
 */
const COPY_BYTES_MAX = 4096
/** Buffers of big groups are given back after use, so that one burst does not hold memory for ever. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024
/** Grows as groups do. */
const START_BYTES = 16 * 1024

/** Facts of a group that its records do not say. */
export interface GroupFacts {
  readonly segmentId: number
  readonly firstSequence: number
  readonly durableBytes: number
  readonly releasedThrough: number
  readonly writtenMs: number
  readonly previousCrc: number
  readonly flags: number
}

export interface EncodedGroup {
  /** To be written one after the other; valid until the next `encode`. */
  readonly buffers: Uint8Array[]
  readonly groupBytes: number
  readonly crc: number
}

/** Lays out groups in a buffer that is used again for the next one; so only one group is in flight. */
export class GroupEncoder {
  #arena: Uint8Array = new Uint8Array(START_BYTES)
  #view = new DataView(this.#arena.buffer)

  /**
   * @param payloads of the group's records, in order
   * @param prefix goes before the group in the same write and is not part of it (a segment's header)
   */
  encode(
    payloads: readonly Uint8Array[],
    payloadBytes: number,
    facts: GroupFacts,
    prefix?: Uint8Array,
  ): EncodedGroup {
    const recordCount = payloads.length
    const groupBytes = groupBytesOf(recordCount, payloadBytes)
    const tableBytes = recordCount * LENGTH_BYTES
    const prefixBytes = prefix === undefined ? 0 : prefix.length
    this.#reserve(prefixBytes + groupBytes)
    const arena = this.#arena
    const view = this.#view
    if (prefix !== undefined) arena.set(prefix, 0)
    encodeGroupHead(arena, view, prefixBytes, { ...facts, recordCount, groupBytes })

    const tableStart = prefixBytes + GROUP_HEAD_BYTES
    let write = tableStart + tableBytes
    // What stands in the arena from here to `write` has not been handed out yet.
    let pieceStart = 0
    let crc = 0
    let crcStart = prefixBytes
    const buffers: Uint8Array[] = []
    for (let index = 0; index < recordCount; index++) {
      const payload = payloads[index]!
      view.setUint32(tableStart + index * LENGTH_BYTES, payload.length, true)
    }
    for (let index = 0; index < recordCount; index++) {
      const payload = payloads[index]!
      if (payload.length <= COPY_BYTES_MAX) {
        arena.set(payload, write)
        write += payload.length
        continue
      }
      buffers.push(arena.subarray(pieceStart, write), payload)
      crc = crc32(payload, crc32(arena.subarray(crcStart, write), crc))
      pieceStart = write
      crcStart = write
    }
    const padding = groupBytes - GROUP_HEAD_BYTES - tableBytes - payloadBytes - COMMIT_FRAME_BYTES
    for (let index = 0; index < padding; index++) arena[write++] = 0
    const lastSequence = facts.firstSequence + recordCount - 1
    encodeCommitFrame(view, write, facts.segmentId, lastSequence, groupBytes)
    write += COMMIT_FRAME_BYTES
    crc = crc32(arena.subarray(crcStart, write - 4), crc)
    view.setUint32(write - 4, crc, true)
    buffers.push(arena.subarray(pieceStart, write))
    return { buffers, groupBytes, crc }
  }

  /** Gives a big buffer back; to be called when the group has been written. */
  recycle(): void {
    if (this.#arena.length > KEPT_BYTES_MAX) this.#allocate(START_BYTES)
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#arena.length) return
    this.#allocate(2 ** Math.ceil(Math.log2(bytes)))
  }

  #allocate(bytes: number): void {
    this.#arena = new Uint8Array(bytes)
    this.#view = new DataView(this.#arena.buffer)
  }
}

export interface DecodedGroup {
  readonly head: GroupHead
  readonly lastSequence: number
  readonly crc: number
}

/**
 * Reads and checks the group at the offset, in isolation: head, commit frame, sizes and CRC. Order and chain
 * are for the caller, who knows the group before.
 *
 * @returns undefined if there is no whole group of this segment
 */
export function decodeGroup(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  segmentId: number,
): DecodedGroup | undefined {
  const head = decodeGroupHead(bytes, view, offset, segmentId)
  if (head === undefined) return undefined
  const end = offset + head.groupBytes
  const bodyBytes = head.groupBytes - GROUP_HEAD_BYTES - COMMIT_FRAME_BYTES
  if (end > bytes.length || head.recordCount * LENGTH_BYTES > bodyBytes) return undefined
  const commit = decodeCommitFrame(view, end - COMMIT_FRAME_BYTES, segmentId)
  if (commit === undefined || commit.groupBytes !== head.groupBytes) return undefined
  const lastSequence = head.firstSequence + head.recordCount - 1
  if (commit.lastSequence !== lastSequence) return undefined
  if (crc32(bytes.subarray(offset, end - 4)) !== commit.crc) return undefined
  return { head, lastSequence, crc: commit.crc }
}

/** The payloads of a group that `decodeGroup` found whole, as views into the same memory. */
export function* payloadsOf(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  head: GroupHead,
): Generator<Uint8Array> {
  let start = offset + GROUP_HEAD_BYTES + head.recordCount * LENGTH_BYTES
  for (let index = 0; index < head.recordCount; index++) {
    const length = view.getUint32(offset + GROUP_HEAD_BYTES + index * LENGTH_BYTES, true)
    yield bytes.subarray(start, start + length)
    start += length
  }
}

import { crc32 } from 'node:zlib'
import { invariant } from '@se/core'
import {
  COMMIT_FRAME_BYTES,
  decodeCommitFrame,
  decodeGroupHeader,
  encodeCommitFrame,
  encodeGroupHeader,
  GROUP_HEADER_BYTES,
  groupBytesOf,
  LENGTH_BYTES,
  type GroupFacts,
  type GroupHeader,
} from './format.ts'
import { GROUP_BYTES_DEFAULT } from './limits.ts'

/**
 * Payloads up to this many bytes are copied into the group's buffer; longer ones are handed to `writev` as they
 * are. Copying 100 B takes some 20 ns and 1 KiB some 100 ns, while an entry of its own in `writev` and a CRC call of
 * its own take 150 to 300 ns; from some 8 KiB up the copy is the dearer one. Measured on Node 24.21.
 */
const COPY_BYTES_MAX = 4096
/**
 * Larger buffers are given back after use, so that one burst does not hold memory for ever. A group of the default
 * `groupBytesMax` has its place in this: a new buffer for each would cost more than copying.
 */
const KEPT_BYTES_MAX = 8 * 1024 * 1024
/** Grows as groups do. */
const START_BYTES = 16 * 1024
invariant(GROUP_BYTES_DEFAULT <= KEPT_BYTES_MAX, 'the buffer of a usual group is kept')
invariant(COPY_BYTES_MAX <= START_BYTES, 'a payload that is copied needs no larger buffer by itself')

/** A group, ready to be written; valid until the next `encode`. */
export interface EncodedGroup {
  /** To be written one after the other. */
  readonly buffers: readonly Uint8Array[]
  readonly groupBytes: number
  readonly crc: number
}

/** Lays out groups in a buffer that is used again for the next one; so only one group is in flight. */
export class GroupEncoder {
  #arena: Uint8Array = new Uint8Array(START_BYTES)
  #view = new DataView(this.#arena.buffer)

  /** Gives a big buffer back; to be called when the group has been written. */
  recycle(): void {
    if (this.#arena.length > KEPT_BYTES_MAX) this.#allocate(START_BYTES)
  }

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
    const prefixBytes = prefix === undefined ? 0 : prefix.length
    let foundBytes = 0
    let uncopiedBytes = 0
    for (let index = 0; index < recordCount; index++) {
      const { length } = payloads[index]!
      foundBytes += length
      if (length > COPY_BYTES_MAX) uncopiedBytes += length
    }
    // A caller may have resized or given away a buffer: nothing is written then, rather than what cannot be read.
    invariant(foundBytes === payloadBytes, 'payloads keep their length until they are written', {
      payloadBytes,
      foundBytes,
    })
    this.#reserve(prefixBytes + groupBytes - uncopiedBytes)
    const arena = this.#arena
    const view = this.#view
    if (prefix !== undefined) arena.set(prefix, 0)
    encodeGroupHeader(arena, view, prefixBytes, facts, recordCount, groupBytes)

    let write = prefixBytes + GROUP_HEADER_BYTES
    for (let index = 0; index < recordCount; index++) {
      view.setUint32(write, payloads[index]!.length, true)
      write += LENGTH_BYTES
    }
    const buffers: Uint8Array[] = []
    // What stands in the arena from here to `write` is not among the buffers yet.
    let copiedStart = 0
    for (let index = 0; index < recordCount; index++) {
      const payload = payloads[index]!
      if (payload.length <= COPY_BYTES_MAX) {
        arena.set(payload, write)
        write += payload.length
      } else {
        buffers.push(arena.subarray(copiedStart, write), payload)
        copiedStart = write
      }
    }
    const bodyBytes = recordCount * LENGTH_BYTES + payloadBytes
    const padding = groupBytes - GROUP_HEADER_BYTES - bodyBytes - COMMIT_FRAME_BYTES
    for (let index = 0; index < padding; index++) arena[write++] = 0
    encodeCommitFrame(view, write, facts.segmentId, facts.firstSequence + recordCount - 1, groupBytes)
    const crcAt = write + COMMIT_FRAME_BYTES - 4
    buffers.push(arena.subarray(copiedStart, crcAt))
    let crc = crc32(buffers[0]!.subarray(prefixBytes))
    for (let index = 1; index < buffers.length; index++) crc = crc32(buffers[index]!, crc)
    view.setUint32(crcAt, crc, true)
    buffers[buffers.length - 1] = arena.subarray(copiedStart, write + COMMIT_FRAME_BYTES)
    return { buffers, groupBytes, crc }
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
  readonly header: GroupHeader
  readonly lastSequence: number
  readonly crc: number
}

/**
 * Reads and checks the group at the offset, in isolation: header, commit frame, sizes and CRC. Order and chain
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
  const header = decodeGroupHeader(bytes, view, offset, segmentId)
  if (header === undefined) return undefined
  const end = offset + header.groupBytes
  const bodyBytes = header.groupBytes - GROUP_HEADER_BYTES - COMMIT_FRAME_BYTES
  if (end > bytes.length || header.recordCount * LENGTH_BYTES > bodyBytes) return undefined
  const commit = decodeCommitFrame(view, end - COMMIT_FRAME_BYTES, segmentId)
  if (commit === undefined || commit.groupBytes !== header.groupBytes) return undefined
  const lastSequence = header.firstSequence + header.recordCount - 1
  if (commit.lastSequence !== lastSequence) return undefined
  if (crc32(bytes.subarray(offset, end - 4)) !== commit.crc) return undefined
  return { header, lastSequence, crc: commit.crc }
}

/** The payloads of a group that `decodeGroup` found whole, as views into the same memory. */
export function* payloadsOf(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  header: GroupHeader,
): Generator<Uint8Array> {
  let start = offset + GROUP_HEADER_BYTES + header.recordCount * LENGTH_BYTES
  for (let index = 0; index < header.recordCount; index++) {
    const length = view.getUint32(offset + GROUP_HEADER_BYTES + index * LENGTH_BYTES, true)
    yield bytes.subarray(start, start + length)
    start += length
  }
}

/** The bytes of a snapshot; drawn in docs/formats/filter-snapshot.md. */
import { InvalidInput } from '@se/core'
import { crc32c } from './crc32c.ts'
import { CorruptSnapshot } from './errors.ts'
import { Restored } from './restored.ts'

export const SNAPSHOT_VERSION = 1
export const META_BYTES_MAX = 2 ** 20
export const BLOCK_BYTES = 65_536
const MAGIC = Uint8Array.from('SECUCKOO', (letter) => letter.charCodeAt(0))
const HEADER_BYTES = 84
const CRC_BYTES = 4
const STASH_ENTRY_BYTES = 16
/** A longer part (only the stash is) is given this much memory at first, and twice as much whenever that is full. */
export const PIECE_BYTES_FIRST = 2 * META_BYTES_MAX

export type SnapshotKind = 'growing' | 'static'
const KINDS: readonly SnapshotKind[] = ['growing', 'static']
const SLOT_BYTES: Record<SnapshotKind, number> = { growing: 4, static: 2 }

/** All of a filter that is not in its slots, its stash or the caller's meta block. Fields and ranges as in the format page. */
export interface SnapshotHeader {
  readonly kind: SnapshotKind
  readonly hashBits: number
  readonly baseBits: number
  readonly bucketCount: number
  readonly bucketCountMin: number
  readonly seed: number
  readonly kickState: number
  readonly count: number
  readonly sum: bigint
  readonly occupied: number
  readonly stashEntries: number
  readonly metaBytes: number
  readonly hashProbe: bigint
  readonly falsePositiveRate: number
}

export interface StashEntry {
  readonly tag: number
  readonly base: number
  readonly copies: number
}

/** Where the slots of a snapshot come from. */
export interface SlotSource {
  /** Writes the slots from byte `offset` on, little-endian, until `block` is full. */
  readBlock(offset: number, block: DataView<ArrayBuffer>): void
}

/** Where they go to. */
export interface SnapshotTarget<Filter> {
  writeBlock(offset: number, block: DataView<ArrayBuffer>): void
  /** After the last block. */
  addStashed(entry: StashEntry): void
  /** Once, after all checksums. @throws CorruptSnapshot when the parts do not fit each other */
  finish(): Filter
}

/** Makes an empty table for a header whose checksum and ranges hold. @throws CorruptSnapshot when it will not do */
export type OpenTarget<Filter> = (header: SnapshotHeader) => SnapshotTarget<Filter>

/** Whole length in bytes of the snapshot that has this header. */
export function snapshotLength(header: SnapshotHeader): number {
  const slotBytes = slotBytesOf(header)
  const blocks = Math.ceil(slotBytes / BLOCK_BYTES)
  return (
    HEADER_BYTES +
    header.metaBytes +
    CRC_BYTES +
    slotBytes +
    blocks * CRC_BYTES +
    header.stashEntries * STASH_ENTRY_BYTES +
    CRC_BYTES +
    CRC_BYTES
  )
}

/** The snapshot in pieces of at most 64 KiB and a checksum (the meta block may be larger). Each piece is new memory. */
export function* encodeSnapshot(
  header: SnapshotHeader,
  meta: Uint8Array,
  slots: SlotSource,
  stash: Iterable<StashEntry>,
): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  let total = 0
  const seal = (piece: DataView<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    const bytes = new Uint8Array(piece.buffer)
    const end = bytes.length - CRC_BYTES
    piece.setUint32(end, crc32c(bytes, 0, end), true)
    total = crc32c(bytes, end, bytes.length, total)
    return bytes
  }

  yield seal(encodeHeader(header))

  const metaPiece = newPiece(meta.length)
  new Uint8Array(metaPiece.buffer).set(meta)
  yield seal(metaPiece)

  const slotBytes = slotBytesOf(header)
  for (let offset = 0; offset < slotBytes; offset += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, slotBytes - offset)
    const piece = newPiece(length)
    slots.readBlock(offset, new DataView(piece.buffer, 0, length))
    yield seal(piece)
  }

  const stashPiece = newPiece(header.stashEntries * STASH_ENTRY_BYTES)
  let at = 0
  for (const { tag, base, copies } of stash) {
    stashPiece.setUint32(at, tag, true)
    stashPiece.setUint32(at + 4, base, true)
    stashPiece.setBigUint64(at + 8, BigInt(copies), true)
    at += STASH_ENTRY_BYTES
  }
  yield seal(stashPiece)

  const last = new DataView(new ArrayBuffer(CRC_BYTES))
  last.setUint32(0, total, true)
  yield new Uint8Array(last.buffer)
}

/** @throws InvalidInput when it is no byte array or too long */
export function checkMeta(meta: Uint8Array): void {
  if (!(meta instanceof Uint8Array)) throw new InvalidInput('meta', 'must be a Uint8Array')
  if (meta.length > META_BYTES_MAX) {
    throw new InvalidInput('meta', `must have at most ${META_BYTES_MAX} bytes`, {
      limit: META_BYTES_MAX,
      actual: meta.length,
    })
  }
}

/**
 * Reads a snapshot that arrives in pieces of any size.
 *
 * What is read before the last checksum has been compared is not to be used: only {@link finish} hands it out.
 */
class SnapshotDecoder<Filter> {
  readonly #kind: SnapshotKind
  readonly #open: OpenTarget<Filter>
  #part: 'header' | 'meta' | 'block' | 'stash' | 'total' | 'end' = 'header'
  #piece = new Uint8Array(HEADER_BYTES)
  #pieceBytes = HEADER_BYTES
  #filled = 0
  #offset = 0
  #total = 0
  #header: SnapshotHeader | undefined
  #meta = new Uint8Array(0)
  #target: SnapshotTarget<Filter> | undefined

  constructor(kind: SnapshotKind, open: OpenTarget<Filter>) {
    this.#kind = kind
    this.#open = open
  }

  /** @throws CorruptSnapshot as soon as something is wrong; the decoder is of no use afterwards */
  push(bytes: Uint8Array): void {
    if (!(bytes instanceof Uint8Array)) throw new InvalidInput('pieces', 'must be Uint8Arrays')
    let at = 0
    while (at < bytes.length) {
      if (this.#part === 'end') throw new CorruptSnapshot('snapshot: bytes after its end')
      const length = Math.min(bytes.length - at, this.#piece.length - this.#filled)
      this.#piece.set(bytes.subarray(at, at + length), this.#filled)
      this.#filled += length
      at += length
      if (this.#filled === this.#pieceBytes) this.#endOfPiece()
      else if (this.#filled === this.#piece.length) this.#enlargePiece()
    }
  }

  /** @throws CorruptSnapshot when the end is missing or the parts do not fit each other */
  finish(): Restored<Filter> {
    if (this.#part !== 'end' || this.#target === undefined) {
      throw new CorruptSnapshot(`snapshot: cut short in its ${this.#part}`)
    }
    return new Restored(this.#target.finish(), this.#meta)
  }

  #endOfPiece(): void {
    const piece = this.#piece
    const view = new DataView(piece.buffer)
    const end = piece.length - CRC_BYTES
    if (this.#part === 'total') {
      if (view.getUint32(0, true) !== this.#total)
        throw new CorruptSnapshot('snapshot: the total checksum differs')
      this.#part = 'end'
      return
    }
    if (this.#part === 'header' && MAGIC.some((byte, index) => piece[index] !== byte)) {
      throw new CorruptSnapshot('snapshot: not a filter snapshot')
    }
    if (view.getUint32(end, true) !== crc32c(piece, 0, end)) {
      throw new CorruptSnapshot(`snapshot: the checksum of its ${this.#part} differs`, {
        details: { part: this.#part, offset: this.#offset },
      })
    }
    this.#total = crc32c(piece, end, piece.length, this.#total)

    if (this.#part === 'header') {
      const header = decodeHeader(view, this.#kind)
      this.#header = header
      this.#target = this.#open(header)
      this.#next('meta', header.metaBytes)
      return
    }
    const header = this.#header!
    const target = this.#target!
    const slotBytes = slotBytesOf(header)
    if (this.#part === 'meta') this.#meta = piece.slice(0, end)
    else if (this.#part === 'block') {
      target.writeBlock(this.#offset, new DataView(piece.buffer, 0, end))
      this.#offset += end
    } else {
      for (let at = 0; at < end; at += STASH_ENTRY_BYTES)
        target.addStashed(decodeStashEntry(view, at, header))
      this.#next('total', 0)
      return
    }
    if (this.#offset < slotBytes) this.#next('block', Math.min(BLOCK_BYTES, slotBytes - this.#offset))
    else this.#next('stash', header.stashEntries * STASH_ENTRY_BYTES)
  }

  #next(part: 'meta' | 'block' | 'stash' | 'total', length: number): void {
    this.#part = part
    this.#filled = 0
    this.#pieceBytes = length + CRC_BYTES
    const reserved = Math.min(this.#pieceBytes, PIECE_BYTES_FIRST)
    if (this.#piece.length !== reserved) this.#piece = new Uint8Array(reserved)
  }

  #enlargePiece(): void {
    const larger = new Uint8Array(Math.min(this.#pieceBytes, this.#piece.length * 2))
    larger.set(this.#piece)
    this.#piece = larger
  }
}

/** Decodes a snapshot that is all there; compares its length before anything is allocated. */
export function decodeSnapshot<Filter>(
  bytes: Uint8Array,
  kind: SnapshotKind,
  open: OpenTarget<Filter>,
): Restored<Filter> {
  if (!(bytes instanceof Uint8Array)) throw new InvalidInput('bytes', 'must be a Uint8Array')
  const decoder = new SnapshotDecoder(kind, (header) => {
    const expected = snapshotLength(header)
    if (bytes.length !== expected) {
      throw new CorruptSnapshot('snapshot: its length differs from the one its header gives', {
        details: { expected, actual: bytes.length },
      })
    }
    return open(header)
  })
  decoder.push(bytes)
  return decoder.finish()
}

/** Decodes a snapshot from pieces of any size. */
export async function decodeSnapshotStream<Filter>(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  kind: SnapshotKind,
  open: OpenTarget<Filter>,
): Promise<Restored<Filter>> {
  const decoder = new SnapshotDecoder(kind, open)
  for await (const piece of pieces) decoder.push(piece)
  return decoder.finish()
}

/** @throws CorruptSnapshot when the hash function is not the one the filter was filled with */
export function checkHash(header: SnapshotHeader, probe: bigint): void {
  if (header.hashProbe === probe) return
  throw new CorruptSnapshot('snapshot: the filter was filled with another hash function')
}

/** Joins the pieces of a snapshot. @param length of all of them */
export function joinPieces(pieces: Iterable<Uint8Array>, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function encodeHeader(header: SnapshotHeader): DataView<ArrayBuffer> {
  const view = newPiece(HEADER_BYTES - CRC_BYTES)
  new Uint8Array(view.buffer).set(MAGIC)
  view.setUint16(8, SNAPSHOT_VERSION, true)
  view.setUint8(10, KINDS.indexOf(header.kind) + 1)
  view.setUint8(11, header.hashBits)
  view.setUint8(12, header.baseBits)
  view.setUint32(16, header.bucketCount, true)
  view.setUint32(20, header.bucketCountMin, true)
  view.setUint32(24, header.seed, true)
  view.setUint32(28, header.kickState, true)
  view.setBigUint64(32, BigInt(header.count), true)
  view.setBigUint64(40, header.sum, true)
  view.setBigUint64(48, BigInt(header.occupied), true)
  view.setUint32(56, header.stashEntries, true)
  view.setUint32(60, header.metaBytes, true)
  view.setBigUint64(64, header.hashProbe, true)
  view.setFloat64(72, header.falsePositiveRate, true)
  return view
}

/** @throws CorruptSnapshot when a field is out of its range */
function decodeHeader(view: DataView, kind: SnapshotKind): SnapshotHeader {
  const version = view.getUint16(8, true)
  if (version !== SNAPSHOT_VERSION) {
    throw new CorruptSnapshot(`snapshot: version ${version}, this package reads ${SNAPSHOT_VERSION}`)
  }
  const actualKind = KINDS[view.getUint8(10) - 1]
  if (actualKind !== kind) throw new CorruptSnapshot(`snapshot: not of a ${kind} filter`)
  const isGrowing = kind === 'growing'
  const baseBits = inRange('base bits', view.getUint8(12), isGrowing ? 1 : 0, isGrowing ? 22 : 0)
  const bucketCountMin = inRange(
    'least buckets',
    view.getUint32(20, true),
    2 ** Math.max(baseBits, 1),
    2 ** 29,
  )
  const bucketCount = inRange(
    'buckets',
    view.getUint32(16, true),
    bucketCountMin,
    isGrowing ? 2 ** 29 : bucketCountMin,
  )
  if (isGrowing) inRange('least buckets beyond a power of two', bucketCountMin & (bucketCountMin - 1), 0, 0)
  for (const at of [13, 14, 15]) inRange('reserved', view.getUint8(at), 0, 0)
  return {
    kind,
    hashBits: inRange('tag bits', view.getUint8(11), 1, isGrowing ? 31 : 16),
    baseBits,
    bucketCount,
    bucketCountMin,
    seed: view.getUint32(24, true),
    kickState: inRange('kick state', view.getUint32(28, true), 1, 2 ** 32 - 1),
    count: inRange('count', Number(view.getBigUint64(32, true)), 0, Number.MAX_SAFE_INTEGER),
    sum: view.getBigUint64(40, true),
    occupied: inRange('used slots', Number(view.getBigUint64(48, true)), 0, bucketCount * 4),
    stashEntries: inRange('stash entries', view.getUint32(56, true), 0, isGrowing ? 2 ** 32 - 1 : 0),
    metaBytes: inRange('meta bytes', view.getUint32(60, true), 0, META_BYTES_MAX),
    hashProbe: view.getBigUint64(64, true),
    falsePositiveRate: inRange('rate', view.getFloat64(72, true), Number.MIN_VALUE, 1 - Number.EPSILON / 2),
  }
}

function decodeStashEntry(view: DataView, at: number, header: SnapshotHeader): StashEntry {
  return {
    tag: inRange('stash tag', view.getUint32(at, true), 1, 2 ** header.hashBits - 1),
    base: inRange('stash base', view.getUint32(at + 4, true), 0, 2 ** header.baseBits - 1),
    copies: inRange('stash copies', Number(view.getBigUint64(at + 8, true)), 1, Number.MAX_SAFE_INTEGER),
  }
}

function inRange(field: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value
  throw new CorruptSnapshot(`snapshot: ${field} out of range`, {
    details: { field, min, max, actual: value },
  })
}

function slotBytesOf(header: SnapshotHeader): number {
  return header.bucketCount * 4 * SLOT_BYTES[header.kind]
}

/** @param length without the checksum, for which there is room at the end */
function newPiece(length: number): DataView<ArrayBuffer> {
  return new DataView(new ArrayBuffer(length + CRC_BYTES))
}

import { CorruptSnapshot, SnapshotInterrupted } from './errors.ts'
import { baseBitsFor, GrowingTable, LOAD_MAX, SLOTS_PER_BUCKET } from './growing-table.ts'
import { KeyHash, type HashKey } from './key-hash.ts'
import { Membership } from './membership.ts'
import { checkAttainable, checkInteger, checkOptions, type FilterOptions } from './options.ts'
import { scrambleBase, scrambleTag, seedKeys, tagOf } from './placement.ts'
import {
  checkMeta,
  decodeSnapshot,
  encodeSnapshot,
  joinPieces,
  SnapshotDecoder,
  snapshotLength,
  type SlotSink,
  type SnapshotHeader,
} from './snapshot.ts'

/** How often the filter may double beyond its first size before the promised rate is used up: a thousandfold growth. */
export const DOUBLINGS_PROMISED = 10
/** Bits of a tag that come from the hash; the 32nd bit of a slot says on which side it lies. */
const HASH_BITS = 31
const BUCKET_COUNT_MIN = 16

/** What `fromSnapshot` gives back. */
export interface Restored<Filter> {
  readonly filter: Filter
  /** The caller's bytes, as given to `toSnapshot`. */
  readonly meta: Uint8Array
}

/** The parts of a filter; for tests that need another shape than `create` gives. */
export interface FilterParts {
  readonly table: GrowingTable
  readonly bucketCountMin: number
  readonly falsePositiveRate: number
  readonly seed: number
  readonly keyHash: KeyHash
  readonly membership: Membership
}

/**
 * A set that answers "certainly absent" or "probably present", in five bytes a key, with deletion and growth.
 *
 * `has` is never false for a key that was added and not deleted since: no add fails, and none loses another
 * key. It grows by at most one bucket an add, so no single add is slow.
 *
 * Doubles: each `add` stores one more copy, each `delete` removes one. A key added twice needs deleting twice.
 */
export class CuckooFilter {
  readonly #table: GrowingTable
  readonly #bucketCountMin: number
  readonly #falsePositiveRate: number
  readonly #seed: number
  readonly #tagKey: number
  readonly #baseKey: number
  readonly #keyHash: KeyHash
  readonly #membership: Membership
  /** Raised by every change, so that a snapshot in progress notices. */
  #revision = 0

  /** @internal use {@link CuckooFilter.create} */
  constructor(parts: FilterParts) {
    this.#table = parts.table
    this.#bucketCountMin = parts.bucketCountMin
    this.#falsePositiveRate = parts.falsePositiveRate
    this.#seed = parts.seed
    const { tagKey, baseKey } = seedKeys(parts.seed)
    this.#tagKey = tagKey
    this.#baseKey = baseKey
    this.#keyHash = parts.keyHash
    this.#membership = parts.membership
  }

  /**
   * An empty filter.
   *
   * The rate is kept up to 1,024 times the capacity: tags are always 32 bits wide, so while small the filter errs
   * far less than it may.
   *
   * @throws InvalidInput when a field is out of range, or the rate is too low to be kept that long (about 3·10⁻⁶)
   */
  static create(options: FilterOptions): CuckooFilter {
    const { capacity, falsePositiveRate, seed } = checkOptions(options)
    const bucketCount = Math.max(BUCKET_COUNT_MIN, Math.ceil((capacity + 1) / (SLOTS_PER_BUCKET * LOAD_MAX)))
    const baseBits = baseBitsFor(bucketCount)
    const table = new GrowingTable({
      hashBits: HASH_BITS,
      baseBits,
      bucketCount,
      kickState: firstKickState(seed),
    })
    const grownTo = capacity * 2 ** DOUBLINGS_PROMISED
    checkAttainable(
      falsePositiveRate,
      rateAt(grownTo, table),
      `for ${capacity} keys and a thousandfold growth`,
    )
    return new CuckooFilter({
      table,
      bucketCountMin: bucketCount,
      falsePositiveRate,
      seed,
      keyHash: new KeyHash(options.hash),
      membership: new Membership(),
    })
  }

  /**
   * Reads a snapshot.
   *
   * @param options the hash function the filter was created with, where that was not the default
   * @throws CorruptSnapshot when a bit is wrong or missing: build the filter anew
   */
  static fromSnapshot(bytes: Uint8Array, options: { readonly hash?: HashKey } = {}): Restored<CuckooFilter> {
    return decodeSnapshot(bytes, 'growing', (header) => openFilter(header, options.hash))
  }

  /** As {@link fromSnapshot}, from pieces of any size, for instance a file's read stream. */
  static async fromSnapshotStream(
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options: { readonly hash?: HashKey } = {},
  ): Promise<Restored<CuckooFilter>> {
    const decoder = new SnapshotDecoder('growing', (header) => openFilter(header, options.hash))
    for await (const piece of pieces) decoder.push(piece)
    return decoder.finish()
  }

  /** Number of keys: adds less successful deletes. */
  get size(): number {
    return this.#membership.count
  }

  /** The same as {@link size}; so called where it is compared with a digest tree's count. */
  get count(): number {
    return this.#membership.count
  }

  /** Sum modulo 2^64 of the 64-bit hashes that were added, less those deleted; u64. Equals a digest tree's membership. */
  get sum(): bigint {
    return this.#membership.sum
  }

  /** Share of slots in use, 0 … 0.85. */
  get loadFactor(): number {
    return this.#table.occupied / (this.#table.bucketCount * SLOTS_PER_BUCKET)
  }

  /** Bytes of the slots; entries of the stash are not counted. */
  get byteLength(): number {
    return this.#table.byteLength
  }

  /** Different tags that found no slot, 0 in normal use; see the README about doubles and chosen keys. */
  get stashSize(): number {
    return this.#table.stash.size
  }

  /** The rate promised at creation. */
  get falsePositiveRate(): number {
    return this.#falsePositiveRate
  }

  /** Expected share of absent keys that are answered "present" now, if all keys are different. */
  estimateFalsePositiveRate(): number {
    return rateAt(this.#membership.count, this.#table)
  }

  add(key: string): void {
    const words = this.#keyHash.of(key)
    this.addHash(words[0]!, words[1]!)
  }

  has(key: string): boolean {
    const words = this.#keyHash.of(key)
    return this.hasHash(words[0]!, words[1]!)
  }

  /**
   * Removes one copy of a key that was added.
   *
   * Deleting a key that was never added is a mistake of the caller that the filter cannot always see: where the key is a
   * false positive, a copy of another key goes. The sum then differs from a tree's, which is how it is found.
   *
   * @returns whether a copy was removed; false means that the key was certainly not there
   */
  delete(key: string): boolean {
    const words = this.#keyHash.of(key)
    return this.deleteHash(words[0]!, words[1]!)
  }

  /** Adds every key. */
  addMany(keys: Iterable<string>): void {
    for (const key of keys) this.add(key)
  }

  /**
   * As {@link add}, for a hash made elsewhere.
   *
   * @param h1 first word of the hash (u32 or i32), evenly distributed
   * @param h2 second word
   */
  addHash(h1: number, h2: number): void {
    const scrambled = scrambleTag(h1, h2, this.#tagKey)
    this.#table.add(tagOf(scrambled, this.#table.hashBits), scrambleBase(h1, scrambled, this.#baseKey))
    this.#membership.add(h1, h2)
    this.#revision++
  }

  /** As {@link has}, for a hash made elsewhere. */
  hasHash(h1: number, h2: number): boolean {
    const scrambled = scrambleTag(h1, h2, this.#tagKey)
    return this.#table.has(tagOf(scrambled, this.#table.hashBits), scrambleBase(h1, scrambled, this.#baseKey))
  }

  /** As {@link delete}, for a hash made elsewhere. */
  deleteHash(h1: number, h2: number): boolean {
    const scrambled = scrambleTag(h1, h2, this.#tagKey)
    const tag = tagOf(scrambled, this.#table.hashBits)
    if (!this.#table.delete(tag, scrambleBase(h1, scrambled, this.#baseKey))) return false
    this.#membership.subtract(h1, h2)
    this.#revision++
    return true
  }

  /**
   * Gives memory back after many deletes, down to the size for the present keys, never below the size at creation.
   *
   * @param stepsMax buckets to give back at most in this call (each takes about as long as an add); default: all
   * @returns whether nothing is left to give back
   */
  shrink(stepsMax: number = Number.MAX_SAFE_INTEGER): boolean {
    checkInteger('stepsMax', stepsMax, 1, Number.MAX_SAFE_INTEGER)
    this.#revision++
    return this.#table.shrink(this.#bucketCountMin, stepsMax)
  }

  /**
   * The whole filter as bytes; drawn in docs/formats/filter-snapshot.md.
   *
   * @param meta anything the caller wants back with it, at most 1 MiB
   */
  toSnapshot(meta: Uint8Array = new Uint8Array(0)): Uint8Array {
    checkMeta(meta)
    return joinPieces(this.snapshotPieces(meta), snapshotLength(this.#header(meta)))
  }

  /**
   * The same bytes in pieces of some 64 KiB, for large filters.
   *
   * @throws SnapshotInterrupted from the iterator, when the filter was changed since the first piece
   */
  *snapshotPieces(meta: Uint8Array = new Uint8Array(0)): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    checkMeta(meta)
    const revision = this.#revision
    const table = this.#table
    const slots = { readBlock: (offset: number, block: DataView) => readWords(table, offset, block) }
    for (const piece of encodeSnapshot(this.#header(meta), meta, slots, table.stash.entries())) {
      if (this.#revision !== revision) {
        throw new SnapshotInterrupted('the filter was changed while a snapshot of it was being read')
      }
      yield piece
    }
  }

  #header(meta: Uint8Array): SnapshotHeader {
    const table = this.#table
    return {
      kind: 'growing',
      hashBits: table.hashBits,
      baseBits: table.baseBits,
      bucketCount: table.bucketCount,
      bucketCountMin: this.#bucketCountMin,
      seed: this.#seed,
      kickState: table.kickState,
      count: this.#membership.count,
      sum: this.#membership.sum,
      occupied: table.occupied,
      stashEntries: table.stash.size,
      metaBytes: meta.length,
      hashProbe: this.#keyHash.probe(),
      falsePositiveRate: this.#falsePositiveRate,
    }
  }
}

/** First state of the generator that picks residents to move. @returns non-zero u32 */
export function firstKickState(seed: number): number {
  return (seed ^ 0x2545f491) >>> 0 || 1
}

/**
 * Expected false-positive rate with this many different keys: that a stranger has the same tag and base as one of them.
 *
 * Tag 0 is stored as 1, which makes equal tags a little likelier than 2^-bits.
 */
function rateAt(keys: number, table: GrowingTable): number {
  const tags = 2 ** table.hashBits
  const samePair = (tags + 2) / tags ** 2 / 2 ** table.baseBits
  return -Math.expm1(-keys * samePair)
}

function openFilter(
  header: SnapshotHeader,
  hash: HashKey | undefined,
): { sink: SlotSink; finish: () => CuckooFilter } {
  const keyHash = new KeyHash(hash)
  if (keyHash.probe() !== header.hashProbe) {
    throw new CorruptSnapshot('snapshot: the filter was filled with another hash function')
  }
  const table = new GrowingTable(header)
  let stashedCopies = 0
  return {
    sink: {
      writeBlock: (offset, block) => writeWords(table, offset, block),
      addStashed({ tag, base, copies }) {
        table.stash.add(tag, base, copies)
        stashedCopies += copies
      },
    },
    finish() {
      const wrong = table.recount()
      if (wrong !== undefined) throw new CorruptSnapshot(`snapshot: ${wrong}`)
      if (
        table.occupied !== header.occupied ||
        table.stash.size !== header.stashEntries ||
        table.occupied + stashedCopies !== header.count
      ) {
        throw new CorruptSnapshot('snapshot: its counts do not fit its slots')
      }
      return new CuckooFilter({
        table,
        bucketCountMin: header.bucketCountMin,
        falsePositiveRate: header.falsePositiveRate,
        seed: header.seed,
        keyHash,
        membership: new Membership(header.count, header.sum),
      })
    },
  }
}

const BUCKET_BYTES = SLOTS_PER_BUCKET * 4

function readWords(table: GrowingTable, offset: number, block: DataView): void {
  const from = offset / BUCKET_BYTES
  const words = table.words(from, from + block.byteLength / BUCKET_BYTES)
  for (let index = 0; index < words.length; index++) block.setInt32(index * 4, words[index]!, true)
}

function writeWords(table: GrowingTable, offset: number, block: DataView): void {
  const from = offset / BUCKET_BYTES
  const words = table.words(from, from + block.byteLength / BUCKET_BYTES)
  for (let index = 0; index < words.length; index++) words[index] = block.getInt32(index * 4, true)
}

import { CorruptSnapshot } from './errors.ts'
import { baseBitsFor, growAbove, GrowingTable, SLOTS_PER_BUCKET } from './growing-table.ts'
import { KeyHash, type HashKey } from './key-hash.ts'
import { KeyedFilter, type KeyedFilterParts, type SnapshotState } from './keyed-filter.ts'
import { Membership } from './membership.ts'
import {
  checkAttainable,
  checkInteger,
  checkKeys,
  readFilterOptions,
  readRestoreOptions,
  type FilterOptions,
  type RestoreOptions,
} from './options.ts'
import { firstKickState, scrambleBase, scrambleTag, tagOf } from './placement.ts'
import type { Restored } from './restored.ts'
import {
  checkHash,
  decodeSnapshot,
  decodeSnapshotStream,
  type SnapshotHeader,
  type SnapshotTarget,
} from './snapshot.ts'

/** How often the filter may double beyond its first size before the promised rate is used up: a thousandfold growth. */
const DOUBLINGS_PROMISED = 10
/** Bits of a tag that come from the hash; the 32nd bit of a slot says on which side it lies. */
const HASH_BITS = 31
const BUCKET_COUNT_MIN = 16
const BUCKET_BYTES = SLOTS_PER_BUCKET * 4

/** Parts of a growing filter; tests make other shapes than `create` does. */
export interface CuckooFilterParts extends KeyedFilterParts {
  readonly table: GrowingTable
  readonly bucketCountMin: number
}

/**
 * A set that answers "certainly absent" or "probably present", in 4.5 to 9 bytes a key, with deletion and growth.
 *
 * `has` is never false for a key that was added and not deleted since: no add fails, and none loses another
 * key. It grows by at most four buckets an add, so no single add is slow.
 *
 * Doubles: each `add` stores one more copy, each `delete` removes one. A key added twice needs deleting twice.
 */
export class CuckooFilter extends KeyedFilter {
  readonly #table: GrowingTable
  readonly #bucketCountMin: number

  /** @internal use {@link CuckooFilter.create} */
  constructor(parts: CuckooFilterParts) {
    super(parts)
    this.#table = parts.table
    this.#bucketCountMin = parts.bucketCountMin
  }

  /**
   * An empty filter.
   *
   * The rate is kept up to 1,024 times the capacity: tags are always 32 bits wide, so while small the filter errs
   * far less than it may.
   *
   * @throws InvalidInput when a field is out of range, or the rate is too low to be kept that long (some 10⁻⁶)
   * @throws OutOfMemory when the platform has no memory for the capacity
   */
  static create(options: FilterOptions): CuckooFilter {
    const { capacity, falsePositiveRate, seed, hash } = readFilterOptions(options)
    const bucketCount = bucketCountFor(capacity)
    const table = new GrowingTable({
      hashBits: HASH_BITS,
      baseBits: baseBitsFor(bucketCount),
      bucketCount,
      kickState: firstKickState(seed),
    })
    const rateMin = rateAt(capacity * 2 ** DOUBLINGS_PROMISED, table)
    checkAttainable(falsePositiveRate, rateMin, `for ${capacity} keys and a thousandfold growth`)
    return new CuckooFilter({
      table,
      bucketCountMin: bucketCount,
      falsePositiveRate,
      seed,
      keyHash: new KeyHash(hash),
      membership: new Membership(),
    })
  }

  /**
   * Reads a snapshot.
   *
   * @param options the hash function the filter was created with, where that was not the default
   * @throws CorruptSnapshot when a bit is wrong or missing: build the filter anew
   * @throws OutOfMemory when the platform has no memory for its slots
   */
  static fromSnapshot(bytes: Uint8Array, options: RestoreOptions = {}): Restored<CuckooFilter> {
    const { hash } = readRestoreOptions(options)
    return decodeSnapshot(bytes, 'growing', (header) => openFilter(header, hash))
  }

  /**
   * As {@link fromSnapshot}, from pieces of any size, for instance a file's read stream. Memory is taken as the pieces arrive.
   *
   * @throws InvalidInput when a piece is no Uint8Array
   */
  static async fromSnapshotStream(
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options: RestoreOptions = {},
  ): Promise<Restored<CuckooFilter>> {
    const { hash } = readRestoreOptions(options)
    return decodeSnapshotStream(pieces, 'growing', (header) => openFilter(header, hash))
  }

  get loadFactor(): number {
    return this.#table.occupied / (this.#table.bucketCount * SLOTS_PER_BUCKET)
  }

  get byteLength(): number {
    return this.#table.byteLength
  }

  /** Different tags that found no slot, 0 in normal use; see the README about doubles and chosen keys. */
  get stashSize(): number {
    return this.#table.stash.size
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), stashSize: this.stashSize }
  }

  estimateFalsePositiveRate(): number {
    return rateAt(this.membership.count, this.#table)
  }

  /** Stores one more copy of a key. Never fails: when there is no memory to grow, keys wait in the stash. */
  add(key: string): void {
    const words = this.keyHash.of(key)
    this.addHash(words[0]!, words[1]!)
  }

  /** Adds every key. */
  addMany(keys: Iterable<string>): void {
    checkKeys(keys)
    for (const key of keys) this.add(key)
  }

  /**
   * As {@link add}, for a hash made elsewhere.
   *
   * @param h1 first word of the hash (u32 or i32), evenly distributed
   * @param h2 second word
   */
  addHash(h1: number, h2: number): void {
    const scrambled = scrambleTag(h1, h2, this.tagKey)
    this.#table.add(tagOf(scrambled, this.#table.hashBits), scrambleBase(h1, scrambled, this.baseKey))
    this.membership.add(h1, h2)
    this.revision++
  }

  hasHash(h1: number, h2: number): boolean {
    const scrambled = scrambleTag(h1, h2, this.tagKey)
    return this.#table.has(tagOf(scrambled, this.#table.hashBits), scrambleBase(h1, scrambled, this.baseKey))
  }

  deleteHash(h1: number, h2: number): boolean {
    const scrambled = scrambleTag(h1, h2, this.tagKey)
    const tag = tagOf(scrambled, this.#table.hashBits)
    this.revision++
    if (!this.#table.delete(tag, scrambleBase(h1, scrambled, this.baseKey))) return false
    this.membership.subtract(h1, h2)
    return true
  }

  /**
   * Gives memory back after many deletes, down to the size for the present keys, never below the size at creation.
   *
   * @param stepsMax buckets to give back at most in this call (each takes about as long as an add); default: all
   * @returns whether nothing is left to give back
   * @throws InvalidInput when `stepsMax` is no integer above 0
   */
  shrink(stepsMax: number = Number.MAX_SAFE_INTEGER): boolean {
    checkInteger('stepsMax', stepsMax, 1, Number.MAX_SAFE_INTEGER)
    this.revision++
    return this.#table.shrink(this.#bucketCountMin, stepsMax)
  }

  protected override get shownName(): string {
    return 'CuckooFilter'
  }

  protected override snapshotState(): SnapshotState {
    const table = this.#table
    return {
      shape: {
        kind: 'growing',
        hashBits: table.hashBits,
        baseBits: table.baseBits,
        bucketCount: table.bucketCount,
        bucketCountMin: this.#bucketCountMin,
        kickState: table.kickState,
        occupied: table.occupied,
        stashEntries: table.stash.size,
      },
      slots: {
        readBlock(offset, block) {
          let at = 0
          for (const words of wordsAt(table, offset, block)) {
            for (let index = 0; index < words.length; index++, at += 4)
              block.setInt32(at, words[index]!, true)
          }
        },
      },
      stash: table.stash.entries(),
    }
  }
}

function openFilter(header: SnapshotHeader, hash: HashKey | undefined): SnapshotTarget<CuckooFilter> {
  const keyHash = new KeyHash(hash)
  checkHash(header, keyHash.probe())
  const table = new GrowingTable(header, 2 ** header.baseBits)
  let stashedCopies = 0
  return {
    writeBlock(offset, block) {
      table.reserve((offset + block.byteLength) / BUCKET_BYTES)
      let at = 0
      for (const words of wordsAt(table, offset, block)) {
        for (let index = 0; index < words.length; index++, at += 4) words[index] = block.getInt32(at, true)
      }
    },
    addStashed({ tag, base, copies }) {
      table.stash.add(tag, base, copies)
      stashedCopies += copies
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

/** The slots that a block at a byte offset holds. */
function wordsAt(table: GrowingTable, offset: number, block: DataView): Iterable<Int32Array> {
  const from = offset / BUCKET_BYTES
  return table.words(from, from + block.byteLength / BUCKET_BYTES)
}

/** The smallest power of two that holds so many keys without growing. */
function bucketCountFor(capacity: number): number {
  let bucketCount = BUCKET_COUNT_MIN
  while (capacity > growAbove(bucketCount)) bucketCount *= 2
  return bucketCount
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

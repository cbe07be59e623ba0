import { CorruptSnapshot } from './errors.ts'
import { KeyHash, type HashKey } from './key-hash.ts'
import { KeyedFilter, type KeyedFilterParts, type SnapshotState } from './keyed-filter.ts'
import { Membership } from './membership.ts'
import {
  checkAttainable,
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
import { StaticTable } from './static-table.ts'

const HASH_BITS = 16
const SLOTS_PER_BUCKET = 4
const BUCKET_BYTES = SLOTS_PER_BUCKET * 2
/** A snapshot is given this many buckets at first, 16 MiB, and more as its bytes arrive. */
const BUCKETS_RESERVED = 2 ** 21
/** Share of the slots that the capacity uses: 500 moves find a place up to about 97 %. */
const LOAD_AT_CAPACITY = 0.94
/** Buckets on top: in a small table chance is coarse. */
const SPARE_BUCKETS = 12

/** Parts of a static filter; tests make other shapes than `create` does. */
export interface StaticCuckooFilterParts extends KeyedFilterParts {
  readonly table: StaticTable
}

/** What became of an add: `full` means that the key is not in the filter, and that nothing else has changed. */
export type AddOutcome = 'added' | 'full'

/**
 * A cuckoo filter of a fixed size and 16-bit tags, for where memory counts: 2.13 bytes a key.
 *
 * It never loses a key either, but it does not grow: when it has no place, `add` says `full`. That does not happen
 * before the capacity is reached, if the keys are different and were not chosen to collide.
 *
 * Doubles: each `add` stores one more copy, at most eight of a key; each `delete` removes one.
 */
export class StaticCuckooFilter extends KeyedFilter {
  readonly #table: StaticTable

  /** @internal use {@link StaticCuckooFilter.create} */
  constructor(parts: StaticCuckooFilterParts) {
    super(parts)
    this.#table = parts.table
  }

  /**
   * @throws InvalidInput when a field is out of range, or the rate is below that of 16-bit tags (1.2·10⁻⁴)
   * @throws OutOfMemory when the platform has no memory for the capacity
   */
  static create(options: FilterOptions): StaticCuckooFilter {
    const { capacity, falsePositiveRate, seed, hash } = readFilterOptions(options)
    const table = new StaticTable({
      hashBits: HASH_BITS,
      bucketCount: Math.ceil(capacity / (SLOTS_PER_BUCKET * LOAD_AT_CAPACITY)) + SPARE_BUCKETS,
      kickState: firstKickState(seed),
    })
    checkAttainable(falsePositiveRate, rateAt(capacity, table), 'with 16-bit tags')
    return new StaticCuckooFilter({
      table,
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
  static fromSnapshot(bytes: Uint8Array, options: RestoreOptions = {}): Restored<StaticCuckooFilter> {
    const { hash } = readRestoreOptions(options)
    return decodeSnapshot(bytes, 'static', (header) => openFilter(header, hash))
  }

  /**
   * As {@link fromSnapshot}, from pieces of any size, for instance a file's read stream. Memory is taken as the pieces arrive.
   *
   * @throws InvalidInput when a piece is no Uint8Array
   */
  static async fromSnapshotStream(
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options: RestoreOptions = {},
  ): Promise<Restored<StaticCuckooFilter>> {
    const { hash } = readRestoreOptions(options)
    return decodeSnapshotStream(pieces, 'static', (header) => openFilter(header, hash))
  }

  get loadFactor(): number {
    return this.#table.occupied / (this.#table.bucketCount * SLOTS_PER_BUCKET)
  }

  get byteLength(): number {
    return this.#table.byteLength
  }

  estimateFalsePositiveRate(): number {
    return rateAt(this.membership.count, this.#table)
  }

  /** Stores one more copy of a key, if there is room. */
  add(key: string): AddOutcome {
    const words = this.keyHash.of(key)
    return this.addHash(words[0]!, words[1]!)
  }

  /** Adds keys in order until one finds no place. @returns how many were added */
  addMany(keys: Iterable<string>): number {
    checkKeys(keys)
    let added = 0
    for (const key of keys) {
      if (this.add(key) === 'full') break
      added++
    }
    return added
  }

  /**
   * As {@link add}, for a hash made elsewhere.
   *
   * @param h1 first word of the hash (u32 or i32), evenly distributed
   * @param h2 second word
   */
  addHash(h1: number, h2: number): AddOutcome {
    const scrambled = scrambleTag(h1, h2, this.tagKey)
    const base = scrambleBase(h1, scrambled, this.baseKey)
    if (!this.#table.add(tagOf(scrambled, this.#table.hashBits), base)) return 'full'
    this.membership.add(h1, h2)
    this.revision++
    return 'added'
  }

  hasHash(h1: number, h2: number): boolean {
    const scrambled = scrambleTag(h1, h2, this.tagKey)
    return this.#table.has(tagOf(scrambled, this.#table.hashBits), scrambleBase(h1, scrambled, this.baseKey))
  }

  deleteHash(h1: number, h2: number): boolean {
    const scrambled = scrambleTag(h1, h2, this.tagKey)
    const tag = tagOf(scrambled, this.#table.hashBits)
    if (!this.#table.delete(tag, scrambleBase(h1, scrambled, this.baseKey))) return false
    this.membership.subtract(h1, h2)
    this.revision++
    return true
  }

  protected override get shownName(): string {
    return 'StaticCuckooFilter'
  }

  protected override snapshotState(): SnapshotState {
    const table = this.#table
    return {
      shape: {
        kind: 'static',
        hashBits: table.hashBits,
        baseBits: 0,
        bucketCount: table.bucketCount,
        bucketCountMin: table.bucketCount,
        kickState: table.kickState,
        occupied: table.occupied,
        stashEntries: 0,
      },
      slots: {
        readBlock(offset, block) {
          const tags = tagsAt(table, offset, block)
          for (let index = 0; index < tags.length; index++) block.setUint16(index * 2, tags[index]!, true)
        },
      },
      stash: [],
    }
  }
}

function openFilter(header: SnapshotHeader, hash: HashKey | undefined): SnapshotTarget<StaticCuckooFilter> {
  const keyHash = new KeyHash(hash)
  checkHash(header, keyHash.probe())
  const table = new StaticTable(header, Math.min(header.bucketCount, BUCKETS_RESERVED))
  return {
    writeBlock(offset, block) {
      table.reserve((offset + block.byteLength) / BUCKET_BYTES)
      const tags = tagsAt(table, offset, block)
      for (let index = 0; index < tags.length; index++) tags[index] = block.getUint16(index * 2, true)
    },
    addStashed: () => undefined,
    finish() {
      const wrong = table.recount()
      if (wrong !== undefined) throw new CorruptSnapshot(`snapshot: ${wrong}`)
      if (table.occupied !== header.occupied || table.occupied !== header.count) {
        throw new CorruptSnapshot('snapshot: its counts do not fit its slots')
      }
      return new StaticCuckooFilter({
        table,
        falsePositiveRate: header.falsePositiveRate,
        seed: header.seed,
        keyHash,
        membership: new Membership(header.count, header.sum),
      })
    },
  }
}

/** The slots that a block at a byte offset holds. */
function tagsAt(table: StaticTable, offset: number, block: DataView): Uint16Array {
  const from = offset / BUCKET_BYTES
  return table.tags(from, from + block.byteLength / BUCKET_BYTES)
}

/** Expected false-positive rate with this many different keys: that one in two buckets has the stranger's tag. */
function rateAt(keys: number, table: StaticTable): number {
  const tags = 2 ** table.hashBits
  const sameTag = (tags + 2) / tags ** 2
  return -Math.expm1((-2 * keys * sameTag) / table.bucketCount)
}

import { nextKickState, scaleTo, spread } from './placement.ts'
import { newSlots } from './slots.ts'

const SLOTS_PER_BUCKET = 4
const KICKS_MAX = 500

/**
 * The other bucket of a tag in a table of any size.
 *
 * The sum of both is a number that follows from the tag, modulo the number of buckets: so the relation is its own
 * inverse for every number of buckets. XOR is that only for powers of two, and a static table takes the size
 * that its capacity needs.
 *
 * @param bucket in [0, bucketCount)
 * @param tag non-zero
 */
export function alternateBucket(bucket: number, tag: number, bucketCount: number): number {
  const other = scaleTo(spread(tag), bucketCount) - bucket
  return other < 0 ? other + bucketCount : other
}

/** A multiset of 16-bit tags in buckets of four, of a fixed size. */
export class StaticTable {
  /** Bits of a tag, 1 … 16. */
  readonly hashBits: number
  readonly bucketCount: number
  #slots: Uint16Array
  /** Slots and former tags along a chain of moves, to take it back. */
  readonly #pathSlots = new Int32Array(KICKS_MAX)
  readonly #pathTags = new Uint16Array(KICKS_MAX)
  #occupied = 0
  #kickState: number

  /**
   * @param reserved buckets to take memory for now, 1 … `bucketCount`; the others by {@link reserve} before the table is used
   * @throws OutOfMemory
   */
  constructor(
    shape: {
      readonly hashBits: number
      readonly bucketCount: number
      readonly kickState: number
    },
    reserved: number = shape.bucketCount,
  ) {
    this.hashBits = shape.hashBits
    this.bucketCount = shape.bucketCount
    this.#slots = newSlots(Uint16Array, reserved * SLOTS_PER_BUCKET)
    this.#kickState = shape.kickState
  }

  get occupied(): number {
    return this.#occupied
  }

  get kickState(): number {
    return this.#kickState
  }

  get byteLength(): number {
    return this.#slots.byteLength
  }

  has(tag: number, base: number): boolean {
    const bucket = scaleTo(base, this.bucketCount)
    return this.#holds(bucket, tag) || this.#holds(alternateBucket(bucket, tag, this.bucketCount), tag)
  }

  /** @returns false when no place was found; the table is then as it was */
  add(tag: number, base: number): boolean {
    const bucket = scaleTo(base, this.bucketCount)
    if (this.#put(bucket, tag)) return true
    const other = alternateBucket(bucket, tag, this.bucketCount)
    return this.#put(other, tag) || this.#kick(other, tag)
  }

  /** Removes one copy. @returns whether there was one */
  delete(tag: number, base: number): boolean {
    const bucket = scaleTo(base, this.bucketCount)
    return this.#take(bucket, tag) || this.#take(alternateBucket(bucket, tag, this.bucketCount), tag)
  }

  /** Takes memory for so many buckets, and for as many again up to `bucketCount`. @throws OutOfMemory */
  reserve(bucketCount: number): void {
    const { length } = this.#slots
    if (bucketCount * SLOTS_PER_BUCKET <= length) return
    const larger = newSlots(
      Uint16Array,
      Math.min(this.bucketCount * SLOTS_PER_BUCKET, Math.max(bucketCount * SLOTS_PER_BUCKET, length * 2)),
    )
    larger.set(this.#slots)
    this.#slots = larger
  }

  /** The tags of buckets `from` … `to` − 1, as a view. */
  tags(from: number, to: number): Uint16Array {
    return this.#slots.subarray(from * SLOTS_PER_BUCKET, to * SLOTS_PER_BUCKET)
  }

  /**
   * Counts what was written through {@link tags}, after a restore.
   *
   * @returns undefined when every tag is one, else what is wrong
   */
  recount(): string | undefined {
    const tagMax = 2 ** this.hashBits - 1
    let occupied = 0
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const tag = this.#slots[slot]!
      if (tag > tagMax) return `slot ${slot} holds what is no tag`
      if (tag !== 0) occupied++
    }
    this.#occupied = occupied
    return undefined
  }

  #holds(bucket: number, tag: number): boolean {
    const slots = this.#slots
    const at = bucket * SLOTS_PER_BUCKET
    return slots[at] === tag || slots[at + 1] === tag || slots[at + 2] === tag || slots[at + 3] === tag
  }

  #put(bucket: number, tag: number): boolean {
    return this.#replace(bucket, 0, tag, 1)
  }

  #take(bucket: number, tag: number): boolean {
    return this.#replace(bucket, tag, 0, -1)
  }

  #replace(bucket: number, from: number, to: number, change: number): boolean {
    const slots = this.#slots
    const at = bucket * SLOTS_PER_BUCKET
    if (slots[at] === from) slots[at] = to
    else if (slots[at + 1] === from) slots[at + 1] = to
    else if (slots[at + 2] === from) slots[at + 2] = to
    else if (slots[at + 3] === from) slots[at + 3] = to
    else return false
    this.#occupied += change
    return true
  }

  /** Moves residents from bucket to bucket until one finds a free slot; takes all moves back when none does. */
  #kick(bucket: number, tag: number): boolean {
    for (let kicks = 0; kicks < KICKS_MAX; kicks++) {
      this.#kickState = nextKickState(this.#kickState)
      const slot = bucket * SLOTS_PER_BUCKET + (this.#kickState >>> 30)
      const victim = this.#slots[slot]!
      this.#slots[slot] = tag
      this.#pathSlots[kicks] = slot
      this.#pathTags[kicks] = victim
      tag = victim
      bucket = alternateBucket(bucket, tag, this.bucketCount)
      if (this.#put(bucket, tag)) return true
    }
    for (let kicks = KICKS_MAX - 1; kicks >= 0; kicks--) {
      this.#slots[this.#pathSlots[kicks]!] = this.#pathTags[kicks]!
    }
    return false
  }
}

import { OutOfMemory } from './errors.ts'
import { BASE_BITS_MAX, nextKickState, residentIndex, spread, wideMaskOf } from './placement.ts'
import { newSlots } from './slots.ts'
import { Stash } from './stash.ts'

/** Slots of one bucket: 16 bytes, so a bucket never straddles two cache lines. */
export const SLOTS_PER_BUCKET = 4
/** The largest table: 2^29 buckets, 8 GiB. Beyond it tags go to the stash. */
export const BUCKET_COUNT_MAX = 2 ** 29
/**
 * The table begins to double above this share of used slots. Four slots and two buckets carry 97 %; up to here an
 * add moves few residents (figures in the README).
 */
const LOAD_MAX = 0.9
/**
 * Once begun, doubling goes on above this share of that mark, so that deletes may stop it and a table that
 * was shrunk does not grow again at once. Between two powers of two half of the buckets draw twice as many tags
 * as the others, and adds get dear: that state is left quickly.
 */
const KEEP_GROWING_ABOVE = 0.8
/** Shrinking stops where the smaller table would be fuller than this share of that mark. */
const SHRINK_BELOW = 0.75
/** Buckets that one add splits while the table doubles: a table of n slots has doubled n / 16 adds later. */
const SPLITS_PER_ADD = 4
/** How many residents one `add` moves before the last one waits in the stash. */
const KICKS_MAX = 200
/** As many for a tag that already waits there: every change tries one, and some will never find a place. */
const STASH_KICKS_MAX = 4

/** Shape and counters of a table: all of it that is not in its slots. */
export interface TableShape {
  /** Bits of a tag that come from the hash, 1 … 31; the stored word has one more, which says the side. */
  readonly hashBits: number
  /** Low index bits that are not in the tag, 1 … 22. The table never has fewer than 2^baseBits buckets. */
  readonly baseBits: number
  /** Current buckets, 2^baseBits … 2^29. */
  readonly bucketCount: number
  /** State of the generator that picks which resident moves, non-zero u32. */
  readonly kickState: number
}

/** Index bits from the base for a table that starts with this many buckets: as many as are always addressed. */
export function baseBitsFor(bucketCount: number): number {
  return Math.min(31 - Math.clz32(bucketCount), BASE_BITS_MAX)
}

/**
 * A multiset of (tag, base) pairs in buckets of four, that doubles and halves bucket by bucket.
 *
 * It is exact: `has` is true for exactly those pairs that were added more often than deleted, whatever moved,
 * grew or shrank in between. All false positives come from two keys with the same pair.
 *
 * A slot holds 0 (empty) or `tag << 1 | side`. Invariant: the resident's full index, folded to the
 * current bucket count, is the bucket it lies in.
 */
export class GrowingTable {
  readonly hashBits: number
  readonly baseBits: number
  readonly stash: Stash
  readonly #baseMask: number
  /**
   * Slab 0 holds the first 2^baseBits buckets, each further one as many as all before it: nothing is copied when the table
   * grows, and there are so few that a processor has them all at hand.
   */
  readonly #slabs: Int32Array[] = []
  #bucketCount: number
  #wideMask: number
  #narrowMask: number
  #growAbove: number
  #occupied = 0
  #kickState: number

  /**
   * @param reserved buckets to take memory for now, 2^baseBits … `bucketCount`; the others by {@link reserve} before they are used
   * @throws OutOfMemory
   */
  constructor(shape: TableShape, reserved: number = shape.bucketCount) {
    this.hashBits = shape.hashBits
    this.baseBits = shape.baseBits
    this.#baseMask = 2 ** shape.baseBits - 1
    this.#kickState = shape.kickState
    this.stash = new Stash(shape.baseBits)
    this.reserve(reserved)
    this.#bucketCount = shape.bucketCount
    this.#wideMask = wideMaskOf(shape.bucketCount)
    this.#narrowMask = this.#wideMask >>> 1
    this.#growAbove = growMark(shape.bucketCount)
  }

  get bucketCount(): number {
    return this.#bucketCount
  }

  get kickState(): number {
    return this.#kickState
  }

  /** Used slots, the stash not counted. */
  get occupied(): number {
    return this.#occupied
  }

  /** Bytes of all slabs. */
  get byteLength(): number {
    return this.#slabs.reduce((sum, slab) => sum + slab.byteLength, 0)
  }

  has(tag: number, base: number): boolean {
    const index = (base & this.#baseMask) | (tag << this.baseBits)
    let bucket = this.#fold(index)
    let slab = this.#slabOf(bucket)
    let at = (bucket << 2) & (slab.length - 1)
    let word = tag << 1
    if (slab[at] === word || slab[at + 1] === word || slab[at + 2] === word || slab[at + 3] === word) {
      return true
    }
    bucket = this.#fold(index ^ spread(tag))
    slab = this.#slabOf(bucket)
    at = (bucket << 2) & (slab.length - 1)
    word |= 1
    if (slab[at] === word || slab[at + 1] === word || slab[at + 2] === word || slab[at + 3] === word) {
      return true
    }
    return this.stash.size > 0 && this.stash.has(tag, base & this.#baseMask)
  }

  /** Stores one more copy. Moves at most 200 residents and splits at most four buckets. */
  add(tag: number, base: number): void {
    if (this.stash.size > 0) this.#placeOneOfStash()
    this.#place(tag, base, KICKS_MAX)
    if (this.#occupied + this.stash.size > this.#growAbove) this.#grow()
  }

  /** Removes one copy. @returns whether there was one */
  delete(tag: number, base: number): boolean {
    const index = (base & this.#baseMask) | (tag << this.baseBits)
    const word = tag << 1
    const isRemoved =
      this.#take(this.#fold(index), word) ||
      this.#take(this.#fold(index ^ spread(tag)), word | 1) ||
      (this.stash.size > 0 && this.stash.delete(tag, base & this.#baseMask))
    if (this.stash.size > 0) this.#placeOneOfStash()
    return isRemoved
  }

  /**
   * Gives back buckets, from the last one down, until the table is the smallest power of two with room to spare.
   *
   * @param bucketCountMin never fewer than these, and never fewer than 2^baseBits; a power of two
   * @param stepsMax buckets to give back at most; each costs about as much as one add
   * @returns whether nothing is left to give back
   */
  shrink(bucketCountMin: number, stepsMax: number): boolean {
    let target = Math.max(bucketCountMin, this.#baseMask + 1)
    while (this.#occupied + this.stash.size > growAbove(target) * SHRINK_BELOW) target *= 2
    for (let step = 0; this.#bucketCount > target; step++) {
      if (step >= stepsMax) return false
      this.#merge()
    }
    return true
  }

  /**
   * Makes sure that there are slabs for so many buckets. New ones are zero, and touched only where they are used.
   *
   * @throws OutOfMemory; nothing has changed for the buckets there are
   */
  reserve(bucketCount: number): void {
    for (let number = this.#slabs.length; this.#firstOf(number) < bucketCount; number++) {
      const buckets = number === 0 ? 2 ** this.baseBits : this.#firstOf(number)
      this.#slabs.push(newSlots(Int32Array, buckets * SLOTS_PER_BUCKET))
    }
  }

  /** The words of buckets `from` … `to` − 1 as consecutive views; to be used before the next change. */
  *words(from: number, to: number): Generator<Int32Array, void, undefined> {
    while (from < to) {
      const slab = this.#slabOf(from)
      const start = (from << 2) & (slab.length - 1)
      const buckets = Math.min(to - from, (slab.length - start) / SLOTS_PER_BUCKET)
      yield slab.subarray(start, start + buckets * SLOTS_PER_BUCKET)
      from += buckets
    }
  }

  /**
   * Counts what was written through {@link words}, after a restore.
   *
   * @returns undefined when all of it could have been put there by `add`, else what is wrong
   */
  recount(): string | undefined {
    const wordMax = 2 ** (this.hashBits + 1)
    let occupied = 0
    for (let bucket = 0; bucket < this.#bucketCount; bucket++) {
      const slab = this.#slabOf(bucket)
      const at = (bucket << 2) & (slab.length - 1)
      for (let slot = at; slot < at + SLOTS_PER_BUCKET; slot++) {
        const word = slab[slot]!
        if (word === 0) continue
        occupied++
        const tag = word >>> 1
        if (tag === 0 || word >>> 0 >= wordMax) return `bucket ${bucket} holds a word that is no tag`
        if (this.#fold(residentIndex(bucket, tag, word & 1, this.baseBits)) !== bucket) {
          return `bucket ${bucket} holds a tag that belongs elsewhere`
        }
      }
    }
    this.#occupied = occupied
    return undefined
  }

  #fold(index: number): number {
    const bucket = index & this.#wideMask
    return bucket < this.#bucketCount ? bucket : bucket & this.#narrowMask
  }

  /** Puts a word into a free slot of a bucket. @returns false when there is none */
  #put(bucket: number, word: number): boolean {
    const slab = this.#slabOf(bucket)
    const at = (bucket << 2) & (slab.length - 1)
    if (slab[at] === 0) slab[at] = word
    else if (slab[at + 1] === 0) slab[at + 1] = word
    else if (slab[at + 2] === 0) slab[at + 2] = word
    else if (slab[at + 3] === 0) slab[at + 3] = word
    else return false
    this.#occupied++
    return true
  }

  #take(bucket: number, word: number): boolean {
    const slab = this.#slabOf(bucket)
    const at = (bucket << 2) & (slab.length - 1)
    if (slab[at] === word) slab[at] = 0
    else if (slab[at + 1] === word) slab[at + 1] = 0
    else if (slab[at + 2] === word) slab[at + 2] = 0
    else if (slab[at + 3] === word) slab[at + 3] = 0
    else return false
    this.#occupied--
    return true
  }

  /** Puts a word into a full bucket; the resident it replaces goes to its other bucket, and so on; the last one waits in the stash. */
  #kick(bucket: number, word: number, kicksMax: number): void {
    for (let kicks = 0; kicks < kicksMax; kicks++) {
      this.#kickState = nextKickState(this.#kickState)
      const slab = this.#slabOf(bucket)
      const slot = ((bucket << 2) & (slab.length - 1)) | (this.#kickState >>> 30)
      const victim = slab[slot]!
      slab[slot] = word
      bucket = this.#otherBucket(bucket, victim)
      word = victim ^ 1
      if (this.#put(bucket, word)) return
    }
    const tag = word >>> 1
    this.stash.add(tag, (bucket ^ (spread(tag) & -(word & 1))) & this.#baseMask)
  }

  #otherBucket(bucket: number, word: number): number {
    const tag = word >>> 1
    return this.#fold(residentIndex(bucket, tag, word & 1, this.baseBits) ^ spread(tag))
  }

  #placeOneOfStash(): void {
    const waiting = this.stash.takeNext()
    if (waiting !== undefined) this.#place(waiting.tag, waiting.base, STASH_KICKS_MAX)
  }

  #place(tag: number, base: number, kicksMax: number): void {
    const index = (base & this.#baseMask) | (tag << this.baseBits)
    const word = tag << 1
    if (this.#put(this.#fold(index), word)) return
    const other = this.#fold(index ^ spread(tag))
    if (!this.#put(other, word | 1)) this.#kick(other, word | 1, kicksMax)
  }

  #grow(): void {
    const isWhole = this.#bucketCount === this.#wideMask + 1
    const target = isWhole ? this.#bucketCount * 2 : this.#wideMask + 1
    const end = Math.min(target, this.#bucketCount + SPLITS_PER_ADD, BUCKET_COUNT_MAX)
    try {
      this.reserve(end)
    } catch (error) {
      if (!(error instanceof OutOfMemory)) throw error
      // Tags wait in the stash. Asked again when there are a sixteenth of the slots more of them: a refusal is not cheap.
      this.#growAbove = this.#occupied + this.stash.size + this.#bucketCount / 4
      return
    }
    while (this.#bucketCount < end) this.#split()
  }

  /** Adds one bucket, for which there is memory, at the end and moves into it the residents of its twin whose next index bit is 1. */
  #split(): void {
    const target = this.#bucketCount
    this.#resize(target + 1)
    const source = target & this.#narrowMask
    const slab = this.#slabOf(source)
    const at = (source << 2) & (slab.length - 1)
    for (let slot = at; slot < at + SLOTS_PER_BUCKET; slot++) {
      const word = slab[slot]!
      if (word === 0) continue
      const tag = word >>> 1
      if (this.#fold(residentIndex(source, tag, word & 1, this.baseBits)) === source) continue
      slab[slot] = 0
      this.#occupied--
      this.#put(target, word)
    }
  }

  /** The inverse of {@link #split}: empties the last bucket into its twin and gives it back. */
  #merge(): void {
    const source = this.#bucketCount - 1
    const target = source & this.#narrowMask
    const slab = this.#slabOf(source)
    const at = (source << 2) & (slab.length - 1)
    const words = slab.slice(at, at + SLOTS_PER_BUCKET)
    slab.fill(0, at, at + SLOTS_PER_BUCKET)
    this.#resize(source)
    this.#release()
    for (const word of words) {
      if (word === 0) continue
      this.#occupied--
      if (!this.#put(target, word)) this.#kick(target, word, KICKS_MAX)
    }
  }

  #resize(bucketCount: number): void {
    this.#bucketCount = bucketCount
    this.#wideMask = wideMaskOf(bucketCount)
    this.#narrowMask = this.#wideMask >>> 1
    this.#growAbove = growMark(bucketCount)
  }

  #slabOf(bucket: number): Int32Array {
    return this.#slabs[32 - Math.clz32(bucket >>> this.baseBits)]!
  }

  /** Gives back the last slab when it is not used any more. */
  #release(): void {
    if (this.#firstOf(this.#slabs.length - 1) >= this.#bucketCount) this.#slabs.pop()
  }

  /** The first bucket of a slab. */
  #firstOf(slab: number): number {
    return slab === 0 ? 0 : 2 ** (this.baseBits + slab - 1)
  }
}

/** Used slots above which an add makes a table of this size larger. */
function growMark(bucketCount: number): number {
  const whole = 2 ** (31 - Math.clz32(bucketCount))
  return bucketCount === whole ? growAbove(whole) : growAbove(whole) * KEEP_GROWING_ABOVE
}

/** Used slots above which a table of this size begins to double. @param bucketCount a power of two */
export function growAbove(bucketCount: number): number {
  return Math.floor(bucketCount * SLOTS_PER_BUCKET * LOAD_MAX)
}

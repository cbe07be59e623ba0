/**
 * Where a tag may live: pure arithmetic on 32-bit integers, shared by everything that touches a table.
 *
 * A key's 64-bit hash is scrambled with the seed into a tag and a base. The tag is stored; the base is
 * not. Every tag has two *indices* of 32 bits, the first one (`side` 0) and the other one (`side` 1):
 *
 *   side 0   low `baseBits` bits: the base        bits above: the tag, shifted up
 *   side 1   side 0 XOR spread(tag)
 *
 * A table of n buckets uses as many low bits of an index as it needs (see `foldIndex`). Because the bits above
 * `baseBits` follow from the tag and the side, a resident can be moved to a bucket with a longer index
 * without its key: that is what lets a table grow and shrink.
 */

/** Largest number of index bits that come from the base. With a 31-bit tag both fit a safe integer. */
export const BASE_BITS_MAX = 22

/** Scrambling keys of a seed; see {@link scrambleTag} and {@link scrambleBase}. */
export interface SeedKeys {
  readonly tagKey: number
  readonly baseKey: number
}

/** @param seed u32 */
export function seedKeys(seed: number): SeedKeys {
  return { tagKey: finalMix((seed + 0x9e3779b9) | 0), baseKey: finalMix((seed + 0x3c6ef372) | 0) }
}

/**
 * First half of the scrambled hash. Together with {@link scrambleBase} a permutation of the 64 bits (two
 * Feistel rounds), so no entropy is lost, and filters with different seeds err on different keys.
 *
 * @returns i32; the tag is its upper bits
 */
export function scrambleTag(h1: number, h2: number, tagKey: number): number {
  return h2 ^ round(h1 ^ tagKey)
}

/** Second half of the scrambled hash; the base is its lower bits. */
export function scrambleBase(h1: number, scrambledTag: number, baseKey: number): number {
  return h1 ^ round(scrambledTag ^ baseKey)
}

/**
 * The tag in the upper bits of a scrambled hash; never 0, because 0 marks an empty slot.
 *
 * @param hashBits bits of the tag, 1 … 31
 */
export function tagOf(scrambledTag: number, hashBits: number): number {
  const tag = scrambledTag >>> (32 - hashBits)
  return tag === 0 ? 1 : tag
}

/**
 * The distance (in the sense of XOR) between a tag's two indices.
 *
 * Odd, so that the two buckets differ in every table of two or more buckets.
 */
export function spread(tag: number): number {
  let value = Math.imul(tag ^ (tag >>> 15), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) | 1
}

/** Index of side 0. */
export function firstIndex(tag: number, base: number, baseBits: number): number {
  return (base & ((1 << baseBits) - 1)) | (tag << baseBits)
}

/**
 * The other index a tag may live at.
 *
 * Depends only on the index and the tag, and is its own inverse, which is what lets `delete` find a
 * tag from either side and a resident move without its key.
 *
 * Source: Fan et al., "Cuckoo Filter: Practically Better Than Bloom", CoNEXT 2014, section 3.1.
 */
export function alternateIndex(index: number, tag: number): number {
  return index ^ spread(tag)
}

/**
 * The full index of a resident, from the bucket it lies in.
 *
 * @param bucket the bucket, at least `baseBits` bits of which are the index's own
 * @param side 0 | 1
 */
export function residentIndex(bucket: number, tag: number, side: number, baseBits: number): number {
  const baseMask = (1 << baseBits) - 1
  return (bucket & baseMask) | (((tag << baseBits) ^ (spread(tag) & -side)) & ~baseMask)
}

/**
 * The bucket of an index in a table of `bucketCount` buckets (linear hashing): as many low bits as
 * address the whole table, one less if that bucket does not exist yet.
 *
 * Source: Litwin, "Linear Hashing: A New Tool for File and Table Addressing", VLDB 1980.
 *
 * @param bucketCount 2 … 2^30, not necessarily a power of two: the indices are, which keeps
 *   {@link alternateIndex} an involution
 */
export function foldIndex(index: number, bucketCount: number): number {
  const wideMask = wideMaskOf(bucketCount)
  const bucket = index & wideMask
  return bucket < bucketCount ? bucket : bucket & (wideMask >>> 1)
}

/** The low bits that address every one of `bucketCount` buckets, as a mask. */
export function wideMaskOf(bucketCount: number): number {
  return 2 ** (32 - Math.clz32(bucketCount - 1)) - 1
}

/** A number in [0, limit) in proportion to an evenly distributed i32. @param limit 1 … 2^30 */
export function scaleTo(hash: number, limit: number): number {
  return Math.floor((hash >>> 0) * limit * 2 ** -32)
}

/** First state of the generator that picks which resident moves. @returns non-zero u32 */
export function firstKickState(seed: number): number {
  return (seed ^ 0x2545f491) >>> 0 || 1
}

/**
 * The next state; its upper bits are the random number.
 *
 * Source: Marsaglia, "Xorshift RNGs", 2003, triple 13, 17, 5.
 *
 * @param state non-zero u32
 */
export function nextKickState(state: number): number {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return state >>> 0
}

function round(value: number): number {
  value = Math.imul(value, 0x9e3779b1)
  value = Math.imul(value ^ (value >>> 15), 0x85ebca77)
  return value ^ (value >>> 16)
}

function finalMix(value: number): number {
  value ^= value >>> 16
  value = Math.imul(value, 0x85ebca6b)
  value ^= value >>> 13
  value = Math.imul(value, 0xc2b2ae35)
  return value ^ (value >>> 16)
}

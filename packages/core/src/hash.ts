/**
 * The id hash: MurmurHash3 x86_128, seed 0, over the id's UTF-8.
 *
 * The result is four 32-bit words h1 h2 h3 h4. As bytes it is h1, h2, h3, h4, each big-endian (the order in
 * which the usual 32-digit hexadecimal form is written), so "the first 16 bits" are `h1 >>> 16` and "the
 * first 64 bits" are h1 then h2. Known answers: `testdata/hash-vectors.json`.
 *
 * Not a defence: who chooses ids can make them collide. See docs/formats/hash.md.
 *
 * Source: Austin Appleby, MurmurHash3 (public domain), `MurmurHash3_x86_128`.
 */

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

/** 64 stripes of the cache by id hash; see {@link stripeOfBucket}. */
export const STRIPE_COUNT = 64
/** Leaf buckets of one branch. */
export const BUCKET_COUNT = 65_536

/** The words of a hash, in order h1 h2 h3 h4. */
export type HashWords = Uint32Array

/**
 * @param bytes input; only `[0, length)` is read
 * @param length bytes to read
 * @param seed u32
 * @param out receives h1 … h4; 4 words
 * @returns `out`
 */
export function murmur3x86x128(
  bytes: Uint8Array,
  length: number = bytes.length,
  seed = 0,
  out: HashWords = new Uint32Array(4),
): HashWords {
  let h1 = seed | 0
  let h2 = h1
  let h3 = h1
  let h4 = h1
  const blocksEnd = length & ~15
  let at = 0
  for (; at < blocksEnd; at += 16) {
    let k1 = word(bytes, at)
    let k2 = word(bytes, at + 4)
    let k3 = word(bytes, at + 8)
    let k4 = word(bytes, at + 12)

    k1 = Math.imul(k1, C1)
    k1 = (k1 << 15) | (k1 >>> 17)
    h1 ^= Math.imul(k1, C2)
    h1 = (h1 << 19) | (h1 >>> 13)
    h1 = (h1 + h2) | 0
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0

    k2 = Math.imul(k2, C2)
    k2 = (k2 << 16) | (k2 >>> 16)
    h2 ^= Math.imul(k2, C3)
    h2 = (h2 << 17) | (h2 >>> 15)
    h2 = (h2 + h3) | 0
    h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0

    k3 = Math.imul(k3, C3)
    k3 = (k3 << 17) | (k3 >>> 15)
    h3 ^= Math.imul(k3, C4)
    h3 = (h3 << 15) | (h3 >>> 17)
    h3 = (h3 + h4) | 0
    h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0

    k4 = Math.imul(k4, C4)
    k4 = (k4 << 18) | (k4 >>> 14)
    h4 ^= Math.imul(k4, C1)
    h4 = (h4 << 13) | (h4 >>> 19)
    h4 = (h4 + h1) | 0
    h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0
  }

  const tail = length - at
  if (tail > 12) {
    let k4 = tailWord(bytes, at + 12, tail - 12)
    k4 = Math.imul(k4, C4)
    k4 = (k4 << 18) | (k4 >>> 14)
    h4 ^= Math.imul(k4, C1)
  }
  if (tail > 8) {
    let k3 = tailWord(bytes, at + 8, tail - 8)
    k3 = Math.imul(k3, C3)
    k3 = (k3 << 17) | (k3 >>> 15)
    h3 ^= Math.imul(k3, C4)
  }
  if (tail > 4) {
    let k2 = tailWord(bytes, at + 4, tail - 4)
    k2 = Math.imul(k2, C2)
    k2 = (k2 << 16) | (k2 >>> 16)
    h2 ^= Math.imul(k2, C3)
  }
  if (tail > 0) {
    let k1 = tailWord(bytes, at, tail)
    k1 = Math.imul(k1, C1)
    k1 = (k1 << 15) | (k1 >>> 17)
    h1 ^= Math.imul(k1, C2)
  }

  h1 ^= length
  h2 ^= length
  h3 ^= length
  h4 ^= length
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = mix(h1)
  h2 = mix(h2)
  h3 = mix(h3)
  h4 = mix(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  out[0] = h1
  out[1] = h2
  out[2] = h3
  out[3] = h4
  return out
}

const encoder = new TextEncoder()
let scratch: Uint8Array = new Uint8Array(1024)

/**
 * Hash of an id's UTF-8 (seed 0), without allocating for ASCII ids.
 *
 * @param id any string; unpaired surrogates hash as U+FFFD, ids with them are refused before
 * @param out receives h1 … h4; pass one array again and again in a hot loop
 */
export function hashId(id: string, out: HashWords = new Uint32Array(4)): HashWords {
  const length = id.length
  if (length * 3 > scratch.length) scratch = new Uint8Array(length * 3)
  for (let index = 0; index < length; index++) {
    const unit = id.charCodeAt(index)
    if (unit > 0x7f) return murmur3x86x128(scratch, encoder.encodeInto(id, scratch).written, 0, out)
    scratch[index] = unit
  }
  return murmur3x86x128(scratch, length, 0, out)
}

/** Leaf bucket of a hash: its first 16 bits, 0 … 65535. */
export function bucketOf(hash: HashWords): number {
  return hash[0]! >>> 16
}

/** Leaf bucket of an id, 0 … 65535. */
export function bucketOfId(id: string): number {
  return bucketOf(hashId(id, shared))
}

/** Cache stripe of a leaf bucket: its first 6 bits, 0 … 63. A leaf lies in one stripe whole. */
export function stripeOfBucket(bucket: number): number {
  return bucket >>> 10
}

/** Cache stripe of an id, 0 … 63. */
export function stripeOfId(id: string): number {
  return stripeOfBucket(bucketOfId(id))
}

/** Membership of a hash in the tree: its first 64 bits, u64. */
export function membershipOf(hash: HashWords): bigint {
  return (BigInt(hash[0]!) << 32n) | BigInt(hash[1]!)
}

/** The usual 32 hexadecimal digits. */
export function formatHash(hash: HashWords): string {
  return Array.from(hash, (part) => part.toString(16).padStart(8, '0')).join('')
}

const shared: HashWords = new Uint32Array(4)

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function tailWord(bytes: Uint8Array, at: number, count: number): number {
  let value = bytes[at]!
  if (count > 1) value |= bytes[at + 1]! << 8
  if (count > 2) value |= bytes[at + 2]! << 16
  if (count > 3) value |= bytes[at + 3]! << 24
  return value
}

function mix(value: number): number {
  value ^= value >>> 16
  value = Math.imul(value, 0x85ebca6b)
  value ^= value >>> 13
  value = Math.imul(value, 0xc2b2ae35)
  return value ^ (value >>> 16)
}

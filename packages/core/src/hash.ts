/**
 * The id hash: MurmurHash3 x86_128, seed 0, over the id's UTF-8.
 *
 * The result is four 32-bit words h1 h2 h3 h4. As bytes it is h1, h2, h3, h4, each big-endian (the order in
 * which the usual 32-digit hexadecimal form is written), so "the first 16 bits" are `h1 >>> 16` and "the
 * first 64 bits" are h1 then h2. Known answers: `testdata/hash-vectors.json`.
 *
 * Not a defence: an attacker who chooses ids can make them collide. See docs/formats/hash.md.
 *
 * Source: Austin Appleby, MurmurHash3 (public domain), `MurmurHash3_x86_128`.
 */

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

/** What is shifted out of the first word of a hash to get its bucket, bits. */
const BUCKET_SHIFT = 16
/** Leaf buckets of one branch: 65,536. */
export const BUCKET_COUNT = 2 ** (32 - BUCKET_SHIFT)
/** What is shifted out of a bucket to get its stripe, bits. */
const STRIPE_SHIFT = 10
/** Stripes of the cache by id hash: 64; see {@link stripeOfBucket}. */
export const STRIPE_COUNT = BUCKET_COUNT >>> STRIPE_SHIFT

/** The words of a hash, in order h1 h2 h3 h4. */
export type HashWords = Uint32Array

const BLOCK_BYTES = 16
const encoder = new TextEncoder()
/** What is being hashed, with room for a block of zeros behind it. */
let input: Uint8Array = new Uint8Array(1024)
let inputView = new DataView(input.buffer)

/**
 * @param bytes any number
 * @param seed u32
 * @param out receives h1 … h4; 4 words
 * @returns `out`
 */
export function murmur3x86x128(bytes: Uint8Array, seed = 0, out: HashWords = new Uint32Array(4)): HashWords {
  reserveInput(bytes.length)
  input.set(bytes)
  return hashInput(bytes.length, seed, out)
}

/**
 * Hash of an id's UTF-8 (seed 0), without allocating.
 *
 * @param id any string; unpaired surrogates hash as U+FFFD, ids with them are refused before
 * @param out receives h1 … h4; pass one array again and again in a hot loop
 */
export function hashId(id: string, out: HashWords = new Uint32Array(4)): HashWords {
  const length = id.length
  // To read a unit takes 2 ns, to encode a text in one call some 30 ns (Node 24.21).
  if (length < BLOCK_BYTES && hashAscii(id, out)) return out
  reserveInput(length * 3)
  return hashInput(encoder.encodeInto(id, input).written, 0, out)
}

/**
 * As {@link hashId}, without writing the text down first.
 *
 * @param text shorter than a block
 * @returns false if it is not all ASCII; `out` is then as before
 */
function hashAscii(text: string, out: HashWords): boolean {
  const length = text.length
  let units = 0
  let k1 = 0
  let k2 = 0
  let k3 = 0
  let k4 = 0
  let at = 0
  for (; at < 4 && at < length; at++) {
    const unit = text.charCodeAt(at)
    units |= unit
    k1 |= unit << (at << 3)
  }
  for (; at < 8 && at < length; at++) {
    const unit = text.charCodeAt(at)
    units |= unit
    k2 |= unit << (at << 3)
  }
  for (; at < 12 && at < length; at++) {
    const unit = text.charCodeAt(at)
    units |= unit
    k3 |= unit << (at << 3)
  }
  for (; at < length; at++) {
    const unit = text.charCodeAt(at)
    units |= unit
    k4 |= unit << (at << 3)
  }
  if (units > 0x7f) return false
  finish(
    mixed(k1, C1, 15, C2),
    mixed(k2, C2, 16, C3),
    mixed(k3, C3, 17, C4),
    mixed(k4, C4, 18, C1),
    length,
    out,
  )
  return true
}

function reserveInput(bytes: number): void {
  if (bytes + BLOCK_BYTES <= input.length) return
  input = new Uint8Array(bytes + BLOCK_BYTES)
  inputView = new DataView(input.buffer)
}

/** Hash of the first `length` bytes of the input, behind which it writes zeros. */
function hashInput(length: number, seed: number, out: HashWords): HashWords {
  const view = inputView
  let h1 = seed | 0
  let h2 = h1
  let h3 = h1
  let h4 = h1
  const blocksEnd = length & -BLOCK_BYTES
  for (let at = 0; at < blocksEnd; at += BLOCK_BYTES) {
    h1 ^= mixed(view.getInt32(at, true), C1, 15, C2)
    h1 = (h1 << 19) | (h1 >>> 13)
    h1 = (h1 + h2) | 0
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0

    h2 ^= mixed(view.getInt32(at + 4, true), C2, 16, C3)
    h2 = (h2 << 17) | (h2 >>> 15)
    h2 = (h2 + h3) | 0
    h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0

    h3 ^= mixed(view.getInt32(at + 8, true), C3, 17, C4)
    h3 = (h3 << 15) | (h3 >>> 17)
    h3 = (h3 + h4) | 0
    h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0

    h4 ^= mixed(view.getInt32(at + 12, true), C4, 18, C1)
    h4 = (h4 << 13) | (h4 >>> 19)
    h4 = (h4 + h1) | 0
    h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0
  }

  // The rest with zeros up to a block: a word of zeros changes nothing, so the tail needs no branches.
  for (let word = 0; word < BLOCK_BYTES; word += 4) view.setInt32(length + word, 0)
  h1 ^= mixed(view.getInt32(blocksEnd, true), C1, 15, C2)
  h2 ^= mixed(view.getInt32(blocksEnd + 4, true), C2, 16, C3)
  h3 ^= mixed(view.getInt32(blocksEnd + 8, true), C3, 17, C4)
  h4 ^= mixed(view.getInt32(blocksEnd + 12, true), C4, 18, C1)

  return finish(h1, h2, h3, h4, length, out)
}

/** The last steps, from the state after all input. */
function finish(h1: number, h2: number, h3: number, h4: number, length: number, out: HashWords): HashWords {
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
  out[0] = h1
  out[1] = h2 + h1
  out[2] = h3 + h1
  out[3] = h4 + h1
  return out
}

/** Leaf bucket of a hash: its first 16 bits, 0 … 65535. */
export function bucketOf(hash: HashWords): number {
  return hash[0]! >>> BUCKET_SHIFT
}

/** Leaf bucket of an id, 0 … 65535. */
export function bucketOfId(id: string): number {
  return bucketOf(hashId(id, shared))
}

/** Cache stripe of a leaf bucket: its first 6 bits, 0 … 63. A leaf lies in one stripe whole. */
export function stripeOfBucket(bucket: number): number {
  return bucket >>> STRIPE_SHIFT
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

/** A word of the input, scrambled before it goes into the state. */
function mixed(word: number, before: number, turn: number, after: number): number {
  word = Math.imul(word, before)
  return Math.imul((word << turn) | (word >>> (32 - turn)), after)
}

function mix(value: number): number {
  value ^= value >>> 16
  value = Math.imul(value, 0x85ebca6b)
  value ^= value >>> 13
  value = Math.imul(value, 0xc2b2ae35)
  return value ^ (value >>> 16)
}

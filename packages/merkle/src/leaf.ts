import { CorruptData, InvalidInput, toPlain } from '@se/core'
import { decodeLanes, encodeLanes, LANES, LEAF_BYTES } from './lanes.ts'

/**
 * What a leaf, or any node above it, holds: sums over the items below it.
 *
 * Addition commutes and has an inverse, so the order of writers does not matter and a delete is a
 * subtraction. XOR is not used: what is applied twice would vanish, and choosing items that cancel would be
 * linear algebra [P34].
 */
export interface LeafSums {
  /** Number of items, mod 2^32. */
  readonly count: number
  /** Sum of the first 64 bits of the id hashes, mod 2^64; the cuckoo filter carries the same sum. */
  readonly membership: bigint
  /** Sum of the first 64 bits of the row digests, mod 2^64. */
  readonly contentHigh: bigint
  /** Sum of the last 64 bits of the row digests, mod 2^64. */
  readonly contentLow: bigint
}

/** Sums with a form in JSON, which has no bigints. */
class Sums implements LeafSums {
  readonly count: number
  readonly membership: bigint
  readonly contentHigh: bigint
  readonly contentLow: bigint

  constructor(count: number, membership: bigint, contentHigh: bigint, contentLow: bigint) {
    this.count = count
    this.membership = membership
    this.contentHigh = contentHigh
    this.contentLow = contentLow
  }

  toJSON(): Record<string, unknown> {
    return toPlain({ ...this }) as Record<string, unknown>
  }
}

/** The sums of nothing. */
export const EMPTY_LEAF: LeafSums = Object.freeze(new Sums(0, 0n, 0n, 0n))

/** Each sum of `a` and `b`, lane by lane, mod 2^32 and 2^64. */
export function addLeaves(a: LeafSums, b: LeafSums): LeafSums {
  return new Sums(
    (a.count + b.count) >>> 0,
    BigInt.asUintN(64, a.membership + b.membership),
    BigInt.asUintN(64, a.contentHigh + b.contentHigh),
    BigInt.asUintN(64, a.contentLow + b.contentLow),
  )
}

/** What must be added to `b` to get `a`, mod 2^32 and 2^64. */
export function subtractLeaves(a: LeafSums, b: LeafSums): LeafSums {
  return new Sums(
    (a.count - b.count) >>> 0,
    BigInt.asUintN(64, a.membership - b.membership),
    BigInt.asUintN(64, a.contentHigh - b.contentHigh),
    BigInt.asUintN(64, a.contentLow - b.contentLow),
  )
}

export function equalLeaves(a: LeafSums, b: LeafSums): boolean {
  return (
    a.count === b.count &&
    a.membership === b.membership &&
    a.contentHigh === b.contentHigh &&
    a.contentLow === b.contentLow
  )
}

/** Whether all four sums are zero. */
export function isEmptyLeaf(sums: LeafSums): boolean {
  return equalLeaves(sums, EMPTY_LEAF)
}

/** @throws InvalidInput unless the count is an integer and the sums are bigints; they may lie outside their range, and wrap */
export function checkSums(sums: LeafSums): void {
  if (!Number.isSafeInteger(sums.count)) throw new InvalidInput('count', 'must be a safe integer')
  for (const field of ['membership', 'contentHigh', 'contentLow'] as const) {
    if (typeof sums[field] !== 'bigint') throw new InvalidInput(field, 'must be a bigint')
  }
}

/** 28 bytes: count u32, membership u64, content high u64, content low u64, all big-endian. See docs/formats/tree-page.md. @throws InvalidInput when the sums are none */
export function encodeLeaf(sums: LeafSums): Uint8Array {
  const bytes = new Uint8Array(LEAF_BYTES)
  const lanes = new Uint32Array(LANES)
  lanesOfLeaf(sums, lanes, 0)
  encodeLanes(lanes, 0, bytes, 0)
  return bytes
}

/**
 * The inverse of {@link encodeLeaf}.
 *
 * @param offset where the 28 bytes begin
 * @throws CorruptData when fewer than 28 bytes follow `offset`
 */
export function decodeLeaf(bytes: Uint8Array, offset = 0): LeafSums {
  if (!(offset >= 0 && offset + LEAF_BYTES <= bytes.length)) {
    throw new CorruptData(`leaf: ${bytes.length - offset} bytes, must be ${LEAF_BYTES}`, {
      details: { limit: LEAF_BYTES, actual: bytes.length - offset },
    })
  }
  const lanes = new Uint32Array(LANES)
  decodeLanes(bytes, offset, lanes, 0)
  return leafOfLanes(lanes, 0)
}

/** Sums as objects from lanes. */
export function leafOfLanes(lanes: Uint32Array, at: number): LeafSums {
  return new Sums(
    lanes[at]!,
    joinPair(lanes[at + 1]!, lanes[at + 2]!),
    joinPair(lanes[at + 3]!, lanes[at + 4]!),
    joinPair(lanes[at + 5]!, lanes[at + 6]!),
  )
}

/** The inverse of {@link leafOfLanes}. @throws InvalidInput when the sums are none */
export function lanesOfLeaf(sums: LeafSums, lanes: Uint32Array, at: number): void {
  checkSums(sums)
  lanes[at] = sums.count
  splitPair(sums.membership, lanes, at + 1)
  splitPair(sums.contentHigh, lanes, at + 3)
  splitPair(sums.contentLow, lanes, at + 5)
}

function joinPair(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}

function splitPair(sum: bigint, lanes: Uint32Array, at: number): void {
  lanes[at] = Number(BigInt.asUintN(32, sum >> 32n))
  lanes[at + 1] = Number(BigInt.asUintN(32, sum))
}

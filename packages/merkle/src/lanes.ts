/**
 * Leaf sums as the tree keeps them: seven u32 lanes in an array, without objects or BigInt.
 *
 *   0 count | 1, 2 membership high, low | 3, 4 content high | 5, 6 content low
 *
 * A 64-bit sum is a pair of lanes, high half first; additions carry from the low half to the high one and
 * wrap at 2^64, the count wraps at 2^32.
 */

import { putU32, u32At } from '@se/core'

/** Lanes of one leaf. */
export const LANES = 7
/** Bytes of one leaf, encoded. */
export const LEAF_BYTES = 28

/** Adds the lanes at `source[from…]` to those at `target[at…]`. */
export function addLanes(target: Uint32Array, at: number, source: Uint32Array, from: number): void {
  target[at]! += source[from]!
  addPair(target, at + 1, source[from + 1]!, source[from + 2]!)
  addPair(target, at + 3, source[from + 3]!, source[from + 4]!)
  addPair(target, at + 5, source[from + 5]!, source[from + 6]!)
}

/** Subtracts the lanes at `source[from…]` from those at `target[at…]`. */
export function subtractLanes(target: Uint32Array, at: number, source: Uint32Array, from: number): void {
  target[at]! -= source[from]!
  subtractPair(target, at + 1, source[from + 1]!, source[from + 2]!)
  subtractPair(target, at + 3, source[from + 3]!, source[from + 4]!)
  subtractPair(target, at + 5, source[from + 5]!, source[from + 6]!)
}

/**
 * Writes the sum of the first `count` leaves' lanes to `out[0…]`.
 *
 * @param count at most 2^20, so that the sums of halves are exact as numbers and the carry is taken once
 */
export function sumLanes(lanes: Uint32Array, count: number, out: Uint32Array): void {
  let items = 0
  let membershipHigh = 0
  let membershipLow = 0
  let contentHighHigh = 0
  let contentHighLow = 0
  let contentLowHigh = 0
  let contentLowLow = 0
  for (let at = 0; at < count * LANES; at += LANES) {
    items += lanes[at]!
    membershipHigh += lanes[at + 1]!
    membershipLow += lanes[at + 2]!
    contentHighHigh += lanes[at + 3]!
    contentHighLow += lanes[at + 4]!
    contentLowHigh += lanes[at + 5]!
    contentLowLow += lanes[at + 6]!
  }
  // What is stored is taken mod 2^32.
  out[0] = items
  out[1] = membershipHigh + Math.floor(membershipLow / 2 ** 32)
  out[2] = membershipLow
  out[3] = contentHighHigh + Math.floor(contentHighLow / 2 ** 32)
  out[4] = contentHighLow
  out[5] = contentLowHigh + Math.floor(contentLowLow / 2 ** 32)
  out[6] = contentLowLow
}

/**
 * Adds a u64 given in halves to the pair of lanes at `at`.
 *
 * The carry is computed from the top bits instead of by a comparison: the halves are random, so a branch on
 * them would be mispredicted every other time, and each time wait for a leaf to come from memory.
 */
export function addPair(target: Uint32Array, at: number, high: number, low: number): void {
  const before = target[at + 1]!
  const sum = (before + low) | 0
  const carry = ((before & low) | ((before | low) & ~sum)) >>> 31
  target[at] = target[at]! + high + carry
  target[at + 1] = sum
}

/** Subtracts a u64 given in halves from the pair of lanes at `at`. */
export function subtractPair(target: Uint32Array, at: number, high: number, low: number): void {
  const before = target[at + 1]!
  const difference = (before - low) | 0
  const borrow = ((~before & low) | ((~before | low) & difference)) >>> 31
  target[at] = target[at]! - high - borrow
  target[at + 1] = difference
}

/** Whether all lanes at `at` are zero. */
export function areLanesZero(lanes: Uint32Array, at: number): boolean {
  for (let lane = at; lane < at + LANES; lane++) if (lanes[lane] !== 0) return false
  return true
}

/** Whether the lanes at `a[at…]` equal those at `b[from…]`. */
export function areLanesEqual(a: Uint32Array, at: number, b: Uint32Array, from: number): boolean {
  for (let lane = 0; lane < LANES; lane++) if (a[at + lane] !== b[from + lane]) return false
  return true
}

/** Writes the lanes at `lanes[at…]` as 28 bytes, each lane big-endian. */
export function encodeLanes(lanes: Uint32Array, at: number, target: Uint8Array, offset: number): void {
  for (let lane = at; lane < at + LANES; lane++, offset += 4) putU32(target, offset, lanes[lane]!)
}

/** The inverse of {@link encodeLanes}. */
export function decodeLanes(source: Uint8Array, offset: number, lanes: Uint32Array, at: number): void {
  for (let lane = at; lane < at + LANES; lane++, offset += 4) lanes[lane] = u32At(source, offset)
}

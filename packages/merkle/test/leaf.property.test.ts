/**
 * Goal: sums wrap at 2^32 and 2^64 and carry between their halves exactly as BigInt says. Method: random sums
 * with many bits set to all ones or zero, so that carries happen; compared with BigInt arithmetic.
 */
import { CorruptData } from '@se/core'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import {
  addLeaves,
  decodeLeaf,
  DigestTree,
  EMPTY_LEAF,
  encodeLeaf,
  equalLeaves,
  isEmptyLeaf,
  LEAF_BYTES,
  subtractLeaves,
  type LeafSums,
} from '../src/index.ts'
import { createBranchSet } from '@se/core'
import { describe, expect, it } from 'vitest'
import { addLanes, LANES, subtractLanes, sumLanes } from '../src/lanes.ts'
import { lanesOfLeaf, leafOfLanes } from '../src/leaf.ts'
import { testSeed } from './seed.ts'

const SPAN = 2n ** 64n

describe('leaf sums', () => {
  const random = seededRandom(testSeed('leaf sums'))

  it('adds and subtracts in lanes and in objects as BigInt does', () => {
    for (let round = 0; round < 1_500; round++) {
      const [a, b] = [randomSums(random), randomSums(random)]
      const sum = expected(a, b, 1n)
      const difference = expected(a, b, -1n)
      expect(addLeaves(a, b)).toEqual(sum)
      expect(subtractLeaves(a, b)).toEqual(difference)
      expect(inLanes(a, b, addLanes)).toEqual(sum)
      expect(inLanes(a, b, subtractLanes)).toEqual(difference)
    }
  })

  it('sums a list of leaves at once as one after the other', () => {
    for (let round = 0; round < 300; round++) {
      const leaves = Array.from({ length: random.below(65) }, () => randomSums(random))
      // One more lies behind them, which is not to be summed.
      const lanes = new Uint32Array((leaves.length + 1) * LANES).fill(0xa5a5a5a5)
      for (const [index, sums] of leaves.entries()) lanesOfLeaf(sums, lanes, index * LANES)
      const out = new Uint32Array(LANES).fill(0x5a5a5a5a)
      sumLanes(lanes, leaves.length, out)
      expect(leafOfLanes(out, 0)).toEqual(leaves.reduce(addLeaves, EMPTY_LEAF))
    }
  })

  it('comes back from 28 bytes as it went in, at any offset', () => {
    for (let round = 0; round < 500; round++) {
      const sums = randomSums(random)
      const bytes = encodeLeaf(sums)
      expect(bytes.length).toBe(LEAF_BYTES)
      expect(decodeLeaf(bytes)).toEqual(sums)
      const offset = random.below(9)
      const padded = new Uint8Array(offset + LEAF_BYTES)
      padded.set(bytes, offset)
      expect(decodeLeaf(padded, offset)).toEqual(sums)
    }
  })

  it('refuses bytes that are too short, and an offset beyond them', () => {
    const bytes = encodeLeaf(EMPTY_LEAF)
    for (let length = 0; length < LEAF_BYTES; length++) {
      expect(() => decodeLeaf(bytes.subarray(0, length))).toThrow(CorruptData)
    }
    expect(() => decodeLeaf(bytes, 1)).toThrow(CorruptData)
    expect(() => decodeLeaf(bytes, -1)).toThrow(CorruptData)
    expect(() => decodeLeaf(bytes, Number.NaN)).toThrow(CorruptData)
  })

  it('is empty only when all four sums are zero, and equal only when all four agree', () => {
    expect(isEmptyLeaf(EMPTY_LEAF)).toBe(true)
    for (const field of ['count', 'membership', 'contentHigh', 'contentLow'] as const) {
      const other: LeafSums = { ...EMPTY_LEAF, [field]: field === 'count' ? 1 : 1n }
      expect(isEmptyLeaf(other), field).toBe(false)
      expect(equalLeaves(EMPTY_LEAF, other), field).toBe(false)
      expect(equalLeaves(other, { ...other }), field).toBe(true)
    }
  })

  it('cannot be made to vanish by applying one change twice, as XOR would [P34]', () => {
    const tree = new DigestTree(createBranchSet())
    const entry = { id: 'a', previousDigest: undefined, digest: new Uint8Array(16).fill(0xab) }
    tree.apply([entry])
    const once = tree.root()
    tree.apply([entry])
    expect(tree.count).toBe(2)
    expect(tree.root()).not.toBe(once)
    expect(tree.root()).not.toBe(new DigestTree(createBranchSet()).root())
  })
})

function inLanes(a: LeafSums, b: LeafSums, operation: typeof addLanes): LeafSums {
  // At odd places, so that reading beside the leaf would show.
  const left = new Uint32Array(3 + LANES + 2).fill(0xa5a5a5a5)
  const right = new Uint32Array(1 + LANES).fill(0x5a5a5a5a)
  lanesOfLeaf(a, left, 3)
  lanesOfLeaf(b, right, 1)
  operation(left, 3, right, 1)
  expect([...left.subarray(0, 3), ...left.subarray(3 + LANES)]).toEqual(Array(5).fill(0xa5a5a5a5))
  return leafOfLanes(left, 3)
}

function expected(a: LeafSums, b: LeafSums, sign: bigint): LeafSums {
  const wrapped = (left: bigint, right: bigint) => (((left + sign * right) % SPAN) + SPAN) % SPAN
  return {
    count: Number((((BigInt(a.count) + sign * BigInt(b.count)) % 2n ** 32n) + 2n ** 32n) % 2n ** 32n),
    membership: wrapped(a.membership, b.membership),
    contentHigh: wrapped(a.contentHigh, b.contentHigh),
    contentLow: wrapped(a.contentLow, b.contentLow),
  }
}

function randomSums(random: SeededRandom): LeafSums {
  const half = () => random.pick([0, 1, 2, 0xffffffff, 0xfffffffe, 0x80000000, random.below(2 ** 32)])
  const sum = () => (BigInt(half()) << 32n) | BigInt(half())
  return { count: half(), membership: sum(), contentHigh: sum(), contentLow: sum() }
}

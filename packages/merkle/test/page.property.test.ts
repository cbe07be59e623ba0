/**
 * Goal: a page comes back as it went in, has one form, and damaged bytes are refused or are another page.
 * Method: random pages; every truncation and every flipped bit of one page.
 */
import { CorruptData, createBranchSet, InvalidInput } from '@se/core'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import {
  decodePage,
  DigestTree,
  EMPTY_LEAF,
  encodePage,
  PAGE_BYTES_MAX,
  PAGE_LEAVES,
  type PageLeaf,
} from '../src/index.ts'
import { describe, expect, it } from 'vitest'
import { testSeed } from './seed.ts'

describe('tree page', () => {
  const random = seededRandom(testSeed('tree page'))

  it('comes back from its bytes, whatever the order and the empty leaves it was made from', () => {
    for (let round = 0; round < 40; round++) {
      const leaves = randomLeaves(random, 1 + random.below(PAGE_LEAVES))
      const bytes = encodePage(leaves)!
      expect(bytes.length).toBe(33 + 28 * leaves.length)
      expect(decodePage(bytes)).toEqual(leaves)
      const empties = [0, 128, 255].map((index) => ({ index, sums: EMPTY_LEAF }))
      const unordered = [...empties, ...leaves.toReversed()]
      expect(encodePage(unordered)).toEqual(bytes)
      expect(encodePage(decodePage(bytes))).toEqual(bytes)
    }
  })

  it('has no bytes without leaves, and at most 7,201 with all', () => {
    expect(encodePage([])).toBeUndefined()
    expect(encodePage([{ index: 7, sums: EMPTY_LEAF }])).toBeUndefined()
    expect(encodePage(randomLeaves(random, PAGE_LEAVES))!.length).toBe(PAGE_BYTES_MAX)
    expect(PAGE_BYTES_MAX).toBe(7_201)
  })

  it('refuses every truncation and every byte too many', () => {
    const bytes = encodePage(randomLeaves(random, 9))!
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodePage(bytes.subarray(0, length)), `${length} bytes`).toThrow(CorruptData)
    }
    expect(() => decodePage(new Uint8Array([...bytes, 0]))).toThrow(CorruptData)
  })

  it('refuses or notices every flipped bit: none decodes to the same page', () => {
    const leaves = randomLeaves(random, 5)
    const bytes = encodePage(leaves)!
    let refused = 0
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice()
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      try {
        expect(decodePage(damaged)).not.toEqual(leaves)
      } catch (error) {
        if (!(error instanceof CorruptData)) throw error
        refused++
      }
    }
    // The format byte and the bitmap: every flip there is refused by itself.
    expect(refused).toBeGreaterThanOrEqual(33 * 8)
  })

  it('refuses a leaf of zeros, which would give equal leaves two forms', () => {
    const bytes = encodePage([{ index: 3, sums: { ...EMPTY_LEAF, count: 1 } }])!
    bytes.fill(0, 33)
    expect(() => decodePage(bytes)).toThrow(/leaf 3/)
  })

  it('refuses what is no Uint8Array', () => {
    const tree = new DigestTree(createBranchSet())
    for (const wrong of [
      null,
      'x'.repeat(61),
      new ArrayBuffer(61),
      Array(61).fill(1),
      new Uint16Array(61).fill(1),
    ]) {
      expect(() => decodePage(wrong as unknown as Uint8Array)).toThrow(CorruptData)
      expect(() => tree.setPage(0, 0, wrong as unknown as Uint8Array)).toThrow(CorruptData)
    }
  })

  it('refuses a bitmap without leaves', () => {
    const bytes = new Uint8Array(33)
    bytes[0] = 1
    expect(() => decodePage(bytes)).toThrow(CorruptData)
  })

  it('refuses an index outside the page, naming field and limit', () => {
    for (const index of [-1, 256, 1.5, Number.NaN]) {
      const attempt = () => encodePage([{ index, sums: EMPTY_LEAF }])
      expect(attempt).toThrow(InvalidInput)
      expect(attempt).toThrow(/^index: .*255/)
    }
  })

  it('leaves a tree as it was when it is refused', () => {
    const tree = new DigestTree(createBranchSet())
    const bytes = encodePage(randomLeaves(random, 20))!
    tree.setPage(0, 17, bytes)
    const root = tree.root()
    expect(() => tree.setPage(0, 17, bytes.subarray(1))).toThrow(CorruptData)
    const zeroLeafLast = bytes.slice()
    zeroLeafLast.fill(0, bytes.length - 28)
    expect(() => tree.setPage(0, 17, zeroLeafLast)).toThrow(CorruptData)
    expect(tree.root()).toBe(root)
    expect(tree.page(0, 17)).toEqual(bytes)
  })
})

/** So many non-empty leaves at random places, ascending. */
function randomLeaves(random: SeededRandom, count: number): PageLeaf[] {
  const places = Array.from({ length: PAGE_LEAVES }, (_, index) => ({ index, order: random.fraction() }))
  const chosen = places.sort((a, b) => a.order - b.order).slice(0, count)
  const word = () => new DataView(random.bytes(8).buffer).getBigUint64(0)
  return chosen
    .map(({ index }) => ({
      index,
      sums: { count: random.below(5), membership: word(), contentHigh: word(), contentLow: word() },
    }))
    .sort((a, b) => a.index - b.index)
}

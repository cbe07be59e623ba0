/**
 * Goal: the measured false-positive rate is the one theory gives: 8 × load ÷ 2^w with w-bit tags (four slots, two buckets).
 * Method: fresh random hashes that were never added; as many lookups as make a thousand hits, at most 10⁷. A w-bit tag of a growing table is
 * w − 1 bits of hash and the side; after a thousandfold growth ten bits more are needed for the same rate.
 * The seed is fixed, so that a sound filter cannot fail by chance; SE_SEED takes another.
 */
import { seededRandom } from '@se/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { GrowingTable } from '../src/growing-table.ts'
import { CuckooFilter, StaticCuckooFilter } from '../src/index.ts'
import { scrambleBase, scrambleTag, seedKeys, tagOf } from '../src/placement.ts'
import { StaticTable } from '../src/static-table.ts'

vi.setConfig({ testTimeout: 120_000 })
const seed = Number(process.env.SE_SEED ?? 20_260_101)
const widths = [8, 9, 10, 11, 12, 13, 14, 15, 16]
const { tagKey, baseKey } = seedKeys(seed)

interface Table {
  readonly hashBits: number
  has(tag: number, base: number): boolean
  add(tag: number, base: number): unknown
}

/** Fills a table with hashes of even counters and asks for those of odd ones. @returns measured rate ÷ theory */
function rateOverTheory(table: Table, keys: number, slots: () => number, width: number): number {
  const each = (counter: number, use: (tag: number, base: number) => void) => {
    const scrambled = scrambleTag(Math.imul(counter, 0x9e3779b1), counter, tagKey)
    use(tagOf(scrambled, table.hashBits), scrambleBase(Math.imul(counter, 0x9e3779b1), scrambled, baseKey))
  }
  for (let key = 0; key < keys; key++) each(key * 2, (tag, base) => table.add(tag, base))
  const theory = ((keys / slots()) * 8) / 2 ** width
  const lookups = Math.min(10_000_000, Math.ceil(1000 / theory))
  expect(lookups * theory).toBeGreaterThanOrEqual(100)
  let hits = 0
  for (let key = 0; key < lookups; key++) {
    each(key * 2 + 1, (tag, base) => {
      if (table.has(tag, base)) hits++
    })
  }
  return hits / lookups / theory
}

describe('false-positive rate', () => {
  it.each(widths)('is within 1.5 × theory with %i-bit tags, at load 0.88', (width) => {
    const table = new GrowingTable({ hashBits: width - 1, baseBits: 12, bucketCount: 4096, kickState: 1 })
    const ratio = rateOverTheory(table, 14_400, () => table.bucketCount * 4, width)
    expect(table.bucketCount).toBe(4096)
    expect(ratio).toBeLessThan(1.5)
    expect(ratio).toBeGreaterThan(0.67)
  })

  it.each(widths)('is within 2 × theory with %i-bit tags after growing 1,024-fold', (width) => {
    const table = new GrowingTable({ hashBits: width - 1 + 10, baseBits: 4, bucketCount: 16, kickState: 1 })
    const ratio = rateOverTheory(table, 57_000, () => table.bucketCount * 4, width)
    expect(table.bucketCount).toBe(16 * 1024)
    expect(ratio).toBeLessThan(2)
    expect(ratio).toBeGreaterThan(0.5)
  })

  it.each(widths)('is within 1.5 × theory with %i-bit tags in a static table, at load 0.93', (width) => {
    const table = new StaticTable({ hashBits: width, bucketCount: 5003, kickState: 1 })
    const ratio = rateOverTheory(table, 18_600, () => table.bucketCount * 4, width)
    expect(ratio).toBeLessThan(1.5)
    expect(ratio).toBeGreaterThan(0.67)
  })

  it('is as estimated, at 99.9 %, with the 32-bit tags of a filter that has grown 60,000-fold', () => {
    // From room for 16 to 10⁶: the rate is some 3·10⁻⁵.
    const filter = CuckooFilter.create({ capacity: 16, falsePositiveRate: 0.001, seed })
    const random = seededRandom(seed)
    for (let key = 0; key < 1_000_000; key++) filter.addHash(random.below(2 ** 32), random.below(2 ** 32))
    let hits = 0
    const lookups = 4_000_000
    for (let key = 0; key < lookups; key++) {
      if (filter.hasHash(random.below(2 ** 32), random.below(2 ** 32))) hits++
    }
    const expected = lookups * filter.estimateFalsePositiveRate()
    expect(expected).toBeGreaterThan(100)
    expectPoisson(hits, expected)
  })

  it('is as estimated, at 99.9 %, in a static filter', () => {
    const filter = StaticCuckooFilter.create({ capacity: 100_000, falsePositiveRate: 0.001, seed })
    const random = seededRandom(seed + 1)
    for (let key = 0; key < 100_000; key++) filter.addHash(random.below(2 ** 32), random.below(2 ** 32))
    let hits = 0
    const lookups = 2_000_000
    for (let key = 0; key < lookups; key++) {
      if (filter.hasHash(random.below(2 ** 32), random.below(2 ** 32))) hits++
    }
    expectPoisson(hits, lookups * filter.estimateFalsePositiveRate())
  })

  it('falls on different keys with different seeds', () => {
    const wrong = (filterSeed: number) => {
      const filter = StaticCuckooFilter.create({
        capacity: 50_000,
        falsePositiveRate: 0.001,
        seed: filterSeed,
      })
      const random = seededRandom(seed + 2)
      for (let key = 0; key < 50_000; key++) filter.addHash(random.below(2 ** 32), random.below(2 ** 32))
      const keys = new Set<number>()
      for (let key = 0; key < 1_000_000; key++) {
        if (filter.hasHash(random.below(2 ** 32), random.below(2 ** 32))) keys.add(key)
      }
      return keys
    }
    const [first, second] = [wrong(1), wrong(2)]
    expect(first.size).toBeGreaterThan(50)
    expect([...first].filter((key) => second.has(key)).length).toBeLessThanOrEqual(2)
  })
})

/** Whether a count lies in the middle 99.9 % of a Poisson distribution. */
function expectPoisson(count: number, mean: number): void {
  let probability = Math.exp(-mean)
  let below = 0
  for (let value = 0; value < count; value++) {
    below += probability
    probability *= mean / (value + 1)
  }
  expect(below, `${count} hits, ${mean} expected`).toBeLessThan(1 - 0.0005)
  expect(below + probability, `${count} hits, ${mean} expected`).toBeGreaterThan(0.0005)
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  alternateIndex,
  BASE_BITS_MAX,
  firstIndex,
  foldIndex,
  residentIndex,
  scaleTo,
  scrambleBase,
  scrambleTag,
  seedKeys,
  spread,
  tagOf,
} from './placement.ts'
import { alternateBucket } from './static-table.ts'

const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const tag = fc.integer({ min: 1, max: 2 ** 31 - 1 })
const baseBits = fc.integer({ min: 1, max: BASE_BITS_MAX })

describe('placement in a growing table', () => {
  it('leads back from the alternate index for every index and tag [P22]', () => {
    fc.assert(
      fc.property(i32, tag, (index, tag) => {
        expect(alternateIndex(alternateIndex(index, tag), tag)).toBe(index | 0)
      }),
      { numRuns: 2000 },
    )
  })

  it('finds the whole index of a resident from its bucket, in tables of every size [P22]', () => {
    fc.assert(
      fc.property(i32, tag, baseBits, fc.integer({ min: 2, max: 2 ** 30 }), (hash, tag, baseBits, count) => {
        const bucketCount = Math.max(count, 2 ** baseBits)
        const first = firstIndex(tag, hash, baseBits)
        const second = alternateIndex(first, tag)
        expect(residentIndex(foldIndex(first, bucketCount), tag, 0, baseBits)).toBe(first)
        expect(residentIndex(foldIndex(second, bucketCount), tag, 1, baseBits)).toBe(second)
      }),
      { numRuns: 5000 },
    )
  })

  it('leads from bucket to bucket and back, for all sizes from 2 to 600 and all 8-bit tags [P22]', () => {
    for (let bucketCount = 2; bucketCount <= 600; bucketCount++) {
      const bits = 31 - Math.clz32(bucketCount)
      for (let tag = 1; tag < 256; tag++) {
        const first = firstIndex(tag, tag * 77, bits)
        const here = foldIndex(first, bucketCount)
        const there = foldIndex(alternateIndex(first, tag), bucketCount)
        const back = foldIndex(alternateIndex(residentIndex(there, tag, 1, bits), tag), bucketCount)
        if (here >= bucketCount || there >= bucketCount || here === there || back !== here) {
          expect.fail(`buckets ${bucketCount}, tag ${tag}: ${here} -> ${there} -> ${back}`)
        }
      }
    }
  })

  it('moves a resident only between a bucket and its twin when a table gets one bucket more', () => {
    fc.assert(
      fc.property(i32, fc.integer({ min: 2, max: 2 ** 30 - 1 }), (index, bucketCount) => {
        const before = foldIndex(index, bucketCount)
        const after = foldIndex(index, bucketCount + 1)
        if (after !== before) {
          expect(after).toBe(bucketCount)
          expect(before).toBe(bucketCount - 2 ** (31 - Math.clz32(bucketCount)))
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('loses no entropy of the hash: different hashes differ after scrambling', () => {
    const { tagKey, baseKey } = seedKeys(1)
    const seen = new Set<string>()
    for (let hash = 0; hash < 100_000; hash++) {
      // Hashes that differ in few bits, in the first word or in the second.
      const [h1, h2] = hash % 2 === 0 ? [hash, 7] : [7, hash]
      const scrambled = scrambleTag(h1, h2, tagKey)
      seen.add(`${scrambled} ${scrambleBase(h1, scrambled, baseKey)}`)
    }
    expect(seen.size).toBe(100_000)
  })

  it('never makes a tag of 0, nor a spread that leads to the same bucket', () => {
    fc.assert(
      fc.property(i32, fc.integer({ min: 1, max: 31 }), (scrambled, hashBits) => {
        const tag = tagOf(scrambled, hashBits)
        expect(tag).toBeGreaterThan(0)
        expect(tag).toBeLessThan(2 ** hashBits)
        expect(spread(tag) & 1).toBe(1)
      }),
    )
    expect(tagOf(0, 31)).toBe(1)
  })
})

describe('placement in a static table', () => {
  it('leads back from the alternate bucket, for all sizes from 1 to 600 and all 8-bit tags [P22]', () => {
    for (let bucketCount = 1; bucketCount <= 600; bucketCount++) {
      for (let tag = 1; tag < 256; tag++) {
        const bucket = scaleTo(Math.imul(tag, 0x9e3779b1) ^ bucketCount, bucketCount)
        const other = alternateBucket(bucket, tag, bucketCount)
        const back = alternateBucket(other, tag, bucketCount)
        if (other < 0 || other >= bucketCount || back !== bucket) {
          expect.fail(`buckets ${bucketCount}, tag ${tag}: ${bucket} -> ${other} -> ${back}`)
        }
      }
    }
  })

  it('leads back for large sizes too [P22]', () => {
    const size = fc.integer({ min: 1, max: 2 ** 30 })
    fc.assert(
      fc.property(i32, fc.integer({ min: 1, max: 65_535 }), size, (hash, tag, bucketCount) => {
        const bucket = scaleTo(hash, bucketCount)
        expect(bucket).toBeLessThan(bucketCount)
        const other = alternateBucket(bucket, tag, bucketCount)
        expect(other).toBeLessThan(bucketCount)
        expect(alternateBucket(other, tag, bucketCount)).toBe(bucket)
      }),
      { numRuns: 5000 },
    )
  })

  it('scales the largest hash below the limit, whatever the rounding', () => {
    for (let limit = 1; limit <= 2 ** 30; limit = Math.ceil(limit * 1.01)) {
      expect(scaleTo(-1, limit)).toBe(limit - 1)
    }
  })
})

/**
 * Goal: a static table never denies a tag it took, and a refused add changes nothing.
 * Method: random operations around its brim, against an exact multiset of keys; tags short, so that they often coincide.
 */
import { randomInt } from 'node:crypto'
import { seededRandom } from '@se/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { StaticTable } from './static-table.ts'

vi.setConfig({ testTimeout: 120_000 })
const seed = Number(process.env.SE_SEED ?? randomInt(2 ** 32))

describe('StaticTable', () => {
  it.each([
    { hashBits: 4, bucketCount: 2 },
    { hashBits: 8, bucketCount: 37 },
    { hashBits: 16, bucketCount: 100 },
    { hashBits: 12, bucketCount: 1001 },
  ])(
    'keeps what it took: $bucketCount buckets, $hashBits tag bits [P22][P23]',
    ({ hashBits, bucketCount }) => {
      console.log(`seed ${seed} (repeat with SE_SEED=${seed})`)
      const random = seededRandom(seed)
      const table = new StaticTable({ hashBits, bucketCount, kickState: random.below(2 ** 32) || 1 })
      const keys = Array.from({ length: bucketCount * 8 }, () => ({
        tag: 1 + random.below(2 ** hashBits - 1),
        base: random.below(2 ** 32) | 0,
        copies: 0,
      }))
      let size = 0
      let refused = 0
      for (let operation = 0; operation < 150_000; operation++) {
        const key = random.pick(keys)
        if (key.copies === 0 && random.chance(0.6)) {
          const before = table.tags(0, bucketCount).slice()
          if (table.add(key.tag, key.base)) {
            key.copies++
            size++
          } else {
            refused++
            if (refused % 50 === 0) expect(table.tags(0, bucketCount)).toEqual(before)
          }
        } else if (key.copies > 0 && random.chance(0.4)) {
          if (!table.delete(key.tag, key.base)) expect.fail(`delete at operation ${operation}`)
          key.copies--
          size--
        } else if (key.copies > 0 && !table.has(key.tag, key.base))
          expect.fail(`has at operation ${operation}`)
        if (operation % 20_000 === 0) {
          expect(table.occupied).toBe(size)
          for (const { tag, base, copies } of keys) if (copies > 0) expect(table.has(tag, base)).toBe(true)
        }
      }
      expect(refused).toBeGreaterThan(0)
    },
  )
})

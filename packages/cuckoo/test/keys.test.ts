/**
 * Goal: every string is a key, and a key and its hash are the same thing. Method: keys of every shape, in filters with the extreme
 * seeds; beside each a filter filled with the hashes as signed words, compared byte for byte.
 */
import { hashId } from '@se/core/hash'
import { describe, expect, it } from 'vitest'
import { CuckooFilter, StaticCuckooFilter } from '../src/index.ts'

const KEYS = [
  '',
  '\0',
  'a\0b',
  'ab',
  'é',
  'e\u0301',
  '\u{1F600}',
  '\u{10FFFF}',
  '\u{1F600}'.repeat(1000),
  'x'.repeat(1_000_000),
  'é'.repeat(500_000),
  ...Array.from({ length: 3000 }, (_, key) => `ключ.${key}`),
]

describe.each([
  ['CuckooFilter', CuckooFilter],
  ['StaticCuckooFilter', StaticCuckooFilter],
] as const)('%s', (_, kind) => {
  it.each([0, 1, 2 ** 31, 2 ** 32 - 1])('takes keys of every shape as their hash, with seed %d', (seed) => {
    const options = { capacity: kind === CuckooFilter ? 1 : 4000, falsePositiveRate: 0.001, seed }
    const byKey = kind.create(options)
    const byHash = kind.create(options)
    byKey.addMany(KEYS)
    const signed = (key: string) => {
      const [h1, h2] = hashId(key)
      return [h1! | 0, h2! | 0] as const
    }
    for (const key of KEYS) byHash.addHash(...signed(key))
    expect(byKey.count).toBe(KEYS.length)
    expect(byHash.toSnapshot()).toEqual(byKey.toSnapshot())
    for (const key of KEYS) {
      expect(byHash.has(key)).toBe(true)
      expect(byKey.hasHash(...signed(key))).toBe(true)
    }
    for (const key of KEYS) expect(byKey.delete(key)).toBe(byHash.deleteHash(...signed(key)))
    expect([byKey.count, byKey.sum, byHash.sum]).toEqual([0, 0n, 0n])
    expect(KEYS.some((key) => byKey.has(key))).toBe(false)
  })
})

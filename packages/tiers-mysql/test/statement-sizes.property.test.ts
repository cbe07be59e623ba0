import { describe, expect, it } from 'vitest'
import { seededRandom } from '@se/core/testing'
import { idParts, partsOfBytes, partsOfCount, rowParts } from '../src/statement-sizes.ts'
import { seed } from './contract-harness.ts'

const limits = (bytesMax: number, textBytesMax = 1_000_000) => ({ bytesMax, textBytesMax })

describe('rows are cut by bytes, by terms, and into few sizes [P73]', () => {
  it.each([0, 1, 3, 17, 999, 1_000, 2_345])('%i rows are cut without loss, in order', (count) => {
    const list = Array.from({ length: count }, (_, index) => index)
    const parts = [...rowParts(list, () => 1, limits(1_000_000), 1)]
    expect(parts.flat()).toEqual(list)
    expect(new Set(parts.map(({ length }) => length)).size).toBeLessThanOrEqual(11)
  })

  it('1,000 rows are one statement, unless their bytes or their text are too many', () => {
    const list = Array.from({ length: 1_000 }, () => 100)
    expect([...rowParts(list, (bytes) => bytes, limits(100_000), 41)]).toHaveLength(1)
    const parts = [...rowParts(list, (bytes) => bytes, limits(10_000), 41)]
    expect(parts.every((part) => part.length * 100 <= 10_000)).toBe(true)
    expect(parts.flat()).toHaveLength(1_000)
    const short = [...rowParts(list, (bytes) => bytes, limits(100_000, 4_100), 41)]
    expect(short.every((part) => part.length <= 100)).toBe(true)
  })

  it('what is larger than a statement may be is alone in one', () => {
    expect([...rowParts([5, 50, 5], (bytes) => bytes, limits(20), 1)]).toEqual([[5], [50], [5]])
    expect([...partsOfBytes([5, 50, 5, 5], (bytes) => bytes, 20)]).toEqual([[5], [50], [5, 5]])
    expect([...partsOfBytes([], (bytes: number) => bytes, 20)]).toEqual([])
    expect([...partsOfCount([1, 2, 3], 2)]).toEqual([[1, 2], [3]])
  })
})

describe('ids are cut by bytes and terms, and filled up to few sizes [P73]', () => {
  it('by repeating the last', () => {
    expect([...idParts(['a'], limits(10_000))]).toEqual([['a']])
    const [part, ...more] = idParts(['a', 'b'], limits(10_000))
    expect(more).toEqual([])
    expect(part).toEqual(['a', ...Array.from({ length: 15 }, () => 'b')])
    const many = Array.from({ length: 16_001 }, (_, index) => `${index}`)
    const sizesOf = (count: number) =>
      [...idParts(many.slice(0, count), limits(10_000_000))].map(({ length }) => length)
    expect(sizesOf(16_001)).toEqual([16_000, 1])
    expect(sizesOf(5_000)).toEqual([5_000])
    expect(sizesOf(1_001)).toEqual([2_000])
    expect(sizesOf(129)).toEqual([1_000])
  })

  it('never by more than 1,000', () => {
    const ids = Array.from({ length: 20_000 }, (_, index) => `${index}`)
    for (const count of [1, 17, 129, 1_001, 4_097, 5_000, 15_999, 16_001, 20_000]) {
      const parts = [...idParts(ids.slice(0, count), limits(10_000_000))]
      const asked = parts.reduce((sum, part) => sum + part.length, 0)
      expect(asked - count, `${count} ids`).toBeLessThan(1_000)
    }
  })

  it('whatever the ids and the limits: nothing is lost, nothing is too large', () => {
    const random = seededRandom(seed)
    for (let round = 0; round < 300; round++) {
      const longest = random.pick([1, 20, 255])
      const ids = Array.from(
        { length: random.below(5_000) },
        (_, index) => `${'x'.repeat(random.below(longest))}${index}`,
      )
      const bounds = limits(
        300 + random.below(random.pick([1_000, 100_000, 10_000_000])),
        100 + random.below(60_000),
      )
      const parts = [...idParts(ids, bounds)]
      const seen: string[] = []
      for (const part of parts) {
        const own = part.filter((id, at) => at === 0 || id !== part[at - 1])
        seen.push(...own)
        const bytes = part.reduce((sum, id) => sum + Buffer.byteLength(id) + 12, 0)
        if (part.length > 1) {
          expect(bytes).toBeLessThanOrEqual(bounds.bytesMax)
          expect(part.length * 3).toBeLessThanOrEqual(bounds.textBytesMax)
        }
      }
      expect(seen).toEqual(ids)
      expect(new Set(parts.map(({ length }) => length)).size).toBeLessThanOrEqual(8)
    }
  })
})

import { hashId, membershipOf } from '@se/core/hash'
import { describe, expect, it } from 'vitest'
import { StaticCuckooFilter } from './index.ts'

const RATE = 0.001

function create(capacity: number, seed = 0): StaticCuckooFilter {
  return StaticCuckooFilter.create({ capacity, falsePositiveRate: RATE, seed })
}

describe('StaticCuckooFilter', () => {
  it.each([1, 2, 5, 10, 40, 100, 1000, 10_000])(
    'holds its whole capacity of %i, for 200 seeds [P22]',
    (capacity) => {
      const seeds = Math.min(200, 400_000 / capacity)
      for (let seed = 0; seed < seeds; seed++) {
        const filter = create(capacity, seed)
        const keys = Array.from({ length: capacity }, (_, key) => `${seed}.${key}`)
        expect(filter.addMany(keys)).toBe(capacity)
        expect(keys.every((key) => filter.has(key))).toBe(true)
      }
    },
  )

  it('says full, keeps what it has and changes nothing else; has room again after a delete [P23]', () => {
    const filter = create(1000)
    const kept: string[] = []
    let refused = ''
    for (let key = 0; refused === ''; key++) {
      const before = filter.toSnapshot()
      if (filter.add(`key.${key}`) === 'added') kept.push(`key.${key}`)
      else {
        refused = `key.${key}`
        // All but the state that picks which resident moves (bytes 28 to 31) and the checksums over it.
        const after = filter.toSnapshot()
        expect(Buffer.from(after).subarray(32, 80).equals(before.subarray(32, 80))).toBe(true)
        expect(Buffer.from(after).subarray(84, -4).equals(before.subarray(84, -4))).toBe(true)
      }
    }
    expect(kept.length).toBeGreaterThanOrEqual(1000)
    expect(kept.every((key) => filter.has(key))).toBe(true)
    expect(filter.count).toBe(kept.length)
    for (const key of kept.splice(0, 100)) expect(filter.delete(key)).toBe(true)
    expect(filter.add(refused)).toBe('added')
    expect(kept.every((key) => filter.has(key))).toBe(true)
  })

  it('takes eight copies of a key and says full to the ninth', () => {
    const filter = create(1000)
    for (let copy = 0; copy < 8; copy++) expect(filter.add('same')).toBe('added')
    expect(filter.add('same')).toBe('full')
    for (let copy = 0; copy < 8; copy++) expect(filter.delete('same')).toBe(true)
    expect(filter.has('same')).toBe(false)
    expect(filter.delete('same')).toBe(false)
  })

  it('carries count and sum, and comes back from a snapshot whole or in pieces', async () => {
    const filter = create(50_000)
    let sum = 0n
    for (let key = 0; key < 50_000; key++) {
      filter.add(`key.${key}`)
      sum = BigInt.asUintN(64, sum + membershipOf(hashId(`key.${key}`)))
    }
    expect(filter.sum).toBe(sum)
    const bytes = filter.toSnapshot(Uint8Array.of(9))
    const pieces = [...filter.snapshotPieces(Uint8Array.of(9))]
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
    for (const { filter: restored, meta } of [
      StaticCuckooFilter.fromSnapshot(bytes),
      await StaticCuckooFilter.fromSnapshotStream(pieces),
    ]) {
      expect(meta).toEqual(Uint8Array.of(9))
      expect(restored.count).toBe(50_000)
      expect(restored.sum).toBe(sum)
      for (let key = 0; key < 50_000; key++) expect(restored.has(`key.${key}`)).toBe(true)
    }
  })

  it('needs 2.13 bytes a key', () => {
    expect(create(1_000_000).byteLength / 1_000_000).toBeLessThan(2.13)
  })

  it('refuses a rate that 16-bit tags cannot keep', () => {
    expect(() => StaticCuckooFilter.create({ capacity: 1000, falsePositiveRate: 1e-4 })).toThrow(
      expect.objectContaining({ name: 'InvalidInput', field: 'falsePositiveRate' }),
    )
  })
})

import { InvalidInput } from '@se/core'
import { hashId, membershipOf } from '@se/core/hash'
import { describe, expect, it } from 'vitest'
import { alternateIndex, firstIndex, scrambleBase, scrambleTag, seedKeys, tagOf } from './placement.ts'
import { CorruptSnapshot, CuckooFilter, META_BYTES_MAX, SnapshotInterrupted } from './index.ts'

const RATE = 0.001

function filled(capacity: number, keys: number, seed = 0): CuckooFilter {
  const filter = CuckooFilter.create({ capacity, falsePositiveRate: RATE, seed })
  for (let key = 0; key < keys; key++) filter.add(`key.${key}`)
  return filter
}

describe('CuckooFilter', () => {
  it('says present for every key that was added, also far beyond its capacity [P22][P23]', () => {
    const filter = filled(10, 50_000)
    for (let key = 0; key < 50_000; key++) expect(filter.has(`key.${key}`)).toBe(true)
    expect(filter.count).toBe(50_000)
    expect(filter.loadFactor).toBeGreaterThan(0.4)
    expect(filter.loadFactor).toBeLessThanOrEqual(0.9)
  })

  it('says absent for nearly every other key', () => {
    const filter = filled(50_000, 50_000)
    let wrong = 0
    for (let key = 0; key < 100_000; key++) if (filter.has(`other.${key}`)) wrong++
    expect(wrong).toBeLessThanOrEqual(1)
  })

  it('keeps one of a key that was added twice and deleted once [P24]', () => {
    const filter = filled(100, 0)
    filter.addMany(['a', 'a'])
    expect(filter.delete('a')).toBe(true)
    expect(filter.has('a')).toBe(true)
    expect(filter.delete('a')).toBe(true)
    expect(filter.has('a')).toBe(false)
    expect(filter.delete('a')).toBe(false)
    expect(filter.count).toBe(0)
  })

  it('adds a key whose tag is already there, so that deleting one of two lookalikes leaves the other [P25]', () => {
    // Two keys with the same hash are the extreme of a false positive.
    const filter = filled(100, 0)
    filter.addHash(1, 2)
    expect(filter.hasHash(1, 2)).toBe(true)
    filter.addHash(1, 2)
    filter.deleteHash(1, 2)
    expect(filter.hasHash(1, 2)).toBe(true)
  })

  it('takes any number of copies of one key without growing for them', () => {
    const filter = filled(100, 0)
    for (let copy = 0; copy < 10_000; copy++) filter.add('same')
    expect(filter.stashSize).toBe(1)
    expect(filter.byteLength).toBeLessThan(1024)
    for (let copy = 0; copy < 10_000; copy++) expect(filter.delete('same')).toBe(true)
    expect(filter.has('same')).toBe(false)
    expect(filter.stashSize).toBe(0)
  })

  it('keeps keys that somebody chose to share both buckets, beside the full buckets [P23]', () => {
    // 256 buckets: two keys share both with a chance of 2^-15, so among a million there are some thirty with the first.
    const filter = filled(800, 0)
    const { tagKey, baseKey } = seedKeys(0)
    const bucketsOf = (key: number) => {
      const [h1, h2] = hashId(`chosen.${key}`)
      const scrambled = scrambleTag(h1!, h2!, tagKey)
      const tag = tagOf(scrambled, 31)
      const index = firstIndex(tag, scrambleBase(h1!, scrambled, baseKey), 8)
      return `${index & 255},${alternateIndex(index, tag) & 255}`
    }
    const pair = bucketsOf(0)
    const chosen = Array.from({ length: 1_000_000 }, (_, key) => key).filter((key) => bucketsOf(key) === pair)
    expect(chosen.length).toBeGreaterThan(8)
    for (const key of chosen) filter.add(`chosen.${key}`)
    expect(filter.stashSize).toBe(chosen.length - 8)
    for (const key of chosen) expect(filter.has(`chosen.${key}`)).toBe(true)
    // Once the table grows they part, and the stash empties.
    for (let key = 0; key < 2000; key++) filter.add(`key.${key}`)
    expect(filter.stashSize).toBe(0)
    for (const key of chosen) expect(filter.delete(`chosen.${key}`)).toBe(true)
    expect(filter.count).toBe(2000)
  })

  it('changes nothing when a key that is not there is deleted [P24]', () => {
    const filter = filled(1000, 1000)
    const before = filter.sum
    expect(filter.delete('never added')).toBe(false)
    expect(filter.count).toBe(1000)
    expect(filter.sum).toBe(before)
  })

  it('carries count and sum of the id hashes, as a digest tree does', () => {
    const filter = filled(10, 300)
    for (let key = 0; key < 100; key++) filter.delete(`key.${key}`)
    let sum = 0n
    for (let key = 100; key < 300; key++) sum = BigInt.asUintN(64, sum + membershipOf(hashId(`key.${key}`)))
    expect(filter.count).toBe(200)
    expect(filter.sum).toBe(sum)
  })

  it('takes the first two words of the id hash for the key itself', () => {
    const filter = filled(10, 0)
    filter.add('user.alice')
    const [h1, h2] = hashId('user.alice')
    expect(filter.hasHash(h1!, h2!)).toBe(true)
    expect(filter.hasHash(h1! | 0, h2! | 0)).toBe(true)
    expect(filter.deleteHash(h1!, h2!)).toBe(true)
    expect(filter.sum).toBe(0n)
  })

  it('gives memory back on request, in steps if wanted, not below its first size', () => {
    const filter = filled(1000, 100_000)
    const first = CuckooFilter.create({ capacity: 1000, falsePositiveRate: RATE }).byteLength
    for (let key = 500; key < 100_000; key++) filter.delete(`key.${key}`)
    expect(filter.shrink(10)).toBe(false)
    expect(filter.shrink()).toBe(true)
    expect(filter.byteLength).toBeLessThan(4 * first)
    for (let key = 0; key < 500; key++) expect(filter.has(`key.${key}`)).toBe(true)
    for (let key = 0; key < 100_000; key++) filter.add(`key.${key}`)
    for (let key = 0; key < 100_000; key++) expect(filter.has(`key.${key}`)).toBe(true)
  })

  it('comes back from a snapshot with its keys, figures and the meta block', () => {
    const filter = filled(10, 20_000, 7)
    for (let copy = 0; copy < 30; copy++) filter.add('many')
    const meta = Uint8Array.of(1, 2, 3)
    const bytes = filter.toSnapshot(meta)
    const restored = CuckooFilter.fromSnapshot(bytes)
    expect(restored.meta).toEqual(meta)
    expect(restored.filter.count).toBe(20_030)
    expect(restored.filter.sum).toBe(filter.sum)
    expect(restored.filter.falsePositiveRate).toBe(RATE)
    for (let key = 0; key < 20_000; key++) expect(restored.filter.has(`key.${key}`)).toBe(true)
    // And goes on exactly as the original does.
    filter.add('next')
    restored.filter.add('next')
    expect(Buffer.from(restored.filter.toSnapshot(meta)).equals(filter.toSnapshot(meta))).toBe(true)
  })

  it('streams the same bytes, and reads them in pieces of any size', async () => {
    const filter = filled(10, 40_000)
    const whole = filter.toSnapshot()
    expect(Buffer.concat([...filter.snapshotPieces()]).equals(whole)).toBe(true)
    async function* pieces() {
      for (let at = 0; at < whole.length; at += 9973) yield whole.subarray(at, at + 9973)
    }
    const { filter: restored } = await CuckooFilter.fromSnapshotStream(pieces())
    expect(restored.has('key.39999')).toBe(true)
    expect(restored.sum).toBe(filter.sum)
  })

  it('refuses to finish a streamed snapshot of a filter that has changed [P26]', () => {
    const filter = filled(10, 40_000)
    const pieces = filter.snapshotPieces()
    pieces.next()
    filter.add('late')
    expect(() => [...pieces]).toThrow(SnapshotInterrupted)
  })

  it('refuses a snapshot that another hash function filled', () => {
    const hash = (key: string, out: Uint32Array) => {
      out[0] = key.length
      out[1] = key.charCodeAt(0)
    }
    const filter = CuckooFilter.create({ capacity: 10, falsePositiveRate: RATE, hash })
    filter.add('a')
    const bytes = filter.toSnapshot()
    expect(() => CuckooFilter.fromSnapshot(bytes)).toThrow(CorruptSnapshot)
    expect(CuckooFilter.fromSnapshot(bytes, { hash }).filter.has('a')).toBe(true)
  })

  it.each([
    ['capacity', { capacity: 0, falsePositiveRate: RATE }],
    ['capacity', { capacity: 1.5, falsePositiveRate: RATE }],
    ['capacity', { capacity: 2 ** 30 + 1, falsePositiveRate: RATE }],
    ['falsePositiveRate', { capacity: 10, falsePositiveRate: 0 }],
    ['falsePositiveRate', { capacity: 10, falsePositiveRate: 1 }],
    ['falsePositiveRate', { capacity: 10, falsePositiveRate: Number.NaN }],
    ['falsePositiveRate', { capacity: 1000, falsePositiveRate: 1e-7 }],
    ['seed', { capacity: 10, falsePositiveRate: RATE, seed: -1 }],
    ['seed', { capacity: 10, falsePositiveRate: RATE, seed: 2 ** 32 }],
    ['hash', { capacity: 10, falsePositiveRate: RATE, hash: 'md5' as never }],
  ])('refuses a wrong %s: %o', (field, options) => {
    expect(() => CuckooFilter.create(options)).toThrow(
      expect.objectContaining({ name: 'InvalidInput', field }),
    )
  })

  it('refuses what is no key, no snapshot, no meta and no step count', () => {
    const filter = filled(10, 0)
    expect(() => filter.add(7 as never)).toThrow(InvalidInput)
    expect(() => filter.shrink(0)).toThrow(InvalidInput)
    expect(() => filter.toSnapshot(new Uint8Array(META_BYTES_MAX + 1))).toThrow(InvalidInput)
    expect(() => filter.toSnapshot('meta' as never)).toThrow(InvalidInput)
    expect(() => CuckooFilter.fromSnapshot('bytes' as never)).toThrow(InvalidInput)
    expect(() => CuckooFilter.fromSnapshot(new Uint8Array(0))).toThrow(CorruptSnapshot)
    expect(() => CuckooFilter.fromSnapshot(new Uint8Array(200))).toThrow(CorruptSnapshot)
  })
})

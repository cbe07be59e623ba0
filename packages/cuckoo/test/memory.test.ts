/**
 * Goal: where the platform has no memory to give, callers get a typed error, and a filter that cannot grow still loses nothing [P23].
 * Method: the constructors of the typed arrays refuse above a length, as they do when an allocation fails.
 */
import { hashId, membershipOf } from '@se/core/hash'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CuckooFilter, OutOfMemory, StaticCuckooFilter } from '../src/index.ts'

/** From now on arrays of more elements cannot be had. */
function refuseAbove(lengthMax: number): void {
  for (const name of ['Int32Array', 'Uint16Array'] as const) {
    const construct = (target: typeof Int32Array, args: [number]) => {
      if (args[0] > lengthMax) throw new RangeError('Array buffer allocation failed')
      return Reflect.construct(target, args) as Int32Array
    }
    vi.stubGlobal(name, new Proxy(globalThis[name] as typeof Int32Array, { construct }))
  }
}

afterEach(() => vi.unstubAllGlobals())

describe('without memory', () => {
  it('create and fromSnapshot say so, with the bytes that were asked for', () => {
    for (const kind of [CuckooFilter, StaticCuckooFilter]) {
      const bytes = kind.create({ capacity: 100_000, falsePositiveRate: 0.001 }).toSnapshot()
      refuseAbove(10_000)
      for (const attempt of [
        () => kind.create({ capacity: 100_000, falsePositiveRate: 0.001 }),
        () => kind.fromSnapshot(bytes),
      ]) {
        expect(attempt).toThrow(OutOfMemory)
        expect(attempt).toThrow(
          expect.objectContaining({ code: 'SE_OUT_OF_MEMORY', details: { bytes: expect.any(Number) } }),
        )
      }
      vi.unstubAllGlobals()
    }
  })

  it('add goes on in the stash, and into the table once there is memory again [P23]', () => {
    const filter = CuckooFilter.create({ capacity: 800, falsePositiveRate: 0.001 })
    const { byteLength } = filter
    refuseAbove(16)
    for (let key = 0; key < 3000; key++) filter.add(`key.${key}`)
    expect(filter.byteLength).toBe(byteLength)
    expect(filter.stashSize).toBeGreaterThan(1900)
    let sum = 0n
    for (let key = 0; key < 3000; key++) {
      expect(filter.has(`key.${key}`)).toBe(true)
      sum += membershipOf(hashId(`key.${key}`))
    }
    expect(filter.count).toBe(3000)
    expect(filter.sum).toBe(BigInt.asUintN(64, sum))
    const snapshot = filter.toSnapshot()
    vi.unstubAllGlobals()
    expect(CuckooFilter.fromSnapshot(snapshot).filter.sum).toBe(filter.sum)
    for (let key = 3000; key < 20_000; key++) filter.add(`key.${key}`)
    expect(filter.stashSize).toBe(0)
    for (let key = 0; key < 20_000; key++) expect(filter.delete(`key.${key}`)).toBe(true)
    expect(filter.sum).toBe(0n)
  })

  it('asks again only after a sixteenth more, not with every add', () => {
    const filter = CuckooFilter.create({ capacity: 800, falsePositiveRate: 0.001 })
    let refused = 0
    const construct = () => {
      refused++
      throw new RangeError('Array buffer allocation failed')
    }
    vi.stubGlobal('Int32Array', new Proxy(Int32Array, { construct }))
    for (let key = 0; key < 1700; key++) filter.add(`key.${key}`)
    expect(refused).toBeGreaterThan(2)
    expect(refused).toBeLessThan(20)
  })
})

describe('a large snapshot', () => {
  it.each([
    ['static', StaticCuckooFilter],
    ['growing', CuckooFilter],
  ] as const)('of a %s filter comes back, though memory is taken as its pieces arrive', async (_, kind) => {
    const filter = kind.create({ capacity: 9_000_000, falsePositiveRate: 0.001 })
    expect(filter.byteLength).toBeGreaterThan(2 ** 24)
    for (let key = 0; key < 20_000; key++) filter.add(`key.${key}`)
    const { filter: restored } = await kind.fromSnapshotStream(filter.snapshotPieces())
    expect(restored.byteLength).toBe(filter.byteLength)
    for (let key = 0; key < 20_000; key++) expect(restored.delete(`key.${key}`)).toBe(true)
    expect(restored.sum).toBe(0n)
  })
})

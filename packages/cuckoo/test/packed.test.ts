/**
 * Goal: the package works for a stranger: installed from its tarball and core's in an empty folder, in Node, in the compiler and in a
 * browser bundle of the size that the README states.
 */
import { readFileSync } from 'node:fs'
import { installPacked, NODE_TRACES, sizesOverStated, type Stranger } from '@se/testkit/packed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SCRIPT = `
import { CuckooFilter, StaticCuckooFilter, CorruptSnapshot } from '@se/cuckoo'
const filter = CuckooFilter.create({ capacity: 100, falsePositiveRate: 0.001 })
for (let key = 0; key < 5000; key++) filter.add('key.' + key)
const { filter: restored } = CuckooFilter.fromSnapshot(filter.toSnapshot())
let denied = 0
for (let key = 0; key < 5000; key++) if (!restored.has('key.' + key)) denied++
const fixed = StaticCuckooFilter.create({ capacity: 100, falsePositiveRate: 0.001 })
console.log(denied, restored.delete('key.1'), restored.count, fixed.add('a'), CorruptSnapshot.prototype instanceof Error)
`
const EXPECTED = '0 true 4999 added true\n'

describe('@se/cuckoo from its tarball', () => {
  let stranger: Stranger
  beforeAll(() => {
    stranger = installPacked('cuckoo')
  }, 180_000)
  afterAll(() => stranger.close())

  it('has no class with a name that the build gave it [P77]', () => {
    expect(stranger.misnamedClasses).toEqual([])
  })

  it('brings nothing but itself and core', () => {
    expect(stranger.installed).toEqual(['@se/core', '@se/cuckoo'])
  })

  it('runs in Node', () => {
    expect(stranger.run(SCRIPT)).toBe(EXPECTED)
  })

  it('type-checks for a strict caller without Node types', () => {
    const complaints = stranger.typeCheck(`
      import { CuckooFilter, type Restored } from '@se/cuckoo'
      const filter: CuckooFilter = CuckooFilter.create({ capacity: 1, falsePositiveRate: 0.01, seed: 7 })
      const restored: Restored<CuckooFilter> = CuckooFilter.fromSnapshot(filter.toSnapshot(Uint8Array.of(1)))
      export const sum: bigint = restored.filter.sum
      // @ts-expect-error the capacity is needed
      CuckooFilter.create({ falsePositiveRate: 0.01 })`)
    expect(complaints).toBe('')
  })

  it('runs from a browser bundle of the size the README states', async () => {
    const all = await stranger.bundle(`export * from '@se/cuckoo'`)
    expect(all).not.toMatch(NODE_TRACES)
    const sizes = sizesOverStated(all, readFileSync(new URL('../README.md', import.meta.url), 'utf8'))
    for (const [form, ratio] of Object.entries(sizes)) expect(Math.abs(ratio - 1), form).toBeLessThan(0.05)

    // Without anything of Node's but the language.
    expect(stranger.run(await stranger.bundle(SCRIPT))).toBe(EXPECTED)
  })
})

/**
 * Goal: snapshots of this version stay readable, and their bytes are those of docs/formats/filter-snapshot.md.
 * Method: bytes checked in under testdata/. A test that fails here means a new format version, not new files.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CuckooFilter, StaticCuckooFilter } from '../src/index.ts'

const golden = (name: string): Buffer =>
  Buffer.from(readFileSync(new URL(`../testdata/${name}`, import.meta.url), 'utf8').replaceAll(/\s/g, ''), 'hex')
const meta = new TextEncoder().encode('meta')

describe('snapshot, version 1', () => {
  it('of a growing filter: grown to 32 buckets, with a stash', () => {
    const filter = CuckooFilter.create({ capacity: 10, falsePositiveRate: 0.001, seed: 42 })
    for (let key = 0; key < 70; key++) filter.add(`key.${key}`)
    for (let copy = 0; copy < 9; copy++) filter.add('nine times')
    expect(Buffer.from(filter.toSnapshot(meta)).toString('hex')).toBe(
      golden('growing-v1.hex').toString('hex'),
    )
    const { filter: restored, meta: restoredMeta } = CuckooFilter.fromSnapshot(golden('growing-v1.hex'))
    expect(restoredMeta).toEqual(meta)
    expect(restored.count).toBe(79)
    expect(restored.stashSize).toBe(1)
    for (let key = 0; key < 70; key++) expect(restored.has(`key.${key}`)).toBe(true)
  })

  it('of a static filter', () => {
    const filter = StaticCuckooFilter.create({ capacity: 10, falsePositiveRate: 0.001, seed: 42 })
    for (let key = 0; key < 10; key++) filter.add(`key.${key}`)
    expect(Buffer.from(filter.toSnapshot(meta)).toString('hex')).toBe(golden('static-v1.hex').toString('hex'))
    expect(StaticCuckooFilter.fromSnapshot(golden('static-v1.hex')).filter.count).toBe(10)
  })
})

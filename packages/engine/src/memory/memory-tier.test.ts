import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { StoredItem } from '@se/core'
import { describe, expect, it } from 'vitest'
import { ENTRY_OVERHEAD_BYTES, MemoryTier } from './memory-tier.ts'

const utf8 = new TextEncoder()

function stored(id: string, time: number, text = 'text', version?: number): StoredItem {
  return {
    id,
    bytes: utf8.encode(text),
    stamp: { time, instance: 1 },
    version,
    state: 'default',
    contentType: 'text/plain',
    createdAtMs: 1,
    updatedAtMs: time,
  }
}

const CHARGE = 'a'.length * 2 + 'text'.length + ENTRY_OVERHEAD_BYTES

function createTier(bytesMax = 1_000_000) {
  const evictions: number[] = []
  const tier = new MemoryTier({
    bytesMax,
    observer: { evicted: ({ count }) => void evictions.push(count) },
  })
  return { tier, evictions }
}

describe('MemoryTier', () => {
  it('gives what was put, the same object on every hit', () => {
    const { tier } = createTier()
    const item = tier.put(stored('a', 1))
    expect(tier.get('a')).toBe(item)
    expect(tier.get('a')).toBe(item)
    expect(tier.get('b')).toBeUndefined()
  })

  it('never lets an older write replace a newer one, and says which is newest [W3, P12]', () => {
    const { tier } = createTier()
    const newer = tier.put(stored('a', 2, 'new'))
    expect(tier.put(stored('a', 1, 'old'))).toBe(newer)
    expect(tier.get('a')).toBe(newer)
    const sameTime = tier.put({ ...stored('a', 2), stamp: { time: 2, instance: 2 } })
    expect(tier.get('a')).toBe(sameTime)
  })

  it('keeps parsed value and pin when a loaded copy of the same write brings the version', () => {
    const { tier } = createTier()
    const pending = tier.put(
      { ...stored('a', 1, '{"x":1}'), contentType: 'application/json' },
      { isPinned: true },
    )
    const value = pending.json()
    const loaded = tier.put({
      ...stored('a', 1, '{"x":1}', 4),
      contentType: 'application/json',
      createdAtMs: 9,
    })
    expect(loaded).toMatchObject({ version: 4, createdAtMs: 9 })
    expect(loaded.json()).toBe(value)
    expect(tier.peek('a')?.isPinned).toBe(true)
    expect(tier.put(stored('a', 1, '{"x":1}')).version).toBe(4)
  })

  it('charges id, value and a fixed overhead', () => {
    const { tier } = createTier()
    tier.put(stored('a', 1))
    expect(tier.stats()).toEqual({
      items: 1,
      bytes: CHARGE,
      pinnedItems: 0,
      pinnedBytes: 0,
      bytesMax: 1_000_000,
    })
    tier.put(stored('a', 2, 'longer text'))
    expect(tier.stats().bytes).toBe(CHARGE + 'longer text'.length - 'text'.length)
    tier.put(stored('b', 1), { isPinned: true })
    expect(tier.stats()).toMatchObject({ items: 2, pinnedItems: 1, pinnedBytes: CHARGE })
    tier.clear()
    expect(tier.stats()).toMatchObject({ items: 0, bytes: 0, pinnedItems: 0, pinnedBytes: 0 })
  })

  it('evicts clean entries only; pinned ones stay though the bound is passed [R6, P13]', () => {
    const { tier, evictions } = createTier(CHARGE * 3)
    tier.put(stored('a', 1), { isPinned: true })
    tier.put(stored('b', 1))
    tier.put(stored('c', 1))
    tier.put(stored('d', 1))
    expect(evictions).toEqual([1])
    expect(tier.get('b')).toBeUndefined()
    for (const id of ['e', 'f', 'g', 'h']) tier.put(stored(id, 1), { isPinned: true })
    expect(tier.stats()).toMatchObject({ items: 5, pinnedItems: 5, bytes: CHARGE * 5 })
    for (const id of ['a', 'e', 'f', 'g', 'h']) expect(tier.get(id)).toBeDefined()
    expect(evictions).toEqual([1, 1, 1])
  })

  it('evicts what is unpinned while the bound is passed, once it is unpinned', () => {
    const { tier } = createTier(CHARGE * 2)
    for (const id of ['a', 'b', 'c']) tier.put(stored(id, 1), { isPinned: true })
    expect(tier.stats().items).toBe(3)
    expect(tier.unpin('b', { time: 1, instance: 1 }, { version: 1, createdAtMs: 1 })).toBe(true)
    expect(tier.stats()).toMatchObject({ items: 2, pinnedItems: 2, bytes: CHARGE * 2 })
    expect(tier.get('b')).toBeUndefined()
  })

  it('unpins exactly the write that was accepted, not a newer one [P8]', () => {
    const { tier } = createTier()
    tier.put(stored('a', 1), { isPinned: true })
    tier.put(stored('a', 2), { isPinned: true })
    expect(tier.unpin('a', { time: 1, instance: 1 }, { version: 1, createdAtMs: 5 })).toBe(false)
    expect(tier.peek('a')).toMatchObject({ isPinned: true, item: { version: undefined } })
    expect(tier.unpin('a', { time: 2, instance: 1 }, { version: 2, createdAtMs: 5 })).toBe(true)
    expect(tier.peek('a')).toMatchObject({ isPinned: false, item: { version: 2, createdAtMs: 5 } })
    expect(tier.stats()).toMatchObject({ pinnedItems: 0, pinnedBytes: 0 })
    expect(tier.unpin('b', { time: 2, instance: 1 }, { version: 2, createdAtMs: 5 })).toBe(false)
  })

  it('does not keep an item larger than the tier, nor the older one it replaces', () => {
    const { tier } = createTier(CHARGE)
    tier.put(stored('a', 1))
    const large = tier.put(stored('a', 2, 'x'.repeat(10_000)))
    expect(large.bytes.length).toBe(10_000)
    expect(tier.get('a')).toBeUndefined()
    expect(tier.stats()).toMatchObject({ items: 0, bytes: 0 })
  })

  it('drops what is older than a stamp that was heard, and nothing else', () => {
    const { tier } = createTier()
    tier.put(stored('a', 5))
    tier.put(stored('b', 5), { isPinned: true })
    expect(tier.dropOlder('a', { time: 5, instance: 1 })).toBe(false)
    expect(tier.dropOlder('a', { time: 5, instance: 2 })).toBe(true)
    expect(tier.dropOlder('b', { time: 6, instance: 1 })).toBe(true)
    expect(tier.dropOlder('c', { time: 6, instance: 1 })).toBe(false)
    expect(tier.stats()).toMatchObject({ items: 0, bytes: 0, pinnedItems: 0 })
    tier.put(stored('a', 5))
    expect(tier.drop('a')).toBe(true)
    expect(tier.drop('a')).toBe(false)
  })

  it('copies a small value out of a large packet, and leaves a value that has its own buffer', () => {
    const { tier } = createTier()
    const packet = new Uint8Array(1_000_000).fill(7)
    const kept = tier.put({ ...stored('a', 1), bytes: packet.subarray(10, 110) })
    expect(kept.bytes.buffer.byteLength).toBe(100)
    expect(kept.bytes).toEqual(new Uint8Array(100).fill(7))
    const own = new Uint8Array(100)
    expect(tier.put({ ...stored('b', 1), bytes: own }).bytes).toBe(own)
  })

  it('charges no less than the heap spends on values of 100 B', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const { tier } = createTier(1e9)
    const used = () => {
      collect()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const text = 'x'.repeat(100)
    const before = used()
    for (let count = 0; count < 50_000; count++) {
      tier.put({ ...stored(`user.${count}`, 1e15 + count, text, 1), createdAtMs: 1e12 + count })
    }
    const spent = used() - before
    expect(tier.stats().items).toBe(50_000)
    expect(spent / tier.stats().bytes).toBeLessThan(1)
    // And it is no wild guess either.
    expect(spent / tier.stats().bytes).toBeGreaterThan(0.6)
  })
})

/**
 * Goal: what a read may answer and keep follows from what each tier knows, also where the simulation seldom comes.
 * Method: a read path between tiers that answer as the test says.
 */
import { StampClock, type Lookup, type Stamp, type StoredItem } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { MemoryTier } from '../memory/memory-tier.ts'
import { Overlay } from '../views/overlay.ts'
import { ReadPath } from './read-path.ts'

const stamp = (time: number): Stamp => ({ time, instance: 1 })

function found(time: number): Lookup {
  const item: StoredItem = {
    id: 'a',
    bytes: new Uint8Array([time]),
    stamp: stamp(time),
    version: 1,
    state: 'default',
    contentType: 'application/octet-stream',
    createdAtMs: 1,
    updatedAtMs: 1,
  }
  return { kind: 'found', item }
}

/** A filter that is trusted and denies everything, a cache and an archive that give what they are told. */
function createWorld(tells: {
  inCache: Lookup
  inArchive: Lookup
  mayAsk?: boolean
  standsAtViews?: boolean
}) {
  const clock = createFakeClock()
  const memory = new MemoryTier({ bytesMax: 1_000_000 })
  const overlay = new Overlay()
  const asked: string[] = []
  const filter = { isDenying: false }
  const answering = (tier: string, lookup: Lookup) => ({
    get: async () => {
      asked.push(tier)
      return lookup
    },
    getMany: async (ids: readonly string[]) => {
      asked.push(tier)
      return ids.map(() => lookup)
    },
  })
  const reads = new ReadPath({
    archive: answering('archive', tells.inArchive),
    cache: {
      ...answering('cache', tells.inCache),
      readPermits: async (ids) => ids.map(() => undefined),
      put: async (puts) => puts.map(() => 'skipped' as const),
    },
    cacheView: {
      mayAsk: () => tells.mayAsk ?? true,
      standsAtViews: () => tells.standsAtViews ?? true,
    },
    pending: { read: () => undefined },
    memory,
    overlay,
    filter: {
      denies: () => filter.isDenying,
      trust: { isTrusted: true } as never,
    },
    freshness: { isFresh: true },
    stamps: new StampClock(clock, 1, 0),
    clock,
    observer: {},
  })
  return { reads, memory, overlay, asked, filter }
}

describe('ReadPath', () => {
  it('[R5] gives what a stripe behind the views answers, and does not keep it', async () => {
    const behind = createWorld({ inCache: found(1), inArchive: found(1), standsAtViews: false })
    expect((await behind.reads.get('a'))?.stamp).toEqual(stamp(1))
    expect((await behind.reads.getMany(['a']))[0]?.stamp).toEqual(stamp(1))
    expect(behind.memory.peek('a')).toBeUndefined()

    const level = createWorld({ inCache: found(1), inArchive: found(1) })
    await level.reads.get('a')
    expect(level.memory.peek('a')?.item.stamp).toEqual(stamp(1))
    expect(level.asked).toEqual(['cache'])
  })

  it('[R5] does not ask the cache about an id whose stripe may not be asked', async () => {
    const { reads, asked } = createWorld({ inCache: found(1), inArchive: found(2), mayAsk: false })
    expect((await reads.get('a'))?.stamp).toEqual(stamp(2))
    expect(asked).toEqual(['archive'])
  })

  it('[R5] passes over an entry of the cache that is older than an own batch', async () => {
    const { reads, overlay, asked } = createWorld({ inCache: found(1), inArchive: found(2) })
    const own = { stamp: stamp(2), isLive: true }
    overlay.add(1, [
      { id: 'a', ...own },
      { id: 'b', ...own },
    ])
    const items = await reads.getMany(['a', 'b'])
    expect(items.map((item) => item?.stamp)).toEqual([stamp(2), stamp(2)])
    // Both are asked for at once, as what the cache lacks is.
    expect(asked).toEqual(['cache', 'archive'])
  })

  it('[R3] [P56] does not let the filter deny an id of an own batch that it has not heard of', async () => {
    const { reads, overlay, filter, asked } = createWorld({ inCache: found(1), inArchive: found(1) })
    filter.isDenying = true
    expect(await reads.get('a')).toBeUndefined()
    expect(reads.containsFast('a')).toBe('absent')
    expect(asked).toEqual([])
    overlay.add(1, [{ id: 'a', stamp: stamp(1), isLive: true }])
    expect(reads.containsFast('a')).toBe('present')
    overlay.hear('a', stamp(2))
    expect(reads.containsFast('a')).toBe('unknown')
    expect(await reads.getMany(['a'])).toHaveLength(1)
    expect((await reads.get('a'))?.stamp).toEqual(stamp(1))
  })
})

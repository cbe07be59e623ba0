/**
 * Goal: what a read may answer and keep follows from what each tier knows, also where the simulation seldom comes.
 * Method: a read path between tiers that answer as the test says.
 */
import { StampClock, type Lookup, type Stamp, type StoredItem } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { MemoryTier } from '../memory/memory-tier.ts'
import { Overlay } from '../views/overlay.ts'
import { ReadPath } from './read-path.ts'

const stamp = (time: number): Stamp => ({ time, instance: 1 })

function found(time: number, id = 'a'): Lookup {
  const item: StoredItem = {
    id,
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

function of(lookup: Lookup, id: string): Lookup {
  return lookup.kind === 'found' ? found(lookup.item.stamp.time, id) : lookup
}

/** A filter that is trusted and denies everything, a cache and an archive that give what they are told. */
function createWorld(tells: {
  inCache: Lookup
  inArchive: Lookup
  mayAsk?: boolean
  standsAtViews?: boolean
  isFresh?: boolean
}) {
  const clock = createFakeClock()
  const memory = new MemoryTier({ bytesMax: 1_000_000 })
  const overlay = new Overlay()
  const asked: string[] = []
  const filter = { isDenying: false }
  const answering = (tier: string, lookup: Lookup) => ({
    get: async (id: string) => {
      asked.push(tier)
      return of(lookup, id)
    },
    getMany: async (ids: readonly string[]) => {
      asked.push(tier)
      return ids.map((id) => of(lookup, id))
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
    freshness: { isFresh: tells.isFresh ?? true },
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

describe('getMany', () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `user.${index}`)

  it('looks through no list once an id, and asks each tier once: its cost is linear', async () => {
    const { reads, asked } = createWorld({
      inCache: { kind: 'absent' },
      inArchive: found(1),
    })
    const searched = await searchedElements(async () => {
      const items = await reads.getMany(ids)
      expect(items.map((item) => item?.id)).toEqual(ids)
    })
    expect(asked).toEqual(['cache', 'archive'])
    // Quadratic would be half a million.
    expect(searched).toBeLessThan(10 * ids.length)
  })

  it('asks the archive in one call about all ids of which something newer is known than what came [R2]', async () => {
    const { reads, memory, asked } = createWorld({ inCache: found(1), inArchive: found(2), isFresh: false })
    for (const id of ids) memory.put((found(2, id) as { item: StoredItem }).item)
    const items = await reads.getMany([...ids, 'unknown before'])
    expect(items.map((item) => item?.stamp.time)).toEqual([...ids.map(() => 2), 1])
    expect(asked).toEqual(['cache', 'archive'])
  })
})

/** How many elements the searches in lists may have looked at while `work` ran. */
async function searchedElements(work: () => Promise<void>): Promise<number> {
  let elements = 0
  const spies = (['indexOf', 'includes', 'find', 'findIndex', 'lastIndexOf', 'some'] as const).map((name) => {
    const original = Array.prototype[name] as (...parameters: unknown[]) => unknown
    return vi.spyOn(Array.prototype, name).mockImplementation(function (
      this: unknown[],
      ...parameters: unknown[]
    ) {
      elements += this.length
      return original.apply(this, parameters)
    } as never)
  })
  try {
    await work()
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return elements
}

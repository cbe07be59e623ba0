/**
 * Goal: what a read may answer and keep follows from what each tier knows, also where the simulation seldom comes.
 * Method: a read path between tiers that answer as the test says.
 */
import { StampClock, type ItemWrite, type Lookup, type Stamp, type StoredItem } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { readGetOptions } from '../call-options.ts'
import { CallDeadlines } from '../deadline/deadline.ts'
import { MemoryTier } from '../memory/memory-tier.ts'
import type { HeardWrite } from '../heard/heard.ts'
import { KnownWrites } from '../heard/known-writes.ts'
import { LoadFloors } from '../heard/load-floors.ts'
import { LowerTiers } from './lower-tiers.ts'
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
  mayKeep?: boolean
  isFresh?: boolean
  pending?: ItemWrite | ((id: string) => ItemWrite)
  /** The archive answers when this is resolved. */
  archiveAnswers?: Promise<void>
}) {
  const clock = createFakeClock()
  const memory = new MemoryTier({ bytesMax: 1_000_000 })
  const known = new KnownWrites()
  const heard: HeardWrite[] = []
  const asked: string[] = []
  /** Ids that the cache is about to be given. */
  const permitted: string[] = []
  const filter = { isDenying: false }
  const answering = (tier: string, lookup: Lookup) => ({
    get: async (id: string) => {
      asked.push(tier)
      if (tier === 'archive') await tells.archiveAnswers
      return of(lookup, id)
    },
    getMany: async (ids: readonly string[]) => {
      asked.push(tier)
      return ids.map((id) => of(lookup, id))
    },
  })
  const telemetry = { clock, observer: {} }
  const filterPort = { denies: () => filter.isDenying, trust: { isTrusted: true } as never }
  const loads = { ours: new LoadFloors(), asked: new LoadFloors() }
  const tiers = new LowerTiers({
    archive: answering('archive', tells.inArchive),
    cache: {
      ...answering('cache', tells.inCache),
      readPermits: async (ids) => {
        permitted.push(...ids)
        return ids.map(() => undefined)
      },
      put: async (puts) => puts.map(() => 'skipped' as const),
    },
    stripes: {
      worthOf: () =>
        tells.mayAsk === false ? undefined : { mayKeep: tells.mayKeep ?? true, asOfMs: clock.monotonicMs() },
    },
    known,
    asked: loads.asked,
    heard: { hear: (write) => void heard.push(write) },
    filter: filterPort,
    stamps: new StampClock(clock, 1, 0),
    telemetry,
  })
  const reads = new ReadPath({
    tiers,
    floors: loads.ours,
    pending: {
      read: (id) => (typeof tells.pending === 'function' ? tells.pending(id) : tells.pending),
      isSure: () => true,
    },
    memory,
    known,
    filter: filterPort,
    freshness: {
      state: (tells.isFresh ?? true) ? 'fresh' : 'stale',
      isRecent: (asOfMs, readAtMs) => readAtMs - asOfMs <= 500,
      stalenessMs: 500,
    },
    deadlines: new CallDeadlines(clock, 30_000),
    telemetry,
  })
  return { reads, loads, memory, known, heard, asked, permitted, filter, clock }
}

describe('ReadPath', () => {
  it('gives what a stripe behind the views answers, and does not keep it [R5]', async () => {
    const behind = createWorld({ inCache: found(1), inArchive: found(1), mayKeep: false })
    expect((await behind.reads.get('a'))?.stamp).toEqual(stamp(1))
    expect((await behind.reads.getMany(['a']))[0]?.stamp).toEqual(stamp(1))
    expect(behind.memory.peek('a')).toBeUndefined()

    // Nor does memory go on with something older than what was given.
    const older = createWorld({
      inCache: found(2),
      inArchive: found(2),
      mayKeep: false,
      isFresh: false,
    })
    older.memory.put((found(1) as Lookup & { kind: 'found' }).item)
    await older.reads.get('a')
    expect(older.memory.peek('a')).toBeUndefined()

    const level = createWorld({ inCache: found(1), inArchive: found(1) })
    await level.reads.get('a')
    expect(level.memory.peek('a')?.item.stamp).toEqual(stamp(1))
    expect(level.asked).toEqual(['cache'])
  })

  it('hears nothing from an answer of the archive that is older than what was heard while it was on its way [R2] [P58]', async () => {
    const { reads, loads, heard } = createWorld({ inCache: found(1), inArchive: found(2) })
    const source = readGetOptions({ consistency: 'source' })
    await reads.get('a', source)
    expect(heard).toMatchObject([{ id: 'a', stamp: stamp(2) }])
    const late = reads.get('a', source)
    loads.asked.raise('a', stamp(3))
    await late
    const missed = reads.get('a', source)
    loads.asked.raiseAll()
    await missed
    expect(heard).toHaveLength(1)
  })

  it('does not ask the cache about an id whose stripe may not be asked [R5]', async () => {
    const { reads, asked } = createWorld({ inCache: found(1), inArchive: found(2), mayAsk: false })
    expect((await reads.get('a'))?.stamp).toEqual(stamp(2))
    expect(asked).toEqual(['archive'])
  })

  it('passes over an entry of the cache that is older than what is known of the id [R2, P85]', async () => {
    const { reads, known, asked, permitted } = createWorld({ inCache: found(1), inArchive: found(2) })
    for (const id of ['a', 'b']) known.note(id, stamp(2), true, false)
    const items = await reads.getMany(['a', 'b'])
    expect(items.map((item) => item?.stamp)).toEqual([stamp(2), stamp(2)])
    // Both are asked for at once, as what the cache lacks is, and it is given what the archive has.
    expect(asked).toEqual(['cache', 'archive'])
    expect(permitted).toEqual(['a', 'b'])
  })

  it('does not let the filter deny an id of an own batch that it has not heard of [R3, P56]', async () => {
    const { reads, known, filter, asked } = createWorld({ inCache: found(1), inArchive: found(1) })
    filter.isDenying = true
    expect(await reads.get('a')).toBeUndefined()
    expect(reads.containsFast('a')).toBe('absent')
    expect(asked).toEqual([])
    known.note('a', stamp(1), true, false)
    expect(reads.containsFast('a')).toBe('present')
    known.note('a', stamp(2), undefined, false)
    expect(reads.containsFast('a')).toBe('unknown')
    expect(await reads.getMany(['a'])).toHaveLength(1)
    expect((await reads.get('a'))?.stamp).toEqual(stamp(1))
    // From a ledger row the filter has heard too.
    known.note('a', stamp(3), false, true)
    expect(reads.containsFast('a')).toBe('absent')
    expect(await reads.get('a')).toBeUndefined()
  })

  it('tells of what the archive says, and never of what the cache says [P86]', async () => {
    const cached = createWorld({ inCache: found(1), inArchive: found(2) })
    await cached.reads.get('a')
    expect(cached.heard).toEqual([])
    const archived = createWorld({ inCache: { kind: 'absent' }, inArchive: found(2) })
    await archived.reads.get('a')
    expect(archived.heard).toEqual([{ id: 'a', stamp: stamp(2), isLive: true }])
    const deleted = createWorld({
      inCache: { kind: 'absent' },
      inArchive: { kind: 'absent', tombstone: stamp(3) },
    })
    await deleted.reads.get('a')
    expect(deleted.heard).toEqual([{ id: 'a', stamp: stamp(3), isLive: false }])
  })

  it('asks the archive about an entry of the cache whose stamp lies in the future [P86]', async () => {
    const flipped = found(2 ** 52)
    const { reads, memory, asked } = createWorld({ inCache: flipped, inArchive: found(2) })
    expect((await reads.get('a'))?.stamp).toEqual(stamp(2))
    expect(memory.peek('a')?.item.stamp).toEqual(stamp(2))
    expect(asked).toEqual(['cache', 'archive'])
  })

  it('gives the archive’s own bytes with `source`, whatever memory has under the same stamp', async () => {
    const { reads, memory } = createWorld({ inCache: { kind: 'absent' }, inArchive: found(1) })
    memory.put({ ...(found(1) as Lookup & { kind: 'found' }).item, bytes: new Uint8Array([99]) })
    expect((await reads.get('a', readGetOptions({ consistency: 'source' })))?.bytes).toEqual(
      new Uint8Array([1]),
    )
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

  it('believes no filter while others are not heard: what it denies may have been written since [R3] [R5]', async () => {
    const { reads, filter, asked } = createWorld({
      inCache: { kind: 'absent' },
      inArchive: found(1),
      mayAsk: false,
      isFresh: false,
    })
    filter.isDenying = true
    expect((await reads.get('a'))?.stamp).toEqual(stamp(1))
    expect((await reads.getMany(['b']))[0]?.stamp).toEqual(stamp(1))
    expect(asked).toEqual(['archive', 'archive'])
    expect(reads.containsFast('c')).toBe('unknown')
  })

  it('asks the archive in one call about all own pending writes while others are not heard [R5]', async () => {
    const pending = (id: string) => ({
      id,
      stamp: stamp(id === 'user.7' ? 3 : 1),
      state: '',
      contentType: '',
      bytes: new Uint8Array(1),
    })
    const { reads, asked } = createWorld({
      inCache: { kind: 'absent' },
      inArchive: found(2),
      isFresh: false,
      pending,
    })
    const items = await reads.getMany(ids)
    expect(items.map((item) => item?.stamp.time)).toEqual(ids.map((id) => (id === 'user.7' ? 3 : 2)))
    expect(asked).toEqual(['archive'])
  })
})

describe('what is too old', () => {
  describe('an own pending write of a process that has heard nothing for longer than Δ', () => {
    const pending = { id: 'a', stamp: stamp(2), state: '', contentType: '', bytes: new Uint8Array([2]) }

    it('gives way to something newer that the archive has [R5]', async () => {
      const { reads } = createWorld({
        inCache: { kind: 'absent' },
        inArchive: found(3),
        isFresh: false,
        pending,
      })
      expect((await reads.get('a'))?.stamp).toEqual(stamp(3))
      expect((await reads.getMany(['a']))[0]?.stamp).toEqual(stamp(3))
    })

    it('stands where the archive has nothing newer, and where it cannot say', async () => {
      const unknown: Lookup = { kind: 'unknown', because: 'disconnected' }
      for (const inArchive of [found(1), unknown]) {
        const { reads } = createWorld({ inCache: { kind: 'absent' }, inArchive, isFresh: false, pending })
        expect((await reads.get('a'))?.stamp).toEqual(stamp(2))
        expect((await reads.getMany(['a']))[0]?.stamp).toEqual(stamp(2))
      }
    })

    it('is waited for no longer than Δ while the archive hangs [W10]', async () => {
      const never = new Promise<void>(() => {})
      const { reads, clock } = createWorld({
        inCache: { kind: 'absent' },
        inArchive: found(3),
        isFresh: false,
        pending,
        archiveAnswers: never,
      })
      const read = reads.get('a')
      await clock.advance(500)
      expect((await read)?.stamp).toEqual(stamp(2))
      expect(clock.timerCount).toBe(0)
    })

    it('is no answer to a `source` read that the archive cannot give [R1]', async () => {
      const inArchive: Lookup = { kind: 'unknown', because: 'disconnected' }
      const { reads } = createWorld({ inCache: { kind: 'absent' }, inArchive, pending })
      await expect(reads.get('a', readGetOptions({ consistency: 'source' }))).rejects.toMatchObject({
        code: 'SE_TIER_UNAVAILABLE',
      })
    })
  })

  it('asks anew where the load it joined had begun more than Δ before [R5]', async () => {
    let answer = () => {}
    const archiveAnswers = new Promise<void>((resolve) => (answer = resolve))
    const { reads, asked, clock } = createWorld({
      inCache: { kind: 'absent' },
      inArchive: found(1),
      archiveAnswers,
    })
    const early = reads.get('a')
    await clock.advance(0)
    await clock.advance(400)
    const near = reads.get('a')
    await clock.advance(101)
    const late = reads.get('a')
    answer()
    await Promise.all([early, near, late])
    expect(asked).toEqual(['cache', 'archive', 'archive'])
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

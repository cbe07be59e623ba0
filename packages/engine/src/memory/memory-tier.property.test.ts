import { compareStamps, equalStamps, type Stamp, type StoredItem } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { expect, it } from 'vitest'
import { ENTRY_OVERHEAD_BYTES, MemoryTier } from './memory-tier.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)

/**
 * Goal: whatever happens, L1 answers with the newest write it was given, loses pinned entries to nobody but
 * who asked for it, and its books agree with its entries. Method: random calls against a map that never
 * evicts.
 */
it('agrees with a map that never evicts, but for clean entries that are gone [W3, R6]', () => {
  console.info(`seed ${SEED}`)
  const random = seededRandom(SEED)
  const ids = Array.from({ length: 40 }, (_, index) => `id.${index}`)
  const bytesMax = 12 * (ENTRY_OVERHEAD_BYTES + 60)
  let evicted = 0
  const tier = new MemoryTier({
    bytesMax,
    observer: { evicted: ({ count }) => void (evicted += count) },
  })
  const model = new Map<string, { stamp: Stamp; isPinned: boolean; version: number | undefined }>()
  const stamp = (): Stamp => ({ time: random.below(60), instance: 1 + random.below(3) })
  const stored = (id: string, at: Stamp, version: number | undefined): StoredItem => ({
    id,
    // Bytes follow from the stamp, as the same write always has the same bytes.
    bytes: new Uint8Array((at.time * 7 + at.instance) % 120).fill(at.instance),
    stamp: at,
    version,
    state: 'default',
    contentType: '',
    createdAtMs: 0,
    updatedAtMs: at.time,
  })

  for (let step = 0; step < 60_000; step++) {
    const id = random.pick(ids)
    const known = model.get(id)
    const kind = random.below(100)
    if (kind < 50) {
      const at = stamp()
      const isPinned = random.chance(0.2)
      const version = isPinned ? undefined : 1
      const resident = tier.peek(id)
      const given = tier.put(stored(id, at, version), { isPinned })
      // Only what is really there can refuse; what was evicted is forgotten.
      const order = resident === undefined ? 1 : compareStamps(at, resident.item.stamp)
      expect(compareStamps(given.stamp, order > 0 ? at : resident!.item.stamp)).toBe(0)
      if (order > 0) model.set(id, { stamp: at, isPinned, version })
      else if (order === 0) {
        model.set(id, {
          stamp: at,
          isPinned: known!.isPinned || isPinned,
          version: known!.version ?? version,
        })
      }
    } else if (kind < 65) {
      const at = known !== undefined && random.chance(0.8) ? known.stamp : stamp()
      const resident = tier.peek(id)
      const isSame = resident !== undefined && equalStamps(resident.item.stamp, at)
      expect(tier.unpin(id, at, { version: 2, createdAtMs: 3 })).toBe(isSame)
      if (isSame) model.set(id, { stamp: at, isPinned: false, version: 2 })
    } else if (kind < 75) {
      const at = stamp()
      if (tier.dropOlder(id, at)) model.delete(id)
      expect(tier.peek(id) === undefined || compareStamps(tier.peek(id)!.item.stamp, at) >= 0).toBe(true)
    } else if (kind < 78) {
      tier.drop(id)
      model.delete(id)
    } else if (kind < 79 && random.chance(0.02)) {
      tier.clear()
      model.clear()
    } else {
      const item = tier.get(id)
      expect(item === undefined || (known !== undefined && equalStamps(item.stamp, known.stamp))).toBe(true)
    }

    if (step % 32 !== 0) continue
    let bytes = 0
    let pinnedBytes = 0
    let items = 0
    let pinnedItems = 0
    for (const each of ids) {
      const entry = tier.peek(each)
      const expected = model.get(each)
      if (entry === undefined) {
        expect(expected?.isPinned ?? false).toBe(false)
        continue
      }
      if (
        expected === undefined ||
        !equalStamps(entry.item.stamp, expected.stamp) ||
        entry.isPinned !== expected.isPinned ||
        entry.item.version !== expected.version
      ) {
        throw new Error(`step ${step}: ${each} differs from the model, seed ${SEED}`)
      }
      items += 1
      bytes += entry.bytes
      if (entry.isPinned) {
        pinnedItems += 1
        pinnedBytes += entry.bytes
      }
    }
    const stats = tier.stats()
    expect([stats.items, stats.bytes, stats.pinnedItems, stats.pinnedBytes]).toEqual([
      items,
      bytes,
      pinnedItems,
      pinnedBytes,
    ])
    if (stats.bytes > bytesMax) expect(stats.pinnedItems).toBe(stats.items)
  }
  expect(evicted).toBeGreaterThan(100)
})

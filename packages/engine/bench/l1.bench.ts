/**
 * L1 alone: what a hit costs beside a plain LRU map, and how many reads are hits.
 *
 * Hits: 10,000 JSON items of 100 B, parsed on both sides, asked for in a random order.
 * Hit ratio: Zipf 0.99 over 100,000 ids of equal size, room for 1 % of them, the same trace on both sides.
 */
import { defineCase, type ComparedCase } from '@se/bench'
import type { StoredItem } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { LRUCache } from 'lru-cache'
import { Item } from '../src/item.ts'
import { ENTRY_OVERHEAD_BYTES, MemoryTier } from '../src/memory/memory-tier.ts'

export const area = 'engine'

const ITEMS = 10_000
const GETS = 1_000_000
const VALUE_BYTES = 100
/** Nothing in these benches expires. */

export const cases: readonly ComparedCase[] = [
  defineCase({
    case: 'engine.getSync.l1',
    unit: 'ns',
    better: 'lower',
    setup: async () => {
      const tier = new MemoryTier({ bytesMax: 1e9 })
      const lru = new LRUCache<string, object>({ max: ITEMS * 2 })
      const ids = Array.from({ length: ITEMS }, (_, index) => `user.${index}`)
      for (const [index, id] of ids.entries()) {
        const item = tier.put(itemOf(id, jsonOf(index)))
        lru.set(id, item.json() as object)
      }
      const random = seededRandom(1)
      const asked = Array.from({ length: GETS }, () => random.pick(ids))
      let found = 0
      return {
        ours: () => {
          const startedMs = performance.now()
          for (let index = 0; index < GETS; index++)
            if (new Item(tier.get(asked[index]!)!, 'own', undefined).value !== undefined) found++
          return ((performance.now() - startedMs) * 1e6) / GETS
        },
        against: {
          'lru-cache get': () => {
            const startedMs = performance.now()
            for (let index = 0; index < GETS; index++) if (lru.get(asked[index]!) !== undefined) found++
            return ((performance.now() - startedMs) * 1e6) / GETS
          },
        },
        notes: () => [
          `${ITEMS} items of ${VALUE_BYTES} B, parsed; ${GETS} gets a sample, all of them hits (${found % GETS === 0 ? 'checked' : 'NOT ALL'})`,
          'at the level of the memory tier: the facade adds its check of phase and freshness',
        ],
      }
    },
  }),
  defineCase({
    case: 'engine.l1.hit-ratio.zipf099-1pct',
    unit: 'hit ratio',
    better: 'higher',
    setup: async () => {
      const idCount = 100_000
      const capacity = idCount / 100
      const asks = 1_000_000
      const ids = Array.from({ length: idCount }, (_, index) => `k${String(index).padStart(6, '0')}`)
      const bytes = new Uint8Array(VALUE_BYTES)
      const charge = ids[0]!.length * 2 + VALUE_BYTES + ENTRY_OVERHEAD_BYTES
      let seedOfOurs = 0
      let seedOfTheirs = 0
      return {
        ours: () => {
          const tier = new MemoryTier({ bytesMax: capacity * charge })
          return hitRatio(zipfTrace(++seedOfOurs, idCount, asks), (rank) => {
            const id = ids[rank]!
            if (tier.get(id) !== undefined) return true
            tier.put(itemOf(id, bytes))
            return false
          })
        },
        against: {
          lru: () => {
            const lru = new LRUCache<string, Uint8Array>({ max: capacity })
            return hitRatio(zipfTrace(++seedOfTheirs, idCount, asks), (rank) => {
              const id = ids[rank]!
              if (lru.get(id) !== undefined) return true
              lru.set(id, bytes)
              return false
            })
          },
        },
        notes: () => [
          `${idCount} ids, room for ${capacity}, ${asks} reads from empty; both sides read the same trace, a new one each pair`,
        ],
      }
    },
  }),
]

function jsonOf(index: number): Uint8Array {
  const json = JSON.stringify({
    name: `user ${index}`,
    email: `user${index}@example.com`,
    active: true,
    n: index,
  })
  return new TextEncoder().encode(json.padEnd(VALUE_BYTES, ' '))
}

function itemOf(id: string, bytes: Uint8Array): StoredItem {
  return {
    id,
    bytes,
    stamp: { time: 1, instance: 1 },
    version: 1,
    state: '',
    contentType: 'application/json',
    createdAtMs: 1,
    updatedAtMs: 1,
  }
}

function hitRatio(trace: Uint32Array, isHit: (rank: number) => boolean): number {
  let hits = 0
  for (const rank of trace) if (isHit(rank)) hits++
  return hits / trace.length
}

/** Ranks drawn by Zipf's law with exponent 0.99, by inversion. */
function zipfTrace(seed: number, idCount: number, length: number): Uint32Array {
  const cumulated = new Float64Array(idCount)
  let sum = 0
  for (let rank = 0; rank < idCount; rank++) cumulated[rank] = sum += (rank + 1) ** -0.99
  const random = seededRandom(seed)
  return Uint32Array.from({ length }, () => {
    const target = random.fraction() * sum
    let low = 0
    for (let high = idCount - 1; low < high;) {
      const middle = (low + high) >> 1
      if (cumulated[middle]! < target) low = middle + 1
      else high = middle
    }
    return low
  })
}

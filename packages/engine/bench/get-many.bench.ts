/**
 * getMany of ids that are not in memory: what the read path costs itself, an id, between tiers that answer at once.
 *
 * The figure an id must not grow with their number; beside it the same answers collected in a plain loop over a map.
 */
import { defineCase, type ComparedCase } from '@se/bench'
import { StampClock, type Lookup } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { MemoryTier } from '../src/memory/memory-tier.ts'
import { CallDeadlines } from '../src/deadline/deadline.ts'
import { LowerTiers } from '../src/read/lower-tiers.ts'
import { ReadPath } from '../src/read/read-path.ts'
import { KnownWrites } from '../src/heard/known-writes.ts'
import { LoadFloors } from '../src/heard/load-floors.ts'

export const area = 'engine'

export const cases: readonly ComparedCase[] = [1_000, 40_000].map((count) =>
  defineCase({
    case: `engine.getMany.cold.${count}`,
    unit: 'ns an id',
    better: 'lower',
    setup: async () => {
      const ids = Array.from({ length: count }, (_, index) => `user.${index}`)
      const rows = new Map(ids.map((id) => [id, found(id)]))
      const answer = async (asked: readonly string[]) => asked.map((id) => rows.get(id)!)
      let wrong = 0
      return {
        ours: async () => {
          const reads = createReads(answer)
          const startedMs = performance.now()
          const items = await reads.getMany(ids)
          const elapsedMs = performance.now() - startedMs
          if (items.some((item, index) => item?.id !== ids[index])) wrong++
          return (elapsedMs * 1e6) / count
        },
        against: {
          'a loop over a map': async () => {
            const startedMs = performance.now()
            const items: unknown[] = []
            for (const lookup of await answer(ids))
              items.push(lookup.kind === 'found' ? lookup.item : undefined)
            if (items.length !== count) wrong++
            return ((performance.now() - startedMs) * 1e6) / count
          },
        },
        notes: () => [
          `${count} ids, none in memory, half of them in the cache${wrong === 0 ? '' : '; WRONG ANSWERS'}`,
        ],
      }
    },
  }),
)

function found(id: string): Lookup {
  return {
    kind: 'found',
    item: {
      id,
      bytes: new Uint8Array(100),
      stamp: { time: 1, instance: 1 },
      version: 1,
      state: 'default',
      contentType: 'application/json',
      createdAtMs: 1,
      updatedAtMs: 1,
    },
  }
}

function createReads(answer: (ids: readonly string[]) => Promise<readonly Lookup[]>): ReadPath {
  const clock = createFakeClock()
  const get = async (id: string) => (await answer([id]))[0]!
  const telemetry = { clock, observer: {} }
  const known = new KnownWrites()
  const filter = { denies: () => false, trust: { isTrusted: true } as never }
  const tiers = new LowerTiers({
    archive: { get, getMany: answer },
    cache: {
      get,
      getMany: async (ids) =>
        (await answer(ids)).map((lookup, index): Lookup => (index % 2 === 0 ? lookup : { kind: 'absent' })),
      readPermits: async (ids) => ids.map(() => undefined),
      put: async (puts) => puts.map(() => 'skipped' as const),
    },
    stripes: { worthOf: () => ({ mayKeep: true, asOfMs: 0 }) },
    known,
    asked: new LoadFloors(),
    heard: { hear: () => {} },
    filter,
    stamps: new StampClock(clock, 1, 0),
    telemetry,
  })
  return new ReadPath({
    tiers,
    floors: new LoadFloors(),
    pending: { read: () => undefined, isSure: () => true },
    memory: new MemoryTier({ bytesMax: 1e9 }),
    known,
    filter,
    freshness: { state: 'fresh', isRecent: () => true, stalenessMs: 500 },
    deadlines: new CallDeadlines(clock, 30_000),
    telemetry,
  })
}

/**
 * Goal: what a write shows, and when, follows from its level and from what was heard on its way. Method: a write path whose log
 * answers when the test says.
 */
import { StampClock, type Stamp } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { expect, it } from 'vitest'
import { readSubmitOptions } from '../call-options.ts'
import { PendingSet } from '../flush/pending-set.ts'
import { MemoryTier } from '../memory/memory-tier.ts'
import { WritePath } from './write-path.ts'

function createWorld() {
  const clock = createFakeClock()
  const pending = new PendingSet({ itemsMax: 100, bytesMax: 100_000, whenFull: 'refuse' })
  const memory = new MemoryTier({ bytesMax: 1_000_000 })
  const raised: Stamp[] = []
  const syncs: (() => void)[] = []
  const writes = new WritePath({
    log: { append: () => new Promise((resolve) => syncs.push(() => resolve(syncs.length))) },
    pending,
    memory,
    stamps: new StampClock(clock, 1, 0),
    clock,
    observer: {},
    raiseFloor: (_, stamp) => void raised.push(stamp),
    wake: () => {},
    valueBytesMax: 1_000,
  })
  return { writes, pending, memory, raised, syncs }
}

it('[W1] shows a `log` write when the log has it, and no sooner', async () => {
  const { writes, pending, memory, raised, syncs } = createWorld()
  const submitted = writes.submit('a', 'text')
  await Promise.resolve()
  expect([pending.read('a'), memory.peek('a'), raised]).toEqual([undefined, undefined, []])
  syncs[0]!()
  const { stamp } = await submitted
  expect(pending.read('a')?.stamp).toEqual(stamp)
  expect(memory.peek('a')).toMatchObject({ isPinned: true, item: { stamp } })
  expect(raised).toEqual([stamp])
})

it('[R2] does not show a `log` write of whose id something newer was heard while it was synced', async () => {
  const { writes, pending, memory, raised, syncs } = createWorld()
  const submitted = writes.submit('a', 'text')
  await Promise.resolve()
  writes.raiseFloor('a', { time: Number.MAX_SAFE_INTEGER, instance: 2 })
  syncs[0]!()
  const { stamp } = await submitted
  expect([pending.read('a'), memory.peek('a'), raised]).toEqual([undefined, undefined, []])
  // It goes to the archive all the same, which decides.
  const batch = pending.takeBatch({ itemsMax: 10, bytesMax: 1_000 })
  expect(batch?.writes.map((write) => write.stamp)).toEqual([stamp])
})

it('[W3] leaves the later write in memory when an earlier one of the id is synced after it', async () => {
  const { writes, pending, memory, syncs } = createWorld()
  const earlier = writes.submit('a', 'earlier')
  await Promise.resolve()
  const later = await writes.submit('a', 'later', readSubmitOptions({ level: 'memory' }))
  syncs[0]!()
  await earlier
  expect(pending.read('a')?.stamp).toEqual(later.stamp)
  expect(memory.peek('a')?.item.stamp).toEqual(later.stamp)
})

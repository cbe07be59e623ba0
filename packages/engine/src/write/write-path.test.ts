/**
 * Goal: what a write shows, and when, follows from its level and from what was heard on its way. Method: a write path whose log
 * answers when the test says.
 */
import { StampClock, stampMs, stampTimeOf, type Stamp } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { expect, it } from 'vitest'
import { readSubmitOptions } from '../call-options.ts'
import { FlushQueue } from '../flush/flush-queue.ts'
import type { HeardWrite } from '../heard/heard.ts'
import { MemoryTier } from '../memory/memory-tier.ts'
import { Restamping } from './restamping.ts'
import { Stamping } from './stamping.ts'
import { Watches } from './watches.ts'
import { WritePath } from './write-path.ts'

function createWorld() {
  const clock = createFakeClock()
  const queue = new FlushQueue({ itemsMax: 100, bytesMax: 100_000, whenFull: 'refuse' })
  const memory = new MemoryTier({ bytesMax: 1_000_000 })
  const raised: Stamp[] = []
  const syncs: (() => void)[] = []
  const watches = new Watches()
  const shared = {
    log: {
      append: () => new Promise<number>((resolve) => syncs.push(() => resolve(syncs.length))),
    },
    queue,
    memory,
    stamping: new Stamping({
      stamps: new StampClock(clock, 1, 0),
      newestKnown: (id) => queue.newestStamp(id),
    }),
    watches,
    heard: { hear: ({ stamp }: HeardWrite) => void raised.push(stamp) },
  }
  const writes = new WritePath({
    ...shared,
    admission: { valueBytesMax: 1_000, codec: undefined },
    telemetry: { clock, observer: {} },
    pipeline: { wake: () => {} },
  })
  const restamping = new Restamping({ ...shared, observer: {} })
  return { writes, restamping, watches, queue, pending: queue.pending, memory, raised, syncs }
}

it('shows a `log` write when the log has it, and no sooner [W1]', async () => {
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

it('does not show a `log` write of whose id something newer was heard while it was synced [R2]', async () => {
  const { writes, watches, queue, pending, memory, raised, syncs } = createWorld()
  const submitted = writes.submit('a', 'text')
  await Promise.resolve()
  watches.overtake('a', { time: Number.MAX_SAFE_INTEGER, instance: 2 })
  syncs[0]!()
  const { stamp } = await submitted
  expect([pending.read('a'), memory.peek('a'), raised]).toEqual([undefined, undefined, []])
  // It goes to the archive all the same, which decides.
  const batch = queue.takeBatch({ itemsMax: 10, bytesMax: 1_000 })
  expect(batch?.writes.map((write) => write.stamp)).toEqual([stamp])
})

it('is not sure of a `log` write that was synced while ledger rows were missed, and does not put it into memory [R5, P84]', async () => {
  const { writes, watches, pending, memory, syncs } = createWorld()
  const submitted = writes.submit('a', 'text')
  await Promise.resolve()
  watches.doubt()
  pending.doubt()
  const after = writes.submit('b', 'text')
  await Promise.resolve()
  for (const sync of syncs) sync()
  const { stamp } = await submitted
  await after
  expect(pending.read('a')?.stamp).toEqual(stamp)
  expect([pending.isSure('a'), memory.peek('a')]).toEqual([false, undefined])
  expect([pending.isSure('b'), memory.peek('b') !== undefined]).toEqual([true, true])
})

it('shows a write that is spared by what was heard of its id, as it will be stamped anew [P67]', async () => {
  const { writes, watches, pending, syncs } = createWorld()
  const submitted = writes.submit('a', 'text')
  await Promise.resolve()
  const spared = { time: Number.MAX_SAFE_INTEGER - 1, instance: 1 }
  watches.overtake('a', { time: Number.MAX_SAFE_INTEGER, instance: 2 }, spared)
  syncs[0]!()
  const { stamp } = await submitted
  expect(pending.read('a')?.stamp).toEqual(stamp)
})

it('leaves the later write in memory when an earlier one of the id is synced after it [W3]', async () => {
  const { writes, pending, memory, syncs } = createWorld()
  const earlier = writes.submit('a', 'earlier')
  await Promise.resolve()
  const later = await writes.submit('a', 'later', readSubmitOptions({ level: 'memory' }))
  syncs[0]!()
  await earlier
  expect(pending.read('a')?.stamp).toEqual(later.stamp)
  expect(memory.peek('a')?.item.stamp).toEqual(later.stamp)
})

const turn = () => new Promise((resolve) => setImmediate(resolve))

const FUTURE: Stamp = { time: stampTimeOf(1_800_003_600_000), instance: 9 }

it('stamps a write that lost to a stamp from the future anew above it, in log, memory and pending set alike [P67]', async () => {
  const { writes, restamping, queue, pending, memory, syncs } = createWorld()
  const submitted = writes.submit('a', 'text')
  await Promise.resolve()
  syncs[0]!()
  await submitted
  const batch = queue.takeBatch({ itemsMax: 10, bytesMax: 1_000 })!
  const again = restamping.restamp(batch.outgoing[0]!, FUTURE)
  await turn()
  syncs[1]!()
  const restamped = (await again)!
  expect(restamped.write.stamp).toEqual({ time: FUTURE.time + 1, instance: 1 })
  queue.settle(batch, [restamped])
  expect(pending.read('a')).toBe(restamped.write)
  expect(memory.peek('a')).toMatchObject({
    isPinned: true,
    item: { stamp: restamped.write.stamp },
  })
  expect(memory.peek('a')?.item.json()).toBe('text')
  // Neither record may go before the archive has the write under its new stamp.
  expect(queue.lowWaterMark.releasable()).toBe(0)
  const next = queue.takeBatch({ itemsMax: 10, bytesMax: 1_000 })!
  expect(next.writes).toEqual([restamped.write])
  queue.settle(next, [{ kind: 'won', version: 2, createdAtMs: 1, wasLive: true }])
  expect(queue.lowWaterMark.releasable()).toBe(2)
  // A write of another id is not pulled along.
  const other = writes.submit('b', 'text', readSubmitOptions({ level: 'memory' }))
  expect(stampMs((await other).stamp)).toBe(1_800_000_000_000)
})

it('lets a write lose that bears a stamp from the future itself, or a replay of it would win for ever [P67]', async () => {
  const { restamping, queue, pending } = createWorld()
  const write = { id: 'a', stamp: FUTURE, state: '', contentType: '', bytes: new Uint8Array(1) }
  pending.add(write, 1, 0)
  const { outgoing } = queue.takeBatch({ itemsMax: 10, bytesMax: 1_000 })!
  expect(await restamping.restamp(outgoing[0]!, { ...FUTURE, time: FUTURE.time + 1 })).toBeUndefined()
})

it('leaves it to a later write of the id, which is stamped anew in its turn [P67]', async () => {
  const { writes, restamping, queue } = createWorld()
  await writes.submit('a', 'earlier', readSubmitOptions({ level: 'memory' }))
  const batch = queue.takeBatch({ itemsMax: 10, bytesMax: 1_000 })!
  await writes.submit('a', 'later', readSubmitOptions({ level: 'memory' }))
  expect(await restamping.restamp(batch.outgoing[0]!, FUTURE)).toBeUndefined()
})

it('leaves it also to a later write that is on its way through the log, once that has arrived [P67, W3]', async () => {
  const { writes, restamping, queue, pending, syncs } = createWorld()
  await writes.submit('a', 'earlier', readSubmitOptions({ level: 'memory' }))
  const batch = queue.takeBatch({ itemsMax: 10, bytesMax: 1_000 })!
  const later = writes.submit('a', 'later')
  await Promise.resolve()
  const again = restamping.restamp(batch.outgoing[0]!, FUTURE)
  await turn()
  syncs[0]!()
  expect(await again).toBeUndefined()
  expect(pending.read('a')?.stamp).toEqual((await later).stamp)
})

it('lets a write lose that was overtaken by a later one, also if that was stamped anew itself [P67, P84]', async () => {
  const { writes, restamping, queue } = createWorld()
  await writes.submit('a', 'earlier', readSubmitOptions({ level: 'memory' }))
  const batch = queue.takeBatch({ itemsMax: 10, bytesMax: 1_000 })!
  queue.supersede('a', FUTURE)
  expect(await restamping.restamp(batch.outgoing[0]!, FUTURE)).toBeUndefined()
})

it('gives an `archive` write its answer with the stamp it was stored under [P67]', async () => {
  const { writes, restamping, queue, pending } = createWorld()
  const submitted = writes.submit('a', 'text', readSubmitOptions({ level: 'archive' }))
  const batch = queue.takeBatch({ itemsMax: 10, bytesMax: 1_000 })!
  const restamped = (await restamping.restamp(batch.outgoing[0]!, FUTURE))!
  queue.settle(batch, [restamped])
  expect(pending.read('a')).toBeUndefined()
  const next = queue.takeBatch({ itemsMax: 10, bytesMax: 1_000 })!
  expect(next.outgoing[0]).toMatchObject({ isAcknowledged: false, isPending: false })
  queue.settle(next, [{ kind: 'won', version: 2, createdAtMs: 1, wasLive: true }])
  expect(await submitted).toEqual({ level: 'archive', stamp: { time: FUTURE.time + 1, instance: 1 } })
})

import { without } from '@se/core/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { pass, settleOn } from '../src/testing/time.ts'
import { createWorld, type World } from './world.ts'

/** Goal: tiers that lack their optional powers are used all the same. Method: the tiers in memory, without them. */

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => settleOn(world.clock, world[Symbol.asyncDispose]()))

it('an archive that does no upkeep is used, and keeps instances, tombstones and ledger', async () => {
  const { archive, clock } = world
  const bare = without(archive.peer(), ['retireInstances', 'collectTombstones', 'pruneLedger'])
  const engine = world.engine('a', { archive: bare, ledgerAgeMs: 1_000, tombstoneAgeMs: 1_000 })
  await engine.start()
  await engine.submit('x', 1, { level: 'archive' })
  await engine.delete('x', { level: 'archive' })
  await engine.submit('y', 2, { level: 'archive' })
  const ended = world.engine('b')
  await ended.start()
  await settleOn(clock, ended.stop())
  await pass(clock, 95_000)
  expect(world.told('a').faults).toEqual([])
  const { cut, prunedSequences } = await archive.readHeads()
  expect([prunedSequences.size, cut.positions.size]).toEqual([0, 1])
  expect(await archive.get('x')).toMatchObject({ kind: 'absent', tombstone: { instance: 1 } })
  // The tree is folded all the same, and what is asked for is answered.
  expect((await archive.readTree()).cut.positions.size).toBe(1)
  expect((await engine.get('y'))?.value).toBe(2)
})

it('a cache that explains nothing is used, and explained without its key', async () => {
  const cache = without(world.cache.connect(), ['keyOf', 'timeToLiveMs'])
  const engine = world.engine('a', { cache })
  await engine.start()
  await engine.submit('x', 1, { level: 'archive' })
  await engine.flush()
  await pass(world.clock, 2_000)
  const explained = await engine.explain('x')
  expect(explained.cache).toMatchObject({ kind: 'found', key: undefined, timeToLiveMs: undefined })
})

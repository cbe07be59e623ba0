/**
 * Goal: a stripe is asked only while it is known to be recent enough. Method: a view of a cache in memory, with a clock, a
 * round and heads that the test moves.
 */
import { createBranchSet, type Cut } from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import { createFakeClock, cutAt } from '@se/core/testing'
import { DigestTree } from '@se/merkle'
import { expect, it } from 'vitest'
import { createMemoryTiers } from '../../test/world.ts'
import { CacheView } from './cache-view.ts'

const INSTANCE = 1
const STALENESS_MS = 1_000
const at = (sequence: number): Cut => cutAt('a'.repeat(32), [[INSTANCE, sequence]])

async function createAttached() {
  const clock = createFakeClock()
  const { cache } = createMemoryTiers({ clock, seed: 1 })
  const known = { round: 0, droppedBefore: 0 }
  const views = { catchUp: async () => {}, cut: at(1), tree: new DigestTree(createBranchSet([])) }
  const view = new CacheView({
    cache: cache.connect(),
    // Rows without entries: the stripes move, their receipts do not.
    archive: { readTail: async () => ({ kind: 'rows', rows: [], heads: { cut: views.cut } }) as never },
    views: views as never,
    known,
    clock,
    observer: {},
    branches: createBranchSet([]),
    birthId: 'b'.repeat(32),
    onSetBack: () => {},
    stalenessMs: STALENESS_MS,
  })
  await view.attach()
  const poll = (heads: Cut, round = 0) => view.tick({ cut: heads } as never, clock.monotonicMs(), round)
  return { view, clock, known, views, poll }
}

it('[R5] asks a stripe for as long as Δ after the poll whose heads it covered was sent', async () => {
  const { view, clock, poll } = await createAttached()
  expect(view.askableStripes).toBe(STRIPE_COUNT)
  await clock.advance(STALENESS_MS)
  expect(view.mayAsk('a')).toBe(true)
  await clock.advance(1)
  expect(view.mayAsk('a')).toBe(false)
  expect(view.askableStripes).toBe(0)
  await poll(at(1))
  expect(view.mayAsk('a')).toBe(true)
  view.detach()
  expect(view.mayAsk('a')).toBe(false)
})

it('[R2] [P85] does not ask a stripe that was not brought to what was known and is forgotten', async () => {
  const { view, known, views, poll } = await createAttached()
  known.droppedBefore = 2
  expect(view.mayAsk('a')).toBe(false)
  expect(view.askableStripes).toBe(0)
  views.cut = at(2)
  await poll(at(2), 1)
  expect(view.mayAsk('a')).toBe(false)
  await poll(at(2), 2)
  expect(view.mayAsk('a')).toBe(true)
})

it('[R5] knows of a stripe behind the views that memory may not keep what it answers', async () => {
  const { view, views, poll } = await createAttached()
  expect(view.standsAtViews('a')).toBe(true)
  views.cut = at(2)
  expect(view.standsAtViews('a')).toBe(false)
  await poll(at(2))
  expect(view.standsAtViews('a')).toBe(true)
})

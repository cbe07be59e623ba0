/**
 * Goal: a stripe is asked only while it is known to be of this archive, and recent enough. Method: a view of a cache in memory,
 * with a clock, a round, heads and foreign cuts that the test moves.
 */
import { createBranchSet, equalCuts, TierUnavailable, type CacheTier, type Cut } from '@se/core'
import { STRIPE_COUNT, stripeOfId } from '@se/core/hash'
import { createFakeClock, cutAt } from '@se/core/testing'
import { DigestTree } from '@se/merkle'
import { expect, it } from 'vitest'
import { turns } from '../testing/time.ts'
import { createMemoryTiers } from '../testing/memory-tiers.ts'
import type { FaultEvent } from '../observer/events.ts'
import type { ToFront } from '../seam/messages.ts'
import { AskableStripes } from '../views/askable-stripes.ts'
import { CacheView } from './cache-view.ts'

const INSTANCE = 1
const STALENESS_MS = 1_000
const at = (sequence: number): Cut => cutAt('a'.repeat(32), [[INSTANCE, sequence]])

const BIRTH_ID = 'b'.repeat(32)

const mayAsk = (stripes: AskableStripes): boolean => stripes.worthOf('a') !== undefined

async function createAttached() {
  const clock = createFakeClock()
  const { cache } = createMemoryTiers({ clock, seed: 1 })
  const tier = cache.connect()
  const known = { round: 0, droppedBefore: 0 }
  const views = {
    catchUp: async () => {},
    cut: at(1),
    tree: new DigestTree(createBranchSet([])),
    recentTail: () => undefined,
  }
  const calls = { setBack: 0, receipts: [] as number[], faults: [] as FaultEvent[] }
  const readReceipt = tier.readReceipt.bind(tier)
  tier.readReceipt = (stripe) => {
    calls.receipts.push(stripe)
    return readReceipt(stripe)
  }
  /** Cuts that the archive does not have. */
  const foreign = new Set<Cut>()
  const readTail = (from: Cut) => {
    const heads = { cut: views.cut }
    if (from.archiveId !== views.cut.archiveId) return { kind: 'gap', because: 'another-archive', heads }
    if ([...foreign].some((cut) => equalCuts(cut, from)))
      return { kind: 'gap', because: 'another-history', heads }
    // Rows without entries: the stripes move, their receipts do not.
    return { kind: 'rows', rows: [], heads }
  }
  const stripes = new AskableStripes({
    cache: tier,
    followed: views,
    known,
    clock,
    stalenessMs: STALENESS_MS,
  })
  const hear = (message: ToFront): void => {
    if (message.kind === 'stripe') stripes.found(message.stripe, message.standing)
    else if (message.kind === 'stripes-forgotten') stripes.forgetAll()
    else if (message.kind === 'cache-state') stripes.changed(message)
    else if (message.kind === 'set-back') calls.setBack++
  }
  const view = new CacheView({
    cache: tier,
    archive: { readTail: async (from: Cut) => readTail(from) as never },
    follower: views as never,
    front: { send: hear },
    round: () => known.round,
    telemetry: { clock, observer: { fault: (event) => void calls.faults.push(event) } },
    identity: { branches: createBranchSet([]), birthId: BIRTH_ID },
    stalenessMs: STALENESS_MS,
  })
  await view.attach()
  calls.receipts = []
  const poll = (heads: Cut, round = 0) =>
    view.advanceTo({ cut: heads } as never, { sentAtMs: clock.monotonicMs(), round })
  return { view, stripes, clock, known, views, poll, cache, tier, calls, foreign }
}

it('asks a stripe for as long as Δ after the poll whose heads it covered was sent [R5]', async () => {
  const { view, stripes, clock, poll } = await createAttached()
  expect(stripes.count).toBe(STRIPE_COUNT)
  await clock.advance(STALENESS_MS)
  expect(mayAsk(stripes)).toBe(true)
  await clock.advance(1)
  expect(mayAsk(stripes)).toBe(false)
  expect(stripes.count).toBe(0)
  await poll(at(1))
  expect(mayAsk(stripes)).toBe(true)
  expect(stripes.isAttached).toBe(true)
  view.detach()
  expect(stripes.isAttached).toBe(false)
  expect(mayAsk(stripes)).toBe(false)
})

it('does not ask a stripe that was not brought to what was known and is forgotten [R2, P85]', async () => {
  const { stripes, known, views, poll } = await createAttached()
  known.droppedBefore = 2
  expect(mayAsk(stripes)).toBe(false)
  expect(stripes.count).toBe(0)
  views.cut = at(2)
  await poll(at(2), 1)
  expect(mayAsk(stripes)).toBe(false)
  await poll(at(2), 2)
  expect(mayAsk(stripes)).toBe(true)
})

it('knows of a stripe behind the views that memory may not keep what it answers [R5]', async () => {
  const { stripes, views, poll } = await createAttached()
  expect(stripes.worthOf('a')?.mayKeep).toBe(true)
  views.cut = at(2)
  expect(stripes.worthOf('a')?.mayKeep).toBe(false)
  await poll(at(2))
  expect(stripes.worthOf('a')?.mayKeep).toBe(true)
})

/** Gives the cache an entry of `a`. */
async function fillEntry(tier: CacheTier): Promise<void> {
  const write = {
    id: 'a',
    stamp: { time: 5, instance: 1 },
    state: '',
    contentType: '',
    bytes: new Uint8Array(1),
  }
  const [permit] = await tier.readPermits(['a'])
  await tier.put([{ write, version: 1, createdAtMs: 0, permit, kind: 'fill' }])
}

const HERE = stripeOfId('a')
const LOST = cutAt('a'.repeat(32), [[9, 4]])
const BRANCHES = { branches: createBranchSet(), birthId: BIRTH_ID }
const QUIET_MS = 60_000

/** Moves the stripe of `a` as a process of another history would: to where the archive never was. */
async function createShared(foreign: Cut = LOST) {
  const world = await createAttached()
  const stranger = world.cache.connect()
  await stranger.open(BRANCHES)
  const stateNow = async () => {
    const reading = (await stranger.readStripes())[HERE]!
    return reading.kind === 'state' ? reading.state : expect.unreachable()
  }
  const move = async (to: Cut) => {
    world.foreign.add(to)
    const moved = await stranger.advanceStripe(await stateNow(), [], to)
    expect(moved).toBeDefined()
  }
  await move(foreign)
  return { ...world, stateNow, move }
}

it('a foreign cut is looked at twice, and then told by name; both sides begin with fresh epochs [P66]', async () => {
  const { view, stripes, clock, poll, stateNow, calls, tier } = await createShared()
  const { epoch } = await stateNow()
  await poll(at(1))
  expect(mayAsk(stripes)).toBe(false)
  expect(stripes.count).toBe(STRIPE_COUNT - 1)
  expect((await tier.get('a')).kind).toBe('unknown')
  await clock.advance(STALENESS_MS - 1)
  await poll(at(1))
  expect(calls.setBack).toBe(0)
  await clock.advance(1)
  await expect(poll(at(1))).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
  expect(view.isAttached).toBe(false)
  expect(stripes.failure?.message).toContain('prefix of its own')
  expect(calls.setBack).toBe(1)
  // What this process may have put under that epoch, nobody can read any more.
  expect((await stateNow()).epoch).not.toBe(epoch)
})

it('a stranger is waited for until he has been quiet for a minute, and then for two [P66]', async () => {
  const { view, stripes, clock, poll, move } = await createShared()
  await poll(at(1))
  await clock.advance(STALENESS_MS)
  await expect(poll(at(1))).rejects.toThrow()
  await expect(view.attach()).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
  await clock.advance(QUIET_MS - 1)
  await move(cutAt('a'.repeat(32), [[9, 5]]))
  await expect(view.attach()).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
  await clock.advance(QUIET_MS - 1)
  await expect(view.attach()).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
  await clock.advance(1)
  await view.attach()
  expect(stripes.failure).toBeUndefined()
  expect(stripes.count).toBe(STRIPE_COUNT - 1)
  await clock.advance(STALENESS_MS)
  await poll(at(1))
  expect(stripes.count).toBe(STRIPE_COUNT)
  // He was there all the same.
  await move(cutAt('a'.repeat(32), [[9, 6]]))
  await poll(at(1))
  await clock.advance(STALENESS_MS)
  await expect(poll(at(1))).rejects.toThrow()
  await expect(view.attach()).rejects.toThrow()
  await clock.advance(2 * QUIET_MS - 1)
  await expect(view.attach()).rejects.toThrow()
  await clock.advance(1)
  await view.attach()
})

it('a stranger that is gone is not waited for longer because processes of this archive go on [P66]', async () => {
  const { view, stripes, views, clock, poll, stateNow, cache } = await createShared()
  await poll(at(1))
  await clock.advance(STALENESS_MS)
  await expect(poll(at(1))).rejects.toThrow()
  await expect(view.attach()).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
  const ours = cache.connect()
  await ours.open(BRANCHES)
  expect(await ours.resetStripe(await stateNow(), at(1), [])).toBeDefined()
  for (let sequence = 2; sequence < 60; sequence++) {
    await clock.advance(QUIET_MS / 60)
    views.cut = at(sequence)
    expect(await ours.advanceStripe(await stateNow(), [], at(sequence))).toBeDefined()
    await expect(view.attach()).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
  }
  await clock.advance((2 * QUIET_MS) / 60)
  await view.attach()
  expect(stripes.failure).toBeUndefined()
  expect(stripes.count).toBe(STRIPE_COUNT)
})

it('a foreign cut is started over once where the archive itself has gone back [P65]', async () => {
  const { view, stripes, clock, poll, stateNow, calls, move } = await createShared()
  view.archiveWentBack()
  await poll(at(1))
  expect(mayAsk(stripes)).toBe(false)
  await clock.advance(STALENESS_MS)
  await poll(at(1))
  expect(mayAsk(stripes)).toBe(true)
  expect((await stateNow()).cut).toEqual(at(1))
  expect(calls.setBack).toBe(0)
  await move(LOST)
  await poll(at(1))
  await clock.advance(STALENESS_MS)
  await expect(poll(at(1))).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
})

it('an archive id that was replaced is no reason to look twice [P65]', async () => {
  const { view, stripes, poll, stateNow } = await createShared(cutAt('c'.repeat(32), [[1, 1]]))
  view.archiveWentBack()
  await poll(at(1))
  expect(mayAsk(stripes)).toBe(true)
  expect((await stateNow()).cut).toEqual(at(1))
})

it('a stripe that went back is brought forward by difference, and keeps its entries [R5]', async () => {
  const { stripes, views, poll, cache, calls, tier } = await createAttached()
  const dump = cache.snapshot(HERE)
  views.cut = at(2)
  await poll(at(2))
  const before = (await tier.readStripes())[HERE]
  cache.restore(dump)
  await poll(at(2))
  expect((await tier.readStripes())[HERE]).toEqual(before)
  expect(mayAsk(stripes)).toBe(true)
  expect(calls.setBack).toBe(0)
  expect(calls.receipts).toContain(HERE)
})

it('an epoch that was changed by others says that what was read may not have been true [P66]', async () => {
  const { poll, cache, calls } = await createAttached()
  const other = cache.connect()
  await other.open(BRANCHES)
  const reading = (await other.readStripes())[HERE]!
  if (reading.kind === 'state') await other.renewEpoch(reading.state)
  await poll(at(1))
  expect(calls.setBack).toBe(1)
  await poll(at(1))
  expect(calls.setBack).toBe(1)
})

it('a stripe that does not answer is left out, and the others are asked [P74]', async () => {
  const { stripes, clock, poll, cache } = await createAttached()
  cache.setUnavailableStripes([HERE])
  await clock.advance(STALENESS_MS)
  await poll(at(1))
  await clock.advance(1)
  expect(mayAsk(stripes)).toBe(false)
  expect(stripes.count).toBe(STRIPE_COUNT - 1)
  cache.setUnavailableStripes([])
  await poll(at(1))
  expect(stripes.count).toBe(STRIPE_COUNT)
})

it('a stripe that cannot be brought forward is left out, and the others are [P74]', async () => {
  const { stripes, views, clock, poll, tier } = await createAttached()
  const advanceStripe = tier.advanceStripe.bind(tier)
  tier.advanceStripe = (state, ...rest) =>
    state.stripe === HERE ? Promise.reject(new TierUnavailable('full')) : advanceStripe(state, ...rest)
  views.cut = at(2)
  await clock.advance(STALENESS_MS)
  await poll(at(2))
  await clock.advance(1)
  expect(stripes.count).toBe(STRIPE_COUNT - 1)
  expect(mayAsk(stripes)).toBe(false)
})

it('a stripe that lost its meta is made anew; one that others made meanwhile is not believed unseen [P74]', async () => {
  const { stripes, poll, cache, tier } = await createAttached()
  await fillEntry(tier)
  const other = cache.connect()
  await other.open(BRANCHES)
  tier.createStripe = async (...made) => {
    await other.createStripe(...made)
    return undefined
  }
  expect((await tier.get('a')).kind).toBe('found')
  cache.dropMeta(HERE)
  await poll(at(1))
  expect((await tier.get('a')).kind).toBe('unknown')
  await poll(at(1))
  expect(mayAsk(stripes)).toBe(true)
  expect((await tier.get('a')).kind).toBe('absent')
})

it('a stripe that others changed before the archive went back gets a new epoch all the same [P65]', async () => {
  const { view, stripes, poll, cache, tier } = await createAttached()
  const other = cache.connect()
  await other.open(BRANCHES)
  const epochNow = async () => {
    const reading = (await tier.readStripes())[HERE]!
    return reading.kind === 'state' ? reading.state.epoch : expect.unreachable()
  }
  const reading = (await other.readStripes())[HERE]!
  if (reading.kind === 'state') await other.renewEpoch(reading.state)
  const before = await epochNow()
  view.archiveWentBack()
  await poll(at(1))
  const after = await epochNow()
  expect(after).not.toBe(before)
  expect(mayAsk(stripes)).toBe(true)
  await poll(at(1))
  expect(await epochNow()).toBe(after)
})

it('tells of damaged entries once, with how many [P86]', async () => {
  const { poll, cache, tier, calls } = await createAttached()
  await fillEntry(tier)
  cache.damage('a')
  expect((await tier.get('a')).kind).toBe('absent')
  await poll(at(1))
  await poll(at(1))
  expect(calls.faults).toEqual([expect.objectContaining({ part: 'cache', figures: { damaged: 1 } })])
})

it('does not take for a stranger’s what its own call has done that ends after the archive went back [P65, P88]', async () => {
  const { view, stripes, tier, views, poll } = await createAttached()
  views.cut = at(2)
  const advance = tier.advanceStripe.bind(tier)
  const held = Promise.withResolvers<void>()
  tier.advanceStripe = async (...args) => {
    const advanced = await advance(...args)
    await held.promise
    return advanced
  }
  const late = poll(at(2))
  await turns()
  view.archiveWentBack()
  views.cut = cutAt('c'.repeat(32), [[INSTANCE, 1]])
  held.resolve()
  await late
  expect(mayAsk(stripes)).toBe(false)
  await poll(views.cut)
  expect(mayAsk(stripes)).toBe(true)
  expect(stripes.failure).toBeUndefined()
})

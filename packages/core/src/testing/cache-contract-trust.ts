import assert from 'node:assert/strict'
import { stripeOfId } from '../hash.ts'
import {
  ARCHIVE,
  at,
  CUT_0,
  CUT_1,
  entry,
  advance,
  ID,
  invalidate,
  joined,
  kinds,
  leafOfId,
  permitOf,
  poll,
  put,
  row,
  withStripes,
  stampIn,
  startOver,
  stateOf,
  statesOf,
  store,
  strangerElsewhere,
  strangerInStripe,
  STRIPE,
  ZERO_SUMS,
  type CacheContractCase,
} from './cache-contract-kit.ts'
import { cutAt } from './cuts.ts'

/** What is believed, and for how long. */
export const trustCases: readonly CacheContractCase[] = [
  {
    title: 'reading the stripes teaches nothing: no entry counts, and no permit is given [P66]',
    async run(harness) {
      await store(await withStripes(harness), at(5))
      const other = await harness.connect()
      const readings = await other.readStripes()
      assert.deepEqual(kinds([await other.get(ID)]), ['unknown'])
      assert.deepEqual(kinds(await other.getMany([ID])), ['unknown'])
      assert.deepEqual(await other.readPermits([ID]), [undefined])
      const reading = readings[STRIPE]
      assert.ok(reading?.kind === 'state')
      other.believe([reading.state])
      assert.equal(await stampIn(other), 5)
      assert.ok((await other.readPermits([ID]))[0] !== undefined)
      assert.deepEqual(kinds([await other.get(strangerElsewhere())]), ['unknown'])
    },
  },
  {
    title: 'a state that another cache has read, or a copy of one, teaches nothing [P66]',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(5))
      const other = await harness.connect()
      const state = await stateOf(tier)
      other.believe([state])
      assert.deepEqual(kinds([await other.get(ID)]), ['unknown'])
      const reading = (await other.readStripes())[STRIPE]
      assert.ok(reading?.kind === 'state')
      other.believe([{ ...reading.state }])
      assert.deepEqual(kinds([await other.get(ID)]), ['unknown'])
    },
  },
  {
    title: 'an entry is judged by what was believed when it was asked for [P66]',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(5))
      const state = await stateOf(tier)
      const asked = [tier.get(ID), tier.getMany([ID]).then(([lookup]) => lookup!)]
      tier.doubt()
      assert.deepEqual(kinds(await Promise.all(asked)), ['unknown', 'unknown'])
      // What was read before the doubt does not end it.
      tier.believe([state])
      assert.deepEqual(kinds([await tier.get(ID)]), ['unknown'])
      const askedInDoubt = tier.get(ID)
      await poll(tier)
      assert.deepEqual(kinds([await askedInDoubt]), ['unknown'])
      assert.equal(await stampIn(tier), 5)
    },
  },
  {
    title: 'single stripes can be doubted',
    async run(harness) {
      const tier = await withStripes(harness)
      const elsewhere = strangerElsewhere()
      await store(tier, at(5))
      await store(tier, at(6), elsewhere)
      tier.doubt([STRIPE])
      assert.deepEqual(kinds(await tier.getMany([ID, elsewhere])), ['unknown', 'found'])
      assert.deepEqual(
        (await tier.readPermits([ID, elsewhere])).map((permit) => permit?.id),
        [undefined, elsewhere],
      )
    },
  },
  {
    title: 'a store that went back behind what is believed answers nothing, though nobody was told [R5]',
    async run(harness) {
      const tier = await withStripes(harness)
      const stranger = strangerInStripe()
      await store(tier, at(5))
      await store(tier, at(5), stranger)
      const state = await stateOf(tier)
      const goBack = await harness.snapshot(STRIPE)
      await store(tier, at(6))
      const told = [row([entry(at(6))])]
      assert.deepEqual(await advance(tier, state, told), [])
      assert.equal(await stampIn(tier), 6)
      await goBack()
      assert.deepEqual(kinds(await tier.getMany([ID, stranger])), ['unknown', 'unknown'])
      assert.deepEqual(kinds([await tier.get(ID)]), ['unknown'])
      // It is brought forward like any other, by difference.
      assert.deepEqual(await advance(tier, await stateOf(tier), told), [ID])
      assert.equal(await stampIn(tier), undefined)
      assert.equal(await stampIn(tier, stranger), 5)
    },
  },
  {
    title: 'a stripe that others have moved on is as good as what is believed [R5]',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      await store(other, at(6))
      assert.deepEqual(await advance(other, await stateOf(other), [row([entry(at(6))])]), [])
      assert.equal(await stampIn(tier), 6)
      assert.deepEqual(kinds(await tier.getMany([ID])), ['found'])
    },
  },
  {
    title: 'a stripe that others have started over answers nothing under the epoch that was believed [P66]',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      await store(tier, at(5))
      const started = await other.resetStripe(await stateOf(other), CUT_1, [])
      other.believe([started!])
      await store(other, at(9))
      assert.notEqual((await tier.get(ID)).kind, 'found')
      assert.deepEqual(await tier.readPermits([ID]), [undefined])
      await poll(tier)
      assert.equal(await stampIn(tier), 9)
    },
  },
  {
    title:
      'a store that went back and was then started over or made anew answers nothing under the old epoch [R5] [P66]',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      const told = [row([entry(at(6))])]
      const beyond = cutAt(ARCHIVE, [
        [1, 9],
        [2, 3],
      ])
      for (const how of ['resetStripe', 'createStripe'] as const) {
        for (const cut of [CUT_1, beyond]) {
          await startOver(other, CUT_0)
          await poll(tier)
          await store(tier, at(5))
          const goBack = await harness.snapshot(STRIPE)
          await store(tier, at(6))
          assert.deepEqual(await advance(tier, await stateOf(tier), told), [])
          assert.equal(await stampIn(tier), 6)
          await goBack()
          // The entry of the dump is older than the cut that is believed, and the stripe stands there again.
          if (how === 'resetStripe') await startOver(other, cut)
          else {
            await harness.dropMeta(STRIPE)
            assert.notEqual(await other.createStripe(STRIPE, cut, []), undefined)
          }
          assert.deepEqual(kinds([await tier.get(ID)]), ['unknown'])
          assert.deepEqual(kinds(await tier.getMany([ID])), ['unknown'])
          assert.deepEqual((await stateOf(tier)).cut, cut)
          assert.equal(await stampIn(tier), undefined)
          await store(tier, at(7))
          assert.equal(await stampIn(tier), 7)
        }
      }
    },
  },
  {
    title:
      'a fresh epoch is heard of in the next read, whoever made it and how, also where the cut is the same [P66]',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      const elsewhere = strangerElsewhere()
      await store(tier, at(4), elsewhere)
      const ways: readonly (() => Promise<unknown>)[] = [
        async () => assert.ok(await other.renewEpoch(await stateOf(other))),
        () => startOver(other, CUT_0),
        async () => {
          await harness.dropMeta(STRIPE)
          await other.createStripe(STRIPE, CUT_0, [])
        },
      ]
      for (const makeFresh of ways) {
        await store(tier, at(5))
        assert.equal(await stampIn(tier), 5)
        await makeFresh()
        assert.deepEqual(kinds(await tier.getMany([ID, elsewhere])), ['unknown', 'found'])
        assert.deepEqual(kinds([await tier.get(ID)]), ['unknown'])
        // And it stays so while the stripe moves on.
        const state = await stateOf(other)
        assert.deepEqual(await advance(other, state, [], CUT_1), [])
        assert.deepEqual(kinds([await tier.get(ID)]), ['unknown'])
        await startOver(other, CUT_0)
        await poll(tier)
      }
    },
  },
  {
    title: 'renewing the epoch makes misses of all entries, and leaves cut and receipt [P66]',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      const stranger = strangerInStripe()
      const told = [row([entry(at(5))])]
      await store(tier, at(5))
      await store(tier, at(5), stranger)
      const state = await stateOf(tier)
      const kept = await tier.invalidateLeaves(state, [leafOfId(ZERO_SUMS, stranger)])
      tier.believe([kept!])
      await store(tier, at(6), stranger)
      assert.deepEqual(await advance(tier, await stateOf(tier), told), [])
      const before = await tier.readReceipt(STRIPE)
      const permit = await permitOf(tier)
      assert.equal(await tier.renewEpoch({ ...state, epoch: '0'.repeat(16) }), false)
      assert.equal(await tier.renewEpoch(await stateOf(tier)), true)
      assert.deepEqual(kinds([await tier.get(ID)]), ['unknown'])
      const after = await tier.readReceipt(STRIPE)
      assert.notEqual(after?.state.epoch, before?.state.epoch)
      assert.deepEqual({ ...after, state: undefined }, { ...before, state: undefined })
      assert.deepEqual(after?.state.cut, CUT_1)
      for (const one of [tier, other]) {
        await poll(one)
        assert.equal(await stampIn(one), undefined)
        assert.equal(await stampIn(one, stranger), undefined)
      }
      assert.deepEqual(await tier.put([put(at(7), permit)]), ['skipped'])
      await store(tier, at(4))
      // Nor do epochs of leaves come back with those that are made later.
      await invalidate(tier, await stateOf(tier), [leafOfId(ZERO_SUMS)])
      await poll(other)
      assert.equal(await stampIn(other, stranger), undefined)
    },
  },
  {
    title: 'two archives in one store never meet [P66]',
    async run(harness) {
      const ours = await withStripes(harness)
      const theirs = await harness.connect({ birthId: 'dead'.repeat(8) })
      assert.ok((await theirs.readStripes()).every(({ kind }) => kind === 'none'))
      await Promise.all(Array.from({ length: 64 }, (_, stripe) => theirs.createStripe(stripe, CUT_1, [])))
      await poll(theirs)
      await store(ours, at(5))
      assert.equal(await stampIn(theirs), undefined)
      await store(theirs, at(3))
      assert.equal(await stampIn(ours), 5)
      assert.equal(await stampIn(theirs), 3)
      assert.ok((await statesOf(ours)).every(({ cut }) => cut.positions.size === CUT_0.positions.size))
      const started = await theirs.resetStripe(await stateOf(theirs), CUT_1, [])
      theirs.believe([started!])
      assert.equal(stripeOfId(ID), started?.stripe)
      assert.equal(await stampIn(ours), 5)
    },
  },
]

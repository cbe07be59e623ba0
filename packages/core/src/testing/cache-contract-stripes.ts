import assert from 'node:assert/strict'
import { sequenceAt, type Cut } from '../cut.ts'
import { bucketOfId, stripeOfId, STRIPE_COUNT } from '../hash.ts'
import type { CachePermit } from '../cache-tier.ts'
import {
  ARCHIVE,
  at,
  CUT_0,
  CUT_1,
  digest,
  entry,
  advance,
  ID,
  idsWhere,
  invalidate,
  joined,
  leafMates,
  leafOfId,
  permitOf,
  poll,
  put,
  row,
  withStripes,
  stampIn,
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

/** What becomes of stripes: making, advancing, invalidating, starting over. */
export const stripeCases: readonly CacheContractCase[] = [
  {
    title: 'a stripe is made once, and stands at the cut it was made with',
    async run(harness) {
      const tiers = [await harness.connect(), await harness.connect()]
      const made = await Promise.all(tiers.map((tier) => tier.createStripe(3, CUT_1, [])))
      assert.equal(made.filter((state) => state !== undefined).length, 1)
      const [first, second] = await Promise.all(tiers.map((tier) => stateOf(tier, 3)))
      assert.deepEqual(first, second)
      assert.deepEqual(first!.cut, CUT_1)
      assert.equal(first!.stripe, 3)
      assert.match(first!.epoch, /^[0-9a-f]{16}$/)
    },
  },
  {
    title: 'a lost meta makes the stripe unknown, and its entries misses once it is made anew',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      await store(tier, at(5))
      const permit = await permitOf(tier)
      const untouched = strangerInStripe()
      const permitOfUntouched = await permitOf(tier, untouched)
      const before = await stateOf(tier)
      await harness.dropMeta(STRIPE)
      assert.deepEqual(await tier.put([put(at(6), permit)]), ['unknown'])
      assert.deepEqual(await tier.readPermits([ID]), [undefined])
      assert.deepEqual((await poll(tier))[STRIPE], { kind: 'none' })
      assert.equal((await tier.get(ID)).kind, 'unknown')
      assert.equal(await tier.advanceStripe(before, [row([entry(at(6))])], CUT_1), undefined)
      assert.equal(await tier.invalidateLeaves(before, [leafOfId(ZERO_SUMS)]), undefined)
      assert.equal(await tier.renewEpoch(before), false)
      assert.equal(await tier.resetStripe(before, CUT_1, []), undefined)
      assert.notEqual(await other.createStripe(STRIPE, CUT_0, []), undefined)
      await poll(other)
      assert.notEqual((await stateOf(tier)).epoch, before.epoch)
      assert.equal(await stampIn(tier), undefined)
      assert.equal(await stampIn(other), undefined)
      for (const kind of ['write', 'fill'] as const) {
        assert.deepEqual(await tier.put([put(at(6), permit, { kind })]), ['skipped'])
        const ofUntouched = put(at(6), permitOfUntouched, { id: untouched, kind })
        assert.deepEqual(await tier.put([ofUntouched]), ['skipped'])
      }
      await store(tier, at(4))
      assert.equal(await stampIn(other), 4)
    },
  },
  {
    title: 'advancing removes what the ledger tells is older, keeps the rest, and moves the cut',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      const stranger = strangerInStripe()
      const elsewhere = strangerElsewhere()
      await store(tier, at(5))
      await store(tier, at(9), stranger)
      await store(tier, at(5), elsewhere)
      const told = [entry(at(7)), entry(at(9), { id: stranger }), entry(at(7), { id: elsewhere })]
      const state = await stateOf(tier)
      assert.deepEqual(await advance(tier, state, [row(told)]), [ID])
      assert.equal(await stampIn(other), undefined)
      assert.equal(await stampIn(other, stranger), 9)
      assert.equal(await stampIn(other, elsewhere), 5)
      assert.deepEqual(await stateOf(other), { ...state, cut: CUT_1 })
      assert.deepEqual((await stateOf(other, stripeOfId(elsewhere))).cut, CUT_0)
    },
  },
  {
    title: 'advancing sets fresh tokens: who read before it creates no more [P51]',
    async run(harness) {
      const tier = await withStripes(harness)
      const permit = await permitOf(tier)
      const permitOfStranger = await permitOf(tier, strangerInStripe())
      assert.deepEqual(await advance(tier, await stateOf(tier), [row([entry(at(7))])]), [])
      assert.deepEqual(await tier.put([put(at(5), permit, { kind: 'fill' })]), ['skipped'])
      assert.deepEqual(await tier.put([put(at(7), permit)]), ['skipped'])
      const ofStranger = put(at(5), permitOfStranger, { id: strangerInStripe(), kind: 'fill' })
      assert.deepEqual(await tier.put([ofStranger]), ['stored'])
      // Twice more: a token that came back would let in who read between the two.
      let permitBetween: CachePermit | undefined
      for (const [sequence, time] of [
        [9, 8],
        [10, 9],
      ] as const) {
        permitBetween = await permitOf(tier)
        const to = cutAt(ARCHIVE, [
          [1, sequence],
          [2, 3],
        ])
        const told = row([entry(at(time))], 'batch', sequence)
        assert.deepEqual(await advance(tier, await stateOf(tier), [told], to), [])
      }
      assert.deepEqual(await tier.put([put(at(8), permitBetween, { kind: 'fill' })]), ['skipped'])
      await store(tier, at(9))
    },
  },
  {
    title: 'the receipt is the sum of the ledger, leaf by leaf [P29]',
    async run(harness) {
      const tier = await withStripes(harness)
      const [id, mate] = leafMates()
      const stranger = strangerInStripe()
      const rows = [
        row([entry(at(5), { id, digest: digest(1) }), entry(at(5), { id: stranger, digest: digest(255) })]),
        row([entry(at(6), { id: mate, digest: digest(250) })], 'batch', 9),
        row([entry(at(7), { id, digest: digest(3), previousDigest: digest(1) })], 'batch', 10),
        row(
          [entry(at(8), { id: stranger, digest: undefined, previousDigest: digest(255) })],
          'correction',
          11,
        ),
        row([entry(at(9), { id: strangerElsewhere() })], 'batch', 12),
      ]
      const state = await stateOf(tier)
      const middle = cutAt(ARCHIVE, [[1, 9]])
      assert.deepEqual(await advance(tier, state, rows.slice(0, 2), middle), [])
      assert.deepEqual(await advance(tier, await stateOf(tier), rows.slice(2)), [])
      let expected: Uint8Array = ZERO_SUMS
      for (const told of rows.flatMap((one) => one.entries)) {
        if (told.id === id || told.id === mate) expected = harness.addEntry(expected, told)
      }
      const receipt = await tier.readReceipt(STRIPE)
      assert.deepEqual(receipt?.state, { ...state, cut: CUT_1 })
      const leaves = receipt.leaves.map((leaf) => ({ ...leaf, sums: [...leaf.sums] }))
      assert.deepEqual(leaves, [{ ...leafOfId(expected), sums: [...expected] }])
    },
  },
  {
    title: 'advancing compares epoch and cut, and changes nothing when they moved',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(5))
      const permit = await permitOf(tier)
      const state = await stateOf(tier)
      const stale = [
        { ...state, cut: CUT_1 },
        { ...state, epoch: '0123456789abcdef' },
        { ...state, cut: { ...CUT_0, archiveId: 'f'.repeat(32) } },
      ]
      for (const one of stale) {
        assert.equal(await tier.advanceStripe(one, [row([entry(at(7))])], CUT_1), undefined)
        assert.equal(await tier.advanceStripe(one, [], CUT_1), undefined)
      }
      assert.equal(await stampIn(tier), 5)
      assert.deepEqual(await permitOf(tier), permit)
      assert.deepEqual(await tier.readReceipt(STRIPE), { state, leaves: [] })
    },
  },
  {
    title:
      'two processes that advance a stripe at once: one moves the stripe, and the ledger is counted once',
    async run(harness) {
      const tiers = [await withStripes(harness), await joined(harness), await joined(harness)]
      const state = await stateOf(tiers[0]!)
      const rows = [row([entry(at(7))])]
      const advanced = await Promise.all(tiers.map((tier) => tier.advanceStripe(state, rows, CUT_1)))
      assert.equal(advanced.filter((ids) => ids !== undefined).length, 1)
      const receipt = await tiers[0]!.readReceipt(STRIPE)
      const sums = harness.addEntry(ZERO_SUMS, rows[0]!.entries[0]!)
      assert.deepEqual(
        receipt?.leaves.map((leaf) => [...leaf.sums]),
        [[...sums]],
      )
    },
  },
  {
    title: 'all stripes can be advanced at once, those without entries too',
    async run(harness) {
      const tier = await withStripes(harness)
      const rows = [row([entry(at(7))])]
      const states = await statesOf(tier)
      const advanced = await Promise.all(states.map((state) => tier.advanceStripe(state, rows, CUT_1)))
      assert.deepEqual(
        advanced.map((one) => one?.removedIds),
        Array(STRIPE_COUNT).fill([]),
      )
      assert.ok((await statesOf(tier)).every((state) => sequenceAt(state.cut, 2) === 3))
    },
  },
  {
    title: 'a long tail is advanced whole',
    async run(harness) {
      const tier = await withStripes(harness)
      const ids = idsWhere(1_100, (id) => stripeOfId(id) === STRIPE)
      const permits = await tier.readPermits(ids)
      await tier.put(ids.map((id, index) => put(at(5), permits[index], { id, kind: 'fill' })))
      const told = ids.map((id) => entry(at(7), { id }))
      const removed = await advance(tier, await stateOf(tier), [row(told)])
      assert.deepEqual(removed?.toSorted(), ids.toSorted())
      const count = (await tier.readReceipt(STRIPE))!.leaves.length
      assert.equal(count, new Set(ids.map(bucketOfId)).size)
    },
  },
  {
    title: 'a correction removes the entry under the very stamp it tells',
    async run(harness) {
      const tier = await withStripes(harness)
      const newer = strangerInStripe()
      await store(tier, at(5))
      await store(tier, at(6), newer)
      const told = [entry(at(5)), entry(at(5), { id: newer })]
      assert.deepEqual(await advance(tier, await stateOf(tier), [row(told, 'correction')]), [ID])
      assert.equal(await stampIn(tier, newer), 6)
    },
  },
  {
    title: 'an invalidated leaf is a miss: at once for who did it, after the next poll for others',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      const stranger = strangerInStripe()
      const [, mate] = leafMates()
      await store(tier, at(5))
      await store(tier, at(5), mate)
      await store(tier, at(5), stranger)
      const permit = await permitOf(tier)
      const permitOfStranger = await permitOf(tier, stranger)
      const state = await stateOf(tier)
      const sums = new Uint8Array(28).fill(9)
      await invalidate(tier, state, [leafOfId(sums)])
      assert.deepEqual(await stateOf(other), state)
      for (const one of [tier, other]) {
        assert.equal(await stampIn(one), undefined)
        assert.equal(await stampIn(one, mate), undefined)
        assert.equal(await stampIn(one, stranger), 5)
      }
      const leaves = (await tier.readReceipt(STRIPE))?.leaves.map((leaf) => [leaf.bucket, ...leaf.sums])
      assert.deepEqual(leaves, [[bucketOfId(ID), ...sums]])
      assert.deepEqual(await tier.put([put(at(6), permit)]), ['skipped'])
      assert.deepEqual(await tier.put([put(at(6), permitOfStranger, { id: stranger })]), ['stored'])
      await store(tier, at(4))
      assert.equal(await stampIn(other), 4)
      assert.deepEqual(await tier.put([put(at(7), permit)]), ['removed'])
      assert.equal(await stampIn(tier), undefined)
    },
  },
  {
    title: 'a leaf invalidated again is a miss again, for others too',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      for (const time of [5, 6, 7]) {
        await invalidate(tier, await stateOf(tier), [leafOfId(ZERO_SUMS)])
        await poll(other)
        await store(tier, at(time))
        assert.equal(await stampIn(other), time)
      }
      await invalidate(tier, await stateOf(tier), [leafOfId(ZERO_SUMS)])
      await poll(other)
      assert.equal(await stampIn(other), undefined)
      assert.deepEqual((await tier.readReceipt(STRIPE))?.leaves, [])
    },
  },
  {
    title: 'invalidating compares epoch and cut',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(5))
      const state = await stateOf(tier)
      const leaves = [leafOfId(ZERO_SUMS)]
      assert.equal(await tier.invalidateLeaves({ ...state, cut: CUT_1 }, leaves), undefined)
      assert.equal(await tier.invalidateLeaves({ ...state, epoch: '0'.repeat(16) }, leaves), undefined)
      await poll(tier)
      assert.equal(await stampIn(tier), 5)
    },
  },
  {
    title: 'advancing goes on after a leaf was invalidated, from the sums set then',
    async run(harness) {
      const tier = await withStripes(harness)
      const state = await stateOf(tier)
      const first = harness.addEntry(ZERO_SUMS, entry(at(5)))
      await invalidate(tier, state, [leafOfId(first)])
      const told = entry(at(6), { previousDigest: entry(at(5)).digest })
      await store(tier, at(5))
      assert.deepEqual(await advance(tier, state, [row([told])]), [ID])
      const sums = harness.addEntry(first, told)
      assert.deepEqual(
        (await tier.readReceipt(STRIPE))?.leaves.map((leaf) => [...leaf.sums]),
        [[...sums]],
      )
    },
  },
  {
    title: 'a stripe started over has a fresh epoch, the given cut and sums, and no entries',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      await store(tier, at(5))
      await invalidate(tier, await stateOf(tier), [leafOfId(ZERO_SUMS, strangerInStripe())])
      const permit = await permitOf(tier)
      const state = await stateOf(tier)
      const cut: Cut = { archiveId: 'f'.repeat(32), positions: new Map() }
      const sums = new Uint8Array(28).fill(7)
      assert.equal(await tier.resetStripe({ ...state, cut }, cut, []), undefined)
      assert.equal(await stampIn(tier), 5)
      const started = await tier.resetStripe(state, cut, [leafOfId(sums)])
      tier.believe([started!])
      assert.equal(await stampIn(tier), undefined)
      const after = await stateOf(other)
      assert.deepEqual(after.cut, cut)
      assert.notEqual(after.epoch, state.epoch)
      assert.equal(await stampIn(other), undefined)
      assert.deepEqual(await tier.put([put(at(6), permit)]), ['skipped'])
      const leaves = (await tier.readReceipt(STRIPE))?.leaves.map((leaf) => [leaf.bucket, ...leaf.sums])
      assert.deepEqual(leaves, [[bucketOfId(ID), ...sums]])
      await store(tier, at(4))
      assert.equal(await stampIn(other), 4)
    },
  },
  {
    title: 'a stripe that went back stands at its old cut, and what was read after it went back no further',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      await store(tier, at(5))
      const state = await stateOf(tier)
      const goBack = await harness.snapshot(STRIPE)
      await store(tier, at(6))
      const permit = await permitOf(other)
      assert.deepEqual(await advance(tier, state, [row([entry(at(6))])]), [])
      await invalidate(tier, await stateOf(tier), [leafOfId(ZERO_SUMS)])
      await goBack()
      assert.deepEqual(await stateOf(tier), state)
      assert.equal(await stampIn(tier), 5)
      await harness.evict(ID)
      assert.deepEqual(await other.put([put(at(6), permit, { kind: 'fill' })]), ['skipped'])
    },
  },
  {
    title: 'entries have the time to live they were put with, and none by default [P15]',
    needs: ['timeToLiveMs'],
    async run(harness) {
      const tier = await withStripes(harness)
      const mortal = await joined(harness, { ttlMs: 60_000 })
      assert.equal(await tier.timeToLiveMs(ID), undefined)
      await store(tier, at(5))
      assert.equal(await tier.timeToLiveMs(ID), undefined)
      await store(mortal, at(6))
      const leftMs = await tier.timeToLiveMs(ID)
      assert.ok(leftMs !== undefined && leftMs > 0 && leftMs <= 60_000, String(leftMs))
      assert.equal(await stampIn(tier), 6)
    },
  },
]

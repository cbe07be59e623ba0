import assert from 'node:assert/strict'
import { TierUnavailable } from '../errors.ts'
import { stripeOfId, STRIPE_COUNT } from '../hash.ts'
import { CACHE_OPEN_FIELDS } from '../open-options.ts'
import {
  at,
  CACHE_CONTRACT_BIRTH_ID,
  CACHE_CONTRACT_BRANCHES,
  CUT_0,
  entry,
  advance,
  ID,
  idsWhere,
  joined,
  kinds,
  leafMates,
  permitOf,
  poll,
  put,
  REFUSED_BYTES,
  row,
  withStripes,
  stampIn,
  stateOf,
  store,
  strangerInStripe,
  STRIPE,
  type CacheContractCase,
} from './cache-contract-kit.ts'
import { optionsContract } from './options-contract.ts'

/** What fails alone: a stripe, a key, a value. */
export const failureCases: readonly CacheContractCase[] = [
  {
    title: 'open refuses what is no option, and tells it by its field; what it was opened with stands [P77]',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(5))
      const identity = { branches: CACHE_CONTRACT_BRANCHES, birthId: CACHE_CONTRACT_BIRTH_ID }
      const call = (given: object) => tier.open({ ...identity, ...given })
      for (const { run } of optionsContract(CACHE_OPEN_FIELDS, call)) await run()
      await assert.rejects(call({ branches: ['order.', 'user.'] }), {
        code: 'SE_INVALID_INPUT',
        message: 'branches: must be a branch set, as createBranchSet makes it, not a list',
      })
      await assert.rejects(call({ birthId: undefined }), { code: 'SE_INVALID_INPUT', field: 'birthId' })
      assert.equal(await stampIn(tier), 5)
    },
  },
  {
    title: 'a stripe fails alone: of the others nothing is missing [P74]',
    async run(harness) {
      const tier = await withStripes(harness)
      const { stripes, mend } = await harness.failStripe(STRIPE)
      const failing = new Set(stripes)
      assert.ok(failing.has(STRIPE) && failing.size < STRIPE_COUNT)
      const elsewhere = idsWhere(1, (id) => !failing.has(stripeOfId(id)))[0]!
      const permits = await tier.readPermits([ID, elsewhere])
      assert.deepEqual(
        permits.map((permit) => permit?.id),
        [undefined, elsewhere],
      )
      const puts = [put(at(5), undefined), put(at(5), permits[1], { id: elsewhere })]
      assert.deepEqual(await tier.put(puts), ['unknown', 'stored'])
      assert.deepEqual(kinds(await tier.getMany([ID, elsewhere])), ['unknown', 'found'])
      assert.deepEqual(kinds([await tier.get(ID), await tier.get(elsewhere)]), ['unknown', 'found'])
      const readings = await tier.readStripes()
      readings.forEach(({ kind }, stripe) => {
        assert.equal(kind, failing.has(stripe) ? 'unknown' : 'state', String(stripe))
      })
      await mend()
      await store(await joined(harness), at(6))
      await poll(tier)
      assert.equal(await stampIn(tier), 6)
    },
  },
  {
    title: 'a key of another type where an entry should be is absent, and gives way [P74]',
    async run(harness) {
      const tier = await withStripes(harness)
      const [, mate] = leafMates()
      await store(tier, at(5), mate)
      await harness.mistype({ id: ID })
      assert.equal(await stampIn(tier), undefined)
      assert.deepEqual(kinds(await tier.getMany([ID, mate])), ['absent', 'found'])
      await store(tier, at(3))
      assert.equal(await stampIn(tier), 3)
      // Also where entries are so large that they are compared by their head alone, and where the ledger tells of them.
      await harness.mistype({ id: ID })
      const large = 'x'.repeat(5_000)
      assert.deepEqual(await tier.put([put(at(4), await permitOf(tier), { value: large })]), ['stored'])
      await harness.mistype({ id: ID })
      const { foreignKeys } = tier.health()
      assert.deepEqual(await advance(tier, await stateOf(tier), [row([entry(at(7))])]), [])
      assert.equal(tier.health().foreignKeys, foreignKeys + 1)
      assert.equal(await stampIn(tier), undefined)
      assert.equal(await stampIn(tier, mate), 5)
    },
  },
  {
    title: 'a key of another type where a meta should be is no meta, and gives way [P74]',
    async run(harness) {
      const tier = await withStripes(harness)
      const stranger = strangerInStripe()
      await store(tier, at(5))
      const permit = await permitOf(tier)
      const state = await stateOf(tier)
      await harness.mistype({ stripe: STRIPE })
      assert.deepEqual(await tier.put([put(at(6), permit)]), ['unknown'])
      await harness.mistype({ stripe: STRIPE })
      assert.deepEqual(await tier.readPermits([ID]), [undefined])
      await harness.mistype({ stripe: STRIPE })
      assert.equal(await tier.readReceipt(STRIPE), undefined)
      await harness.mistype({ stripe: STRIPE })
      assert.equal(await tier.advanceStripe(state, [row([entry(at(7))])], CUT_0), undefined)
      await harness.mistype({ stripe: STRIPE })
      const readings = await poll(tier)
      readings.forEach(({ kind }, stripe) => assert.equal(kind, stripe === STRIPE ? 'none' : 'state'))
      assert.ok(tier.health().foreignKeys > 0)
      await harness.mistype({ stripe: STRIPE })
      assert.notEqual(await tier.createStripe(STRIPE, CUT_0, []), undefined)
      await poll(tier)
      assert.equal(await stampIn(tier), undefined)
      await store(tier, at(6), stranger)
    },
  },
  {
    title:
      'a value that the store refuses is remembered and not offered again; what is older goes, and others stay [P74]',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(5))
      const refusals = await harness.refuseLargeValues()
      const large = 'x'.repeat(REFUSED_BYTES)
      const offer = async (time: number, kind: 'write' | 'fill' = 'write') => {
        const offered = put(at(time), await permitOf(tier), { value: large, kind })
        // The store may end the connection over it.
        const outcomes = await tier.put([offered]).catch((error: unknown) => {
          assert.ok(error instanceof TierUnavailable)
        })
        await harness.setAvailable(true)
        await poll(tier)
        return outcomes
      }
      // Where the connection was lost with it, once is no proof.
      await offer(6)
      await offer(7)
      const count = await refusals()
      assert.ok(count > 0, 'it was refused')
      assert.deepEqual(await offer(8), ['removed'])
      assert.deepEqual(await offer(9, 'fill'), ['skipped'])
      assert.equal(await refusals(), count)
      assert.ok(tier.health().refusedValues >= 2)
      assert.equal(await stampIn(tier), undefined)
      await store(tier, at(10))
      assert.equal(await stampIn(tier), 10)
    },
  },
  {
    title: 'a damaged entry is absent, counted, and does not stand in the way [P86]',
    async run(harness) {
      const tier = await withStripes(harness)
      const other = await joined(harness)
      await store(tier, at(5))
      await harness.damage(ID)
      assert.equal(await stampIn(tier), undefined)
      assert.equal(tier.health().damagedEntries, 1)
      await store(tier, at(6))
      await harness.damage(ID)
      assert.deepEqual(kinds(await other.getMany([ID])), ['absent'])
      assert.equal(other.health().damagedEntries, 1)
      await store(other, at(7))
      assert.equal(await stampIn(tier), 7)
    },
  },
]

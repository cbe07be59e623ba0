import assert from 'node:assert/strict'
import { TierUnavailable } from '../errors.ts'
import { STRIPE_COUNT } from '../hash.ts'
import { equalBytes, type ItemWrite } from '../item.ts'
import { stampMs, type Stamp } from '../stamp.ts'
import {
  at,
  CUT_0,
  CUT_1,
  entry,
  ID,
  joined,
  kinds,
  leafMates,
  leafOfId,
  permitOf,
  poll,
  put,
  remove,
  row,
  withStripes,
  stampIn,
  stateOf,
  store,
  STRIPE,
  utf8,
  ZERO_SUMS,
  type CacheContractCase,
} from './cache-contract-kit.ts'

/** Ids that a key must not confuse. */
const UNLIKE_IDS = [
  'a',
  'A',
  'ä',
  'a\u0308',
  'a ',
  '{a}',
  'm',
  'i:a',
  '00}m',
  '*',
  'a*',
  '\\',
  '漢'.repeat(85),
  '😀',
]

/** What becomes of entries: putting, reading, removing. */
export const entryCases: readonly CacheContractCase[] = [
  {
    title: 'a stripe without meta is unknown, gives no permit and takes nothing [R1]',
    async run(harness) {
      const tier = await harness.connect()
      assert.deepEqual(await tier.readStripes(), Array(STRIPE_COUNT).fill({ kind: 'none' }))
      assert.equal((await tier.get(ID)).kind, 'unknown')
      assert.deepEqual(kinds(await tier.getMany([ID, 'user.bob'])), ['unknown', 'unknown'])
      assert.deepEqual(await tier.readPermits([ID]), [undefined])
      assert.deepEqual(await tier.put([put(at(5), undefined)]), ['unknown'])
      assert.equal(await tier.readReceipt(STRIPE), undefined)
      await tier.createStripe(STRIPE, CUT_0, [])
      await poll(tier)
      assert.equal(await stampIn(tier), undefined)
    },
  },
  {
    title: 'a process that has not judged the metas answers unknown [R1]',
    async run(harness) {
      await store(await withStripes(harness), at(5))
      const other = await harness.connect()
      assert.equal((await other.get(ID)).kind, 'unknown')
      assert.deepEqual(kinds(await other.getMany([ID, 'user.bob'])), ['unknown', 'unknown'])
      await poll(other)
      assert.equal(await stampIn(other), 5)
    },
  },
  {
    title: 'everything comes back as it went in: any bytes, texts and times [R7, P16]',
    async run(harness) {
      const tier = await withStripes(harness)
      const big = new Uint8Array(300_000).map((_, index) => (index * 31) % 256)
      const values = [
        new Uint8Array(0),
        new Uint8Array(256).map((_, byte) => byte),
        Uint8Array.of(0xff, 0xfe, 0xc0, 0x80, 0x0d, 0x0a, 0x00),
        utf8.encode('{"a": 1.0,  "big": 12345678901234567890}'),
        big,
      ]
      const writes: ItemWrite[] = values.map((bytes, index) => ({
        id: `order.${index}`,
        stamp: at(index + 1, 4_294_967_295 - index),
        state: ['', 'default', 'Zustand äöü 漢字', 's'.repeat(64), 'x'][index]!,
        contentType: ['', 'application/json', 'x'.repeat(127), 'a/b; c="d"', 'image/png'][index]!,
        bytes,
      }))
      const permits = await tier.readPermits(writes.map((one) => one.id))
      const times = [0, 1, 1_800_000_000_000, 2 ** 42 - 1, 7]
      const outcomes = await tier.put(
        writes.map((one, index) => ({
          write: one,
          version: [1, 2, 4_294_967_295, 7, 8][index]!,
          createdAtMs: times[index]!,
          permit: permits[index],
          kind: 'write',
        })),
      )
      assert.deepEqual(outcomes, Array(values.length).fill('stored'))
      const other = await joined(harness)
      const lookups = await other.getMany(writes.map((one) => one.id))
      for (const [index, lookup] of lookups.entries()) {
        assert.ok(lookup.kind === 'found')
        const { bytes, ...rest } = lookup.item
        assert.ok(equalBytes(bytes, values[index]!), `value ${index}`)
        assert.deepEqual(rest, {
          id: writes[index]!.id,
          stamp: writes[index]!.stamp,
          state: writes[index]!.state,
          contentType: writes[index]!.contentType,
          version: [1, 2, 4_294_967_295, 7, 8][index],
          createdAtMs: times[index],
          updatedAtMs: stampMs(writes[index]!.stamp),
        })
        const single = await other.get(writes[index]!.id)
        assert.ok(single.kind === 'found' && equalBytes(single.item.bytes, bytes))
      }
    },
  },
  {
    title: 'ids are compared by their bytes, whatever is in them [P17]',
    async run(harness) {
      const tier = await withStripes(harness)
      for (const [index, id] of UNLIKE_IDS.entries()) await store(tier, at(index + 1), id)
      for (const [index, id] of UNLIKE_IDS.entries()) assert.equal(await stampIn(tier, id), index + 1, id)
      assert.ok((await tier.readStripes()).every(({ kind }) => kind === 'state'))
    },
  },
  {
    title: 'each id has a key of its own',
    needs: ['keyOf'],
    async run(harness) {
      const tier = await withStripes(harness)
      assert.equal(new Set(UNLIKE_IDS.map((id) => tier.keyOf(id))).size, UNLIKE_IDS.length)
    },
  },
  {
    title: 'getMany and readPermits answer in the order of the ids, also where ids repeat or are not there',
    async run(harness) {
      const tier = await withStripes(harness)
      const ids = Array.from({ length: 700 }, (_, index) => `user.${index}`)
      const permits = await tier.readPermits(ids)
      assert.deepEqual(
        permits.map((permit) => permit?.id),
        ids,
      )
      const puts = ids.map((id, index) => put(at(index + 1), permits[index], { id }))
      assert.deepEqual(await tier.put(puts), Array(ids.length).fill('stored'))
      const asked = [...ids.slice(50).reverse(), 'user.none', ids[3]!, ids[3]!]
      const lookups = await tier.getMany(asked)
      const found = lookups.map((lookup) => (lookup.kind === 'found' ? lookup.item.id : undefined))
      assert.deepEqual(found, [...ids.slice(50).reverse(), undefined, ids[3], ids[3]])
    },
  },
  {
    title: 'nothing asked costs no round trip',
    async run(harness) {
      const tier = await withStripes(harness)
      await harness.setAvailable(false)
      assert.deepEqual(await tier.getMany([]), [])
      assert.deepEqual(await tier.readPermits([]), [])
      assert.deepEqual(await tier.put([]), [])
    },
  },
  {
    title: 'the time to live is not to be had while the store is down',
    needs: ['timeToLiveMs'],
    async run(harness) {
      const tier = await withStripes(harness)
      await harness.setAvailable(false)
      await assert.rejects(() => tier.timeToLiveMs(ID), TierUnavailable)
    },
  },
  {
    title: 'a store that is down is unknown, never absent, and is used again when it is back [R1, P11]',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(5))
      const permit = await permitOf(tier)
      const state = await stateOf(tier)
      await harness.setAvailable(false)
      const fail = async (...calls: (() => Promise<unknown>)[]) => {
        for (const call of calls) await assert.rejects(call, TierUnavailable)
      }
      await fail(
        () => tier.readStripes(),
        () => tier.readPermits([ID]),
        () => tier.put([put(at(6), permit)]),
        () => tier.createStripe(STRIPE, CUT_0, []),
        () => tier.advanceStripe(state, [row([entry(at(6))])], CUT_1),
        () => tier.readReceipt(STRIPE),
        () => tier.resetStripe(state, CUT_1, []),
      )
      assert.deepEqual(kinds(await tier.getMany(['user.bob', 'user.carol'])), ['unknown', 'unknown'])
      assert.equal((await tier.get(ID)).kind, 'unknown')
      await fail(
        () => tier.invalidateLeaves(state, [leafOfId(ZERO_SUMS)]),
        () => tier.renewEpoch(state),
      )
      await harness.setAvailable(true)
      await poll(tier)
      // What was given up may have happened all the same, late; it may not have taken anything back.
      const time = await stampIn(tier)
      assert.ok(time === undefined || time >= 5, String(time))
    },
  },
  {
    title: 'replacing needs a newer stamp, by time and then by instance [W3, P14]',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(10, 5))
      for (const stale of [at(9, 9), at(10, 4), at(10, 5)]) {
        assert.deepEqual(await tier.put([put(stale, await permitOf(tier))]), ['skipped'])
        assert.deepEqual(await tier.put([put(stale, await permitOf(tier), { kind: 'fill' })]), ['skipped'])
        assert.equal(await stampIn(tier), 10)
      }
      for (const newer of [at(10, 6), at(11, 1)]) {
        assert.deepEqual(await tier.put([put(newer, await permitOf(tier))]), ['stored'])
      }
      assert.deepEqual(await tier.put([put(at(12), await permitOf(tier), { kind: 'fill' })]), ['stored'])
      assert.equal(await stampIn(tier), 12)
    },
  },
  {
    title: 'stamps are compared exactly up to 2^53-1 and the last instance [P44]',
    async run(harness) {
      const tier = await withStripes(harness)
      const last = Number.MAX_SAFE_INTEGER
      const rising = [
        at(255),
        at(256),
        at(2 ** 32 - 1, 2 ** 32 - 1),
        at(2 ** 32),
        at(last - 2, 2 ** 32 - 1),
        at(last - 1, 2 ** 31),
        at(last - 1, 2 ** 32 - 1),
        at(last, 1),
        at(last, 2 ** 32 - 1),
      ]
      const permit = await permitOf(tier)
      let previous: Stamp | undefined
      for (const stamp of rising) {
        assert.deepEqual(await tier.put([put(stamp, permit)]), ['stored'])
        if (previous !== undefined) assert.deepEqual(await tier.put([put(previous, permit)]), ['skipped'])
        const lookup = await tier.get(ID)
        assert.deepEqual(lookup.kind === 'found' && lookup.item.stamp, stamp)
        previous = stamp
      }
    },
  },
  {
    title: 'puts of two processes at once end with the newest, in any order [W3]',
    async run(harness) {
      const tiers = [await withStripes(harness), await joined(harness)]
      await store(tiers[0]!, at(1))
      const permit = await permitOf(tiers[0]!)
      const order = Array.from({ length: 60 }, (_, index) => 2 + ((index * 37) % 60))
      await Promise.all(order.map((time, index) => tiers[index % 2]!.put([put(at(time), permit)])))
      assert.equal(await stampIn(tiers[0]!), 61)
    },
  },
  {
    title: 'a stalled writer does not recreate an older value after eviction of a newer one [P51]',
    async run(harness) {
      const stalled = await withStripes(harness)
      const other = await joined(harness)
      const permit = await permitOf(stalled)
      await store(other, at(9))
      await harness.evict(ID)
      assert.deepEqual(await stalled.put([put(at(5), permit)]), ['skipped'])
      assert.equal(await stampIn(stalled), undefined)
    },
  },
  {
    title: 'a late reader does not fill in what was replaced or deleted meanwhile [P12, P14]',
    async run(harness) {
      const reader = await withStripes(harness)
      const writer = await joined(harness)
      for (const change of [put(at(20), await permitOf(writer)), remove(at(30)), remove(at(40))]) {
        const permit = await permitOf(reader)
        await writer.put([change])
        await harness.evict(ID)
        assert.deepEqual(await reader.put([put(at(10), permit, { kind: 'fill' })]), ['skipped'])
        assert.equal(await stampIn(reader), undefined)
      }
    },
  },
  {
    title: 'creating needs a permit',
    async run(harness) {
      const tier = await withStripes(harness)
      assert.deepEqual(await tier.put([put(at(5), undefined)]), ['skipped'])
      const permit = await permitOf(tier)
      const forged = { ...permit, token: 'f'.repeat(16) }
      assert.deepEqual(await tier.put([put(at(5), forged, { kind: 'fill' })]), ['skipped'])
      assert.deepEqual(await tier.put([put(at(5), permit, { kind: 'fill' })]), ['stored'])
    },
  },
  {
    title: 'a fill sets no token: it takes nobody else the right to create',
    async run(harness) {
      const [id, mate] = leafMates()
      const tier = await withStripes(harness)
      const permit = await permitOf(tier, id)
      const permitOfMate = await permitOf(tier, mate)
      assert.deepEqual(await tier.put([put(at(5), permit, { id, kind: 'fill' })]), ['stored'])
      assert.deepEqual(await tier.put([put(at(6), permitOfMate, { id: mate, kind: 'fill' })]), ['stored'])
    },
  },
  {
    title: 'every write and every delete sets a fresh token, also when it changes nothing [P51]',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(50))
      const changesNothing = [put(at(40), await permitOf(tier)), put(at(41), undefined), remove(at(42))]
      for (const nothing of changesNothing) {
        const permit = await permitOf(tier)
        assert.deepEqual(await tier.put([nothing]), ['skipped'])
        assert.notEqual((await permitOf(tier)).token, permit.token)
      }
      await harness.evict(ID)
      const permit = await permitOf(tier)
      assert.deepEqual(await tier.put([put(at(51), undefined)]), ['skipped'])
      assert.deepEqual(await tier.put([put(at(45), permit, { kind: 'fill' })]), ['skipped'])
    },
  },
  {
    title: 'items of one leaf in one call do not take each other the right to create',
    async run(harness) {
      const [id, mate] = leafMates()
      const tier = await withStripes(harness)
      const [permit, permitOfMate] = await tier.readPermits([id, mate])
      const puts = [put(at(5), permit, { id }), put(at(6), permitOfMate, { id: mate })]
      assert.deepEqual(await tier.put(puts), ['stored', 'stored'])
    },
  },
  {
    title: 'an id that comes twice in one call ends with its newest write',
    async run(harness) {
      const tier = await withStripes(harness)
      const permit = await permitOf(tier)
      assert.deepEqual(await tier.put([put(at(5), permit), put(at(7), permit), put(at(6), permit)]), [
        'stored',
        'stored',
        'skipped',
      ])
      assert.equal(await stampIn(tier), 7)
    },
  },
  {
    title: 'a delete removes what is older and never creates [P18]',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(10))
      assert.deepEqual(await tier.put([remove(at(9))]), ['skipped'])
      assert.equal(await stampIn(tier), 10)
      assert.deepEqual(await tier.put([remove(at(11), await permitOf(tier))]), ['removed'])
      assert.equal(await stampIn(tier), undefined)
      assert.deepEqual(await tier.put([remove(at(12), await permitOf(tier))]), ['removed'])
      assert.equal(await stampIn(tier), undefined)
    },
  },
  {
    title: 'a newer write that may not be stored removes the older entry; a fill leaves it',
    async run(harness) {
      const tier = await withStripes(harness)
      await store(tier, at(10))
      assert.deepEqual(await tier.put([put(at(11), undefined, { kind: 'fill' })]), ['skipped'])
      assert.equal(await stampIn(tier), 10)
      assert.deepEqual(await tier.put([put(at(11), undefined)]), ['removed'])
      assert.equal(await stampIn(tier), undefined)
    },
  },
]

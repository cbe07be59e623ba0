import assert from 'node:assert/strict'
import { sequenceAt, type Cut } from '../cut.ts'
import { TierUnavailable } from '../errors.ts'
import { bucketOfId, stripeOfId, STRIPE_COUNT } from '../hash.ts'
import { equalBytes, type ItemWrite } from '../item.ts'
import { stampMs, type Stamp } from '../stamp.ts'
import type {
  CachePermit,
  CachePut,
  CacheTier,
  LedgerEntry,
  LedgerRow,
  Lookup,
  StoredLeaf,
  StripeState,
} from '../tier.ts'
import { cutAt, linkOf } from './cuts.ts'

/** What an implementation gives the suite. Each case gets a harness of its own, on an empty store. */
export interface CacheContractHarness {
  /**
   * Another process on the same store, opened with {@link CACHE_CONTRACT_BRANCHES}.
   *
   * @param options `ttlMs` as the implementation's own option
   */
  connect(options?: { ttlMs?: number }): Promise<CacheTier>
  /** Loses an id's entry, as eviction does. */
  evict(id: string): Promise<void>
  /** Loses a stripe's meta; its entries stay. */
  dropMeta(stripe: number): Promise<void>
  /** Remembers a stripe whole; the answer puts it back, as an older dump would. */
  snapshot(stripe: number): Promise<() => Promise<void>>
  /** Cuts all tiers off from the store, or resolves once they reach it again. */
  setAvailable(isAvailable: boolean): Promise<void>
  /** As `@se/merkle` adds a ledger entry to a leaf's 28 bytes. */
  addEntry(sums: Uint8Array, entry: LedgerEntry): Uint8Array
}

/** One obligation of a cache tier. */
export interface CacheContractCase {
  readonly title: string
  run(harness: CacheContractHarness): Promise<void>
}

/** Branches the tiers under test are opened with. */
export const CACHE_CONTRACT_BRANCHES: readonly string[] = ['', 'order.', 'user.']

const ARCHIVE = '0123456789abcdef0123456789abcdef'
const CUT_0 = cutAt(ARCHIVE, [[1, 7]])
const CUT_1 = cutAt(ARCHIVE, [
  [1, 8],
  [2, 3],
])
const ID = 'user.alice'
const STRIPE = stripeOfId(ID)
const utf8 = new TextEncoder()

function at(time: number, instance = 1): Stamp {
  return { time, instance }
}

function write(
  id: string,
  stamp: Stamp,
  value: string | Uint8Array | undefined = `value ${stamp.time}`,
): ItemWrite {
  const bytes = typeof value === 'string' ? utf8.encode(value) : value
  return { id, stamp, state: 'default', contentType: 'text/plain', bytes }
}

function put(
  stamp: Stamp,
  permit: CachePermit | undefined,
  { id = ID, kind = 'write' as CachePut['kind'], value = undefined as string | undefined } = {},
): CachePut {
  return { write: write(id, stamp, value), version: 1, createdAtMs: 1_000, permit, kind }
}

function remove(stamp: Stamp, permit?: CachePermit, id = ID): CachePut {
  const bytes = undefined
  return { write: { ...write(id, stamp), bytes }, version: 0, createdAtMs: 0, permit, kind: 'write' }
}

function digest(fill: number): Uint8Array {
  return new Uint8Array(16).fill(fill)
}

function entry(stamp: Stamp, fields: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    id: ID,
    stamp,
    previousStamp: undefined,
    digest: digest(stamp.time % 251),
    previousDigest: undefined,
    ...fields,
  }
}

function row(entries: readonly LedgerEntry[], kind: LedgerRow['kind'] = 'batch', sequence = 8): LedgerRow {
  return { instance: 1, sequence, link: linkOf(1, sequence), kind, committedAtMs: 5_000, entries }
}

/** A process on a store where every stripe has just been made. */
async function seated(harness: CacheContractHarness): Promise<CacheTier> {
  const tier = await harness.connect()
  await Promise.all(Array.from({ length: STRIPE_COUNT }, (_, stripe) => tier.createStripe(stripe, CUT_0, [])))
  await tier.readStripes()
  return tier
}

/** A further process, which has read the metas. */
async function joined(harness: CacheContractHarness, options?: { ttlMs?: number }): Promise<CacheTier> {
  const tier = await harness.connect(options)
  await tier.readStripes()
  return tier
}

async function permitOf(tier: CacheTier, id = ID): Promise<CachePermit> {
  const [permit] = await tier.readPermits([id])
  assert.ok(permit !== undefined, 'the stripe has a meta')
  return permit
}

async function store(tier: CacheTier, stamp: Stamp, id = ID): Promise<void> {
  assert.deepEqual(await tier.put([put(stamp, await permitOf(tier, id), { id })]), ['stored'])
}

async function stateOf(tier: CacheTier, stripe = STRIPE): Promise<StripeState> {
  const state = (await tier.readStripes())[stripe]
  assert.ok(state !== undefined, 'the stripe has a meta')
  return state
}

async function stampIn(tier: CacheTier, id = ID): Promise<number | undefined> {
  const lookup = await tier.get(id)
  assert.notEqual(lookup.kind, 'unknown')
  return lookup.kind === 'found' ? lookup.item.stamp.time : undefined
}

function kinds(lookups: readonly Lookup[]): string[] {
  return lookups.map((lookup) => lookup.kind)
}

/** Ids whose buckets all satisfy a condition. */
function idsWhere(count: number, accepts: (id: string) => boolean): string[] {
  const ids: string[] = []
  for (let number = 0; ids.length < count; number++) {
    const id = `user.${number}`
    if (accepts(id)) ids.push(id)
  }
  return ids
}

/** Two ids of one leaf. */
function leafMates(): [string, string] {
  const mate = idsWhere(1, (id) => bucketOfId(id) === bucketOfId(ID))[0]!
  return [ID, mate]
}

function strangerInStripe(): string {
  return idsWhere(1, (id) => stripeOfId(id) === STRIPE && bucketOfId(id) !== bucketOfId(ID))[0]!
}

function strangerElsewhere(): string {
  return idsWhere(1, (id) => stripeOfId(id) !== STRIPE)[0]!
}

function leafOfId(sums: Uint8Array, id = ID): StoredLeaf {
  return { branch: CACHE_CONTRACT_BRANCHES.indexOf('user.'), bucket: bucketOfId(id), sums }
}

const ZERO_SUMS = new Uint8Array(28)

/** The obligations of a cache tier, for any test runner. */
export const cacheContract: readonly CacheContractCase[] = [
  {
    title: '[R1] a stripe without meta is unknown, gives no permit and takes nothing',
    async run(harness) {
      const tier = await harness.connect()
      assert.deepEqual(await tier.readStripes(), Array(STRIPE_COUNT).fill(undefined))
      assert.equal((await tier.get(ID)).kind, 'unknown')
      assert.deepEqual(kinds(await tier.getMany([ID, 'user.bob'])), ['unknown', 'unknown'])
      assert.deepEqual(await tier.readPermits([ID]), [undefined])
      assert.deepEqual(await tier.put([put(at(5), undefined)]), ['unknown'])
      assert.equal(await tier.readReceipt(STRIPE), undefined)
      await tier.createStripe(STRIPE, CUT_0, [])
      assert.equal(await stampIn(tier), undefined)
    },
  },
  {
    title: '[R1] a process that has not read the metas answers unknown',
    async run(harness) {
      await store(await seated(harness), at(5))
      const other = await harness.connect()
      assert.equal((await other.get(ID)).kind, 'unknown')
      await other.readStripes()
      assert.equal(await stampIn(other), 5)
    },
  },
  {
    title: '[R7] [P16] everything comes back as it went in: any bytes, texts and times',
    async run(harness) {
      const tier = await seated(harness)
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
    title: '[P17] ids are compared by their bytes, whatever is in them',
    async run(harness) {
      const tier = await seated(harness)
      const ids = [
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
      for (const [index, id] of ids.entries()) await store(tier, at(index + 1), id)
      for (const [index, id] of ids.entries()) assert.equal(await stampIn(tier, id), index + 1, id)
      assert.equal(new Set(ids.map((id) => tier.keyOf(id))).size, ids.length)
      assert.ok((await tier.readStripes()).every((state) => state !== undefined))
    },
  },
  {
    title: 'getMany and readPermits answer in the order of the ids, also where ids repeat or are not there',
    async run(harness) {
      const tier = await seated(harness)
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
      const tier = await seated(harness)
      await harness.setAvailable(false)
      assert.deepEqual(await tier.getMany([]), [])
      assert.deepEqual(await tier.readPermits([]), [])
      assert.deepEqual(await tier.put([]), [])
    },
  },
  {
    title: '[R1] [P11] a store that is down is unknown, never absent, and is used again when it is back',
    async run(harness) {
      const tier = await seated(harness)
      await store(tier, at(5))
      const permit = await permitOf(tier)
      const state = await stateOf(tier)
      await harness.setAvailable(false)
      assert.equal((await tier.get(ID)).kind, 'unknown')
      assert.deepEqual(kinds(await tier.getMany([ID, 'user.bob'])), ['unknown', 'unknown'])
      for (const call of [
        () => tier.readStripes(),
        () => tier.readPermits([ID]),
        () => tier.put([put(at(6), permit)]),
        () => tier.createStripe(STRIPE, CUT_0, []),
        () => tier.finishStripe(state, [row([entry(at(6))])], CUT_1),
        () => tier.readReceipt(STRIPE),
        () => tier.invalidateLeaves(state, [leafOfId(ZERO_SUMS)]),
        () => tier.resetStripe(state, CUT_1, []),
        () => tier.timeToLiveMs(ID),
      ]) {
        await assert.rejects(call, TierUnavailable)
      }
      await harness.setAvailable(true)
      await tier.readStripes()
      // What was given up may have happened all the same, late; it may not have taken anything back.
      const time = await stampIn(tier)
      assert.ok(time === undefined || time >= 5, String(time))
    },
  },
  {
    title: '[W3] [P14] replacing needs a newer stamp, by time and then by instance',
    async run(harness) {
      const tier = await seated(harness)
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
    title: '[P44] stamps are compared exactly up to 2^53-1 and the last instance',
    async run(harness) {
      const tier = await seated(harness)
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
    title: '[W3] puts of two processes at once end with the newest, in any order',
    async run(harness) {
      const tiers = [await seated(harness), await joined(harness)]
      await store(tiers[0]!, at(1))
      const permit = await permitOf(tiers[0]!)
      const order = Array.from({ length: 60 }, (_, index) => 2 + ((index * 37) % 60))
      await Promise.all(order.map((time, index) => tiers[index % 2]!.put([put(at(time), permit)])))
      assert.equal(await stampIn(tiers[0]!), 61)
    },
  },
  {
    title: '[P51] a stalled writer does not recreate an older value after eviction of a newer one',
    async run(harness) {
      const stalled = await seated(harness)
      const other = await joined(harness)
      const permit = await permitOf(stalled)
      await store(other, at(9))
      await harness.evict(ID)
      assert.deepEqual(await stalled.put([put(at(5), permit)]), ['skipped'])
      assert.equal(await stampIn(stalled), undefined)
    },
  },
  {
    title: '[P12] [P14] a late reader does not fill in what was replaced or deleted meanwhile',
    async run(harness) {
      const reader = await seated(harness)
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
      const tier = await seated(harness)
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
      const tier = await seated(harness)
      const permit = await permitOf(tier, id)
      const permitOfMate = await permitOf(tier, mate)
      assert.deepEqual(await tier.put([put(at(5), permit, { id, kind: 'fill' })]), ['stored'])
      assert.deepEqual(await tier.put([put(at(6), permitOfMate, { id: mate, kind: 'fill' })]), ['stored'])
    },
  },
  {
    title: '[P51] every write and every delete sets a fresh token, also when it changes nothing',
    async run(harness) {
      const tier = await seated(harness)
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
      const tier = await seated(harness)
      const [permit, permitOfMate] = await tier.readPermits([id, mate])
      const puts = [put(at(5), permit, { id }), put(at(6), permitOfMate, { id: mate })]
      assert.deepEqual(await tier.put(puts), ['stored', 'stored'])
    },
  },
  {
    title: 'an id that comes twice in one call ends with its newest write',
    async run(harness) {
      const tier = await seated(harness)
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
    title: '[P18] a delete removes what is older and never creates',
    async run(harness) {
      const tier = await seated(harness)
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
      const tier = await seated(harness)
      await store(tier, at(10))
      assert.deepEqual(await tier.put([put(at(11), undefined, { kind: 'fill' })]), ['skipped'])
      assert.equal(await stampIn(tier), 10)
      assert.deepEqual(await tier.put([put(at(11), undefined)]), ['removed'])
      assert.equal(await stampIn(tier), undefined)
    },
  },
  {
    title: 'a stripe is made once, and stands at the cut it was made with',
    async run(harness) {
      const tiers = [await harness.connect(), await harness.connect()]
      const made = await Promise.all(tiers.map((tier) => tier.createStripe(3, CUT_1, [])))
      assert.deepEqual(made.toSorted(), [false, true])
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
      const tier = await seated(harness)
      const other = await joined(harness)
      await store(tier, at(5))
      const permit = await permitOf(tier)
      const untouched = strangerInStripe()
      const permitOfUntouched = await permitOf(tier, untouched)
      const before = await stateOf(tier)
      await harness.dropMeta(STRIPE)
      assert.deepEqual(await tier.put([put(at(6), permit)]), ['unknown'])
      assert.deepEqual(await tier.readPermits([ID]), [undefined])
      assert.equal((await tier.readStripes())[STRIPE], undefined)
      assert.equal((await tier.get(ID)).kind, 'unknown')
      assert.equal(await tier.finishStripe(before, [row([entry(at(6))])], CUT_1), undefined)
      assert.equal(await tier.invalidateLeaves(before, [leafOfId(ZERO_SUMS)]), false)
      assert.equal(await tier.resetStripe(before, CUT_1, []), false)
      assert.equal(await other.createStripe(STRIPE, CUT_0, []), true)
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
    title: 'finishing removes what the ledger tells is older, keeps the rest, and moves the cut',
    async run(harness) {
      const tier = await seated(harness)
      const other = await joined(harness)
      const stranger = strangerInStripe()
      const elsewhere = strangerElsewhere()
      await store(tier, at(5))
      await store(tier, at(9), stranger)
      await store(tier, at(5), elsewhere)
      const told = [entry(at(7)), entry(at(9), { id: stranger }), entry(at(7), { id: elsewhere })]
      const state = await stateOf(tier)
      assert.deepEqual(await tier.finishStripe(state, [row(told)], CUT_1), [ID])
      assert.equal(await stampIn(other), undefined)
      assert.equal(await stampIn(other, stranger), 9)
      assert.equal(await stampIn(other, elsewhere), 5)
      assert.deepEqual(await stateOf(other), { ...state, cut: CUT_1 })
      assert.deepEqual((await stateOf(other, stripeOfId(elsewhere))).cut, CUT_0)
    },
  },
  {
    title: '[P51] finishing sets fresh tokens: who read before it creates no more',
    async run(harness) {
      const tier = await seated(harness)
      const permit = await permitOf(tier)
      const permitOfStranger = await permitOf(tier, strangerInStripe())
      assert.deepEqual(await tier.finishStripe(await stateOf(tier), [row([entry(at(7))])], CUT_1), [])
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
        assert.deepEqual(await tier.finishStripe(await stateOf(tier), [told], to), [])
      }
      assert.deepEqual(await tier.put([put(at(8), permitBetween, { kind: 'fill' })]), ['skipped'])
      await store(tier, at(9))
    },
  },
  {
    title: '[P29] the receipt is the sum of the ledger, leaf by leaf',
    async run(harness) {
      const tier = await seated(harness)
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
      assert.deepEqual(await tier.finishStripe(state, rows.slice(0, 2), middle), [])
      assert.deepEqual(await tier.finishStripe({ ...state, cut: middle }, rows.slice(2), CUT_1), [])
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
    title: 'finishing compares epoch and cut, and changes nothing when they moved',
    async run(harness) {
      const tier = await seated(harness)
      await store(tier, at(5))
      const permit = await permitOf(tier)
      const state = await stateOf(tier)
      const stale = [
        { ...state, cut: CUT_1 },
        { ...state, epoch: '0123456789abcdef' },
        { ...state, cut: { ...CUT_0, archiveId: 'f'.repeat(32) } },
      ]
      for (const one of stale) {
        assert.equal(await tier.finishStripe(one, [row([entry(at(7))])], CUT_1), undefined)
        assert.equal(await tier.finishStripe(one, [], CUT_1), undefined)
      }
      assert.equal(await stampIn(tier), 5)
      assert.deepEqual(await permitOf(tier), permit)
      assert.deepEqual(await tier.readReceipt(STRIPE), { state, leaves: [] })
    },
  },
  {
    title: 'two finishers at once: one moves the stripe, and the ledger is counted once',
    async run(harness) {
      const tiers = [await seated(harness), await joined(harness), await joined(harness)]
      const state = await stateOf(tiers[0]!)
      const rows = [row([entry(at(7))])]
      const finished = await Promise.all(tiers.map((tier) => tier.finishStripe(state, rows, CUT_1)))
      assert.equal(finished.filter((ids) => ids !== undefined).length, 1)
      const receipt = await tiers[0]!.readReceipt(STRIPE)
      const sums = harness.addEntry(ZERO_SUMS, rows[0]!.entries[0]!)
      assert.deepEqual(
        receipt?.leaves.map((leaf) => [...leaf.sums]),
        [[...sums]],
      )
    },
  },
  {
    title: 'all stripes can be finished at once, those without entries too',
    async run(harness) {
      const tier = await seated(harness)
      const rows = [row([entry(at(7))])]
      const states = await tier.readStripes()
      const finished = await Promise.all(states.map((state) => tier.finishStripe(state!, rows, CUT_1)))
      assert.deepEqual(finished, Array(STRIPE_COUNT).fill([]))
      assert.ok(
        (await tier.readStripes()).every((state) => state !== undefined && sequenceAt(state.cut, 2) === 3),
      )
    },
  },
  {
    title: 'a long tail is finished whole',
    async run(harness) {
      const tier = await seated(harness)
      const ids = idsWhere(1_100, (id) => stripeOfId(id) === STRIPE)
      const permits = await tier.readPermits(ids)
      await tier.put(ids.map((id, index) => put(at(5), permits[index], { id, kind: 'fill' })))
      const told = ids.map((id) => entry(at(7), { id }))
      const removed = await tier.finishStripe(await stateOf(tier), [row(told)], CUT_1)
      assert.deepEqual(removed?.toSorted(), ids.toSorted())
      const count = (await tier.readReceipt(STRIPE))!.leaves.length
      assert.equal(count, new Set(ids.map(bucketOfId)).size)
    },
  },
  {
    title: 'a correction removes the entry under the very stamp it tells',
    async run(harness) {
      const tier = await seated(harness)
      const newer = strangerInStripe()
      await store(tier, at(5))
      await store(tier, at(6), newer)
      const told = [entry(at(5)), entry(at(5), { id: newer })]
      assert.deepEqual(await tier.finishStripe(await stateOf(tier), [row(told, 'correction')], CUT_1), [ID])
      assert.equal(await stampIn(tier, newer), 6)
    },
  },
  {
    title: 'an invalidated leaf is a miss: at once for who did it, after the next poll for others',
    async run(harness) {
      const tier = await seated(harness)
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
      assert.equal(await tier.invalidateLeaves(state, [leafOfId(sums)]), true)
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
      const tier = await seated(harness)
      const other = await joined(harness)
      for (const time of [5, 6, 7]) {
        assert.equal(await tier.invalidateLeaves(await stateOf(tier), [leafOfId(ZERO_SUMS)]), true)
        await other.readStripes()
        await store(tier, at(time))
        assert.equal(await stampIn(other), time)
      }
      assert.equal(await tier.invalidateLeaves(await stateOf(tier), [leafOfId(ZERO_SUMS)]), true)
      await other.readStripes()
      assert.equal(await stampIn(other), undefined)
      assert.deepEqual((await tier.readReceipt(STRIPE))?.leaves, [])
    },
  },
  {
    title: 'invalidating compares epoch and cut',
    async run(harness) {
      const tier = await seated(harness)
      await store(tier, at(5))
      const state = await stateOf(tier)
      const leaves = [leafOfId(ZERO_SUMS)]
      assert.equal(await tier.invalidateLeaves({ ...state, cut: CUT_1 }, leaves), false)
      assert.equal(await tier.invalidateLeaves({ ...state, epoch: '0'.repeat(16) }, leaves), false)
      assert.equal(await stampIn(tier), 5)
    },
  },
  {
    title: 'finishing goes on after a leaf was invalidated, from the sums set then',
    async run(harness) {
      const tier = await seated(harness)
      const state = await stateOf(tier)
      const first = harness.addEntry(ZERO_SUMS, entry(at(5)))
      await tier.invalidateLeaves(state, [leafOfId(first)])
      const told = entry(at(6), { previousDigest: entry(at(5)).digest })
      await store(tier, at(5))
      assert.deepEqual(await tier.finishStripe(state, [row([told])], CUT_1), [ID])
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
      const tier = await seated(harness)
      const other = await joined(harness)
      await store(tier, at(5))
      await tier.invalidateLeaves(await stateOf(tier), [leafOfId(ZERO_SUMS, strangerInStripe())])
      const permit = await permitOf(tier)
      const state = await stateOf(tier)
      const cut: Cut = { archiveId: 'f'.repeat(32), positions: new Map() }
      const sums = new Uint8Array(28).fill(7)
      assert.equal(await tier.resetStripe({ ...state, cut }, cut, []), false)
      assert.equal(await stampIn(tier), 5)
      assert.equal(await tier.resetStripe(state, cut, [leafOfId(sums)]), true)
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
      const tier = await seated(harness)
      const other = await joined(harness)
      await store(tier, at(5))
      const state = await stateOf(tier)
      const goBack = await harness.snapshot(STRIPE)
      await store(tier, at(6))
      const permit = await permitOf(other)
      assert.deepEqual(await tier.finishStripe(state, [row([entry(at(6))])], CUT_1), [])
      await tier.invalidateLeaves({ ...state, cut: CUT_1 }, [leafOfId(ZERO_SUMS)])
      await goBack()
      assert.deepEqual(await stateOf(tier), state)
      assert.equal(await stampIn(tier), 5)
      await harness.evict(ID)
      assert.deepEqual(await other.put([put(at(6), permit, { kind: 'fill' })]), ['skipped'])
    },
  },
  {
    title: '[P15] entries have the time to live they were put with, and none by default',
    async run(harness) {
      const tier = await seated(harness)
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

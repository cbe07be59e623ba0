import assert from 'node:assert/strict'
import { createBranchSet } from '../branch.ts'
import type { Cut } from '../cut.ts'
import { bucketOfId, stripeOfId, STRIPE_COUNT } from '../hash.ts'
import type { ItemWrite } from '../item.ts'
import type { Stamp } from '../stamp.ts'
import type {
  CachePermit,
  CachePut,
  CacheTier,
  CompleteCacheTier,
  ExplainsEntries,
  StoredLeaf,
  StripeReading,
  StripeState,
} from '../cache-tier.ts'
import type { LedgerEntry, LedgerRow } from '../ledger.ts'
import type { Lookup } from '../lookup.ts'
import { cutAt, linkOf } from './cuts.ts'

/** What an implementation gives the suite. Each case gets a harness of its own, on an empty store. */
export interface CacheContractHarness {
  /**
   * Another process on the same store, opened with {@link CACHE_CONTRACT_BRANCHES}.
   *
   * @param options `ttlMs` as the implementation's own option; `birthId` of the archive, else {@link CACHE_CONTRACT_BIRTH_ID}
   */
  connect(options?: { ttlMs?: number; birthId?: string }): Promise<CompleteCacheTier>
  /** Loses an id's entry, as eviction does. */
  evict(id: string): Promise<void>
  /** Loses a stripe's meta; its entries stay. */
  dropMeta(stripe: number): Promise<void>
  /** Remembers a stripe whole; the answer puts it back, as an older dump would, and no connection is lost by it. */
  snapshot(stripe: number): Promise<() => Promise<void>>
  /** Cuts all tiers off from the store, or resolves once they reach it again. */
  setAvailable(isAvailable: boolean): Promise<void>
  /** Changes one bit of the stamp of an id's entry. */
  damage(id: string): Promise<void>
  /** Puts something of another type where an id's entry, or a stripe's meta, should be. */
  mistype(what: { readonly id: string } | { readonly stripe: number }): Promise<void>
  /**
   * Lets calls on a stripe fail. A store may be of parts that fail together.
   *
   * @returns the stripes that fail, and what ends it: resolves once all tiers read them again
   */
  failStripe(stripe: number): Promise<{ readonly stripes: readonly number[]; mend(): Promise<void> }>
  /**
   * Lets the store refuse values of {@link REFUSED_BYTES} from now on.
   *
   * @returns tells how often one was refused so far
   */
  refuseLargeValues(): Promise<() => Promise<number>>
  /** As `@se/merkle` adds a ledger entry to a leaf's 28 bytes. */
  addEntry(sums: Uint8Array, entry: LedgerEntry): Uint8Array
}

/** One obligation of a cache tier. */
export interface CacheContractCase {
  readonly title: string
  /** Optional powers it is about: a cache that lacks one of them leaves the case out. */
  readonly needs?: readonly (keyof ExplainsEntries)[]
  run(harness: CacheContractHarness): Promise<void>
}

/** Branches the tiers under test are opened with. */
export const CACHE_CONTRACT_BRANCHES = createBranchSet(['order.', 'user.'])
/** Birth id of the archive the tiers under test belong to. */
export const CACHE_CONTRACT_BIRTH_ID = 'b1f7'.repeat(8)
/** Size of a value that a store can be told to refuse. */
export const REFUSED_BYTES = 2 * 1024 * 1024

export const ARCHIVE = '0123456789abcdef0123456789abcdef'
export const CUT_0 = cutAt(ARCHIVE, [[1, 7]])
export const CUT_1 = cutAt(ARCHIVE, [
  [1, 8],
  [2, 3],
])
export const ID = 'user.alice'
export const STRIPE = stripeOfId(ID)
export const utf8: { encode(text: string): Uint8Array } = new TextEncoder()

export function at(time: number, instance = 1): Stamp {
  return { time, instance }
}

export function write(
  id: string,
  stamp: Stamp,
  value: string | Uint8Array | undefined = `value ${stamp.time}`,
): ItemWrite {
  const bytes = typeof value === 'string' ? utf8.encode(value) : value
  return { id, stamp, state: 'default', contentType: 'text/plain', bytes }
}

export function put(
  stamp: Stamp,
  permit: CachePermit | undefined,
  { id = ID, kind = 'write' as CachePut['kind'], value = undefined as string | undefined } = {},
): CachePut {
  return { write: write(id, stamp, value), version: 1, createdAtMs: 1_000, permit, kind }
}

export function remove(stamp: Stamp, permit?: CachePermit, id = ID): CachePut {
  const bytes = undefined
  return { write: { ...write(id, stamp), bytes }, version: 0, createdAtMs: 0, permit, kind: 'write' }
}

export function digest(fill: number): Uint8Array {
  return new Uint8Array(16).fill(fill)
}

export function entry(stamp: Stamp, fields: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    id: ID,
    stamp,
    previousStamp: undefined,
    digest: digest(stamp.time % 251),
    previousDigest: undefined,
    ...fields,
  }
}

export function row(
  entries: readonly LedgerEntry[],
  kind: LedgerRow['kind'] = 'batch',
  sequence = 8,
): LedgerRow {
  return { instance: 1, sequence, link: linkOf(1, sequence), kind, committedAtMs: 5_000, entries }
}

/** Reads the metas, and believes what they say: a caller that found every stripe that has one to be of its archive. */
export async function poll(tier: CacheTier): Promise<readonly StripeReading[]> {
  const readings = await tier.readStripes()
  tier.doubt([...readings.keys()].filter((stripe) => readings[stripe]!.kind === 'none'))
  tier.believe(readings.flatMap((reading) => (reading.kind === 'state' ? [reading.state] : [])))
  return readings
}

/** A process on a store where every stripe has just been made. */
export async function withStripes(
  harness: CacheContractHarness,
  options?: { birthId?: string },
): Promise<CompleteCacheTier> {
  const tier = await harness.connect(options)
  await Promise.all(Array.from({ length: STRIPE_COUNT }, (_, stripe) => tier.createStripe(stripe, CUT_0, [])))
  await poll(tier)
  return tier
}

/** A further process, which has polled. */
export async function joined(
  harness: CacheContractHarness,
  options?: { ttlMs?: number },
): Promise<CompleteCacheTier> {
  const tier = await harness.connect(options)
  await poll(tier)
  return tier
}

export async function permitOf(tier: CacheTier, id = ID): Promise<CachePermit> {
  const [permit] = await tier.readPermits([id])
  assert.ok(permit !== undefined, 'the stripe has a meta')
  return permit
}

export async function store(tier: CacheTier, stamp: Stamp, id = ID): Promise<void> {
  assert.deepEqual(await tier.put([put(stamp, await permitOf(tier, id), { id })]), ['stored'])
}

/** Polls. @returns what all stripes say, each of which has a meta */
export async function statesOf(tier: CacheTier): Promise<readonly StripeState[]> {
  return (await poll(tier)).map((reading) => {
    assert.ok(reading.kind === 'state', 'the stripe has a meta')
    return reading.state
  })
}

/** Polls. @returns what one stripe says */
export async function stateOf(tier: CacheTier, stripe = STRIPE): Promise<StripeState> {
  const reading = (await poll(tier))[stripe]
  assert.ok(reading?.kind === 'state', 'the stripe has a meta')
  return reading.state
}

/** Advances a stripe and believes what comes of it. @returns the ids that were removed; `undefined` when it had moved */
export async function advance(
  tier: CacheTier,
  state: StripeState,
  rows: readonly LedgerRow[],
  to: Cut = CUT_1,
): Promise<readonly string[] | undefined> {
  const advanced = await tier.advanceStripe(state, rows, to)
  if (advanced === undefined) return undefined
  assert.deepEqual(advanced.state, { ...state, cut: to })
  tier.believe([advanced.state])
  return advanced.removedIds
}

/** Invalidates leaves of a stripe that must not have moved: nothing counts there until what comes of it is believed. */
export async function invalidate(
  tier: CacheTier,
  state: StripeState,
  leaves: readonly StoredLeaf[],
): Promise<void> {
  const after = await tier.invalidateLeaves(state, leaves)
  assert.deepEqual(after, state)
  assert.deepEqual(kinds([await tier.get(ID)]), ['unknown'])
  tier.believe([after!])
}

/** Starts a stripe over as it stands now, whatever it is, and believes what comes of it. */
export async function startOver(tier: CacheTier, cut: Cut): Promise<void> {
  const started = await tier.resetStripe(await stateOf(tier), cut, [])
  assert.ok(started !== undefined, 'the stripe has not moved')
  tier.believe([started])
}

export async function stampIn(tier: CacheTier, id = ID): Promise<number | undefined> {
  const lookup = await tier.get(id)
  assert.notEqual(lookup.kind, 'unknown')
  return lookup.kind === 'found' ? lookup.item.stamp.time : undefined
}

export function kinds(lookups: readonly Lookup[]): string[] {
  return lookups.map((lookup) => lookup.kind)
}

/** Ids whose buckets all satisfy a condition. */
export function idsWhere(count: number, accepts: (id: string) => boolean): string[] {
  const ids: string[] = []
  for (let number = 0; ids.length < count; number++) {
    const id = `user.${number}`
    if (accepts(id)) ids.push(id)
  }
  return ids
}

/** Two ids of one leaf. */
export function leafMates(): [string, string] {
  const mate = idsWhere(1, (id) => bucketOfId(id) === bucketOfId(ID))[0]!
  return [ID, mate]
}

export function strangerInStripe(): string {
  return idsWhere(1, (id) => stripeOfId(id) === STRIPE && bucketOfId(id) !== bucketOfId(ID))[0]!
}

export function strangerElsewhere(): string {
  return idsWhere(1, (id) => stripeOfId(id) !== STRIPE)[0]!
}

export function leafOfId(sums: Uint8Array, id = ID): StoredLeaf {
  return { branch: CACHE_CONTRACT_BRANCHES.branchOf('user.'), bucket: bucketOfId(id), sums }
}

export const ZERO_SUMS = new Uint8Array(28)

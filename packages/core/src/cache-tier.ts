/**
 * The port of L2, composed of small ports that are named by their power. The contract suite in `@se/core/testing` holds every
 * implementation to what is written here.
 */
import type { BranchSet } from './branch.ts'
import type { Cut } from './cut.ts'
import type { StorageError } from './errors.ts'
import type { ItemWrite } from './item.ts'
import type { LedgerRow } from './ledger.ts'
import type { ReadsItems, UnknownCause } from './lookup.ts'

/** What a cache must know of the archive it caches. */
export interface CacheOpenOptions {
  /** The archive's, as it is described when it is opened. */
  readonly branches: BranchSet
  /** Of the archive, 32 hex digits: caches of two archives have no key in common. */
  readonly birthId: string
}

/** Sums of one leaf, encoded by `@se/merkle` (28 bytes). */
export interface StoredLeaf {
  readonly branch: number
  /** 0 … 65535 */
  readonly bucket: number
  readonly sums: Uint8Array
}

/**
 * What a stripe says of itself, in short. The object itself is what a cache knows it by: a copy of it teaches nothing.
 */
export interface StripeState {
  /** 0 … 63 */
  readonly stripe: number
  /** Everything the ledger says up to here has reached the stripe. */
  readonly cut: Cut
  /** Random, 16 hex digits: entries written under another one are misses. */
  readonly epoch: string
}

/** What came of reading a stripe. */
export type StripeReading =
  | { readonly kind: 'state'; readonly state: StripeState }
  /** There is no meta, or one that is damaged: `createStripe` makes it. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly because: UnknownCause; readonly cause?: unknown }

/** A stripe that was brought forward. */
export interface AdvancedStripe {
  /** Where it stands now. */
  readonly state: StripeState
  /** Ids whose entry was older than the ledger says, and was removed. */
  readonly removedIds: readonly string[]
}

/**
 * The right to create an entry: what held when it was asked for, *before* the transaction or the load whose
 * result is to be stored. Opaque to every other part.
 */
export interface CachePermit {
  readonly id: string
  /** Epoch in force for the id's leaf, 16 hex digits. */
  readonly epoch: string
  /** Token of the id's leaf, 16 hex digits. */
  readonly token: string
}

export interface CachePut {
  /** `bytes: undefined` on a delete. */
  readonly write: ItemWrite
  /** 0 for a delete. */
  readonly version: number
  readonly createdAtMs: number
  /** `undefined`: none could be had; an existing older entry is still replaced or removed. */
  readonly permit: CachePermit | undefined
  /**
   * `write`: a winner of a batch; always sets a fresh token. `fill`: the result of a load; sets none.
   */
  readonly kind: 'write' | 'fill'
}

/**
 * `stored`; `removed` (a delete, or an older entry that could not be replaced); `skipped` (newer there, no right to create,
 * or a value that the cache does not take); `unknown` (no meta, or no answer).
 */
export type CachePutOutcome = 'stored' | 'removed' | 'skipped' | 'unknown'

/** One leaf of a stripe whose receipt differs from the tree. */
export interface LeafAddress {
  readonly branch: number
  readonly bucket: number
}

/** How a cache fares, for status lines. Counts are since it was opened. */
export interface CacheHealth {
  /**
   * Why it does not answer, or not as it should: the newest error, `TierMisconfigured` where an operator has to change
   * something. `undefined`: nothing is known against it.
   */
  readonly failure: StorageError | undefined
  /** Entries whose checksum was wrong. Each was a miss, and was removed. */
  readonly damagedEntries: number
  /** Keys of ours that held something of another type. Each counted as absent, and was removed. */
  readonly foreignKeys: number
  /** Puts whose value the cache does not take, or was not offered for its size. */
  readonly refusedValues: number
}

/** Is opened before anything is asked of it, and closed in the end. */
export interface OpensCache {
  /** Metric label: `redis` or `memory`. */
  readonly backend: string

  /** @throws InvalidInput naming the field, for what is no option (`readCacheOpenOptions` looks) */
  open(options: CacheOpenOptions): Promise<void>
  close(): Promise<void>

  /** No I/O. */
  health(): CacheHealth
}

/** Knows which stripes it may answer from. */
export interface BelievesStripes {
  /**
   * From now on entries count by these states, of stripes that are of the caller's archive. No I/O. A state is passed over if
   * this very cache has not read or made it, or has read it before it last changed the stripe, or before the state that is
   * believed.
   */
  believe(states: readonly StripeState[]): void
  /** From now on nothing counts in these stripes; without an argument: in none. Lookups under way answer `unknown`. */
  doubt(stripes?: readonly number[]): void
}

/** Takes entries. */
export interface StoresEntries {
  /**
   * Reads epoch and token of the ids' leaves. Ask before the transaction or the load begins.
   *
   * @returns in the order of the ids; `undefined` where the stripe has no meta, does not answer, or has another epoch than the
   *   one that is believed
   */
  readPermits(ids: readonly string[]): Promise<readonly (CachePermit | undefined)[]>

  /**
   * *Replacing needs a newer stamp; creating needs the epoch and the token that were read before.*
   *
   * A `write` that may not be stored removes an older entry; so does one whose value the cache does not take. Answers in
   * order.
   */
  put(puts: readonly CachePut[]): Promise<readonly CachePutOutcome[]>
}

/** Keeps entries in stripes, each of which stands at a cut. */
export interface KeepsStripes {
  /**
   * Reads the metas of all stripes. Nothing is believed by it: the caller judges what they say.
   *
   * @returns by stripe number
   */
  readStripes(): Promise<readonly StripeReading[]>

  /**
   * Makes the meta of a stripe that has none, with a fresh epoch: all entries of the stripe become misses.
   *
   * @param leaves sums of the archive's tree at `cut`, this stripe's leaves with anything in them
   * @returns `undefined` when another process made it first
   */
  createStripe(stripe: number, cut: Cut, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined>

  /**
   * Moves a stripe from its cut to `to`, if epoch and cut are still those of `state`. In one step, and for each entry of `rows`
   * that belongs to the stripe, it removes an older cache entry, sets fresh tokens and adds the digests to the leaf sums; then it
   * sets the cut.
   *
   * @param rows all ledger rows between `state.cut` and `to`, also of other stripes
   * @returns `undefined` when the stripe had moved meanwhile
   */
  advanceStripe(state: StripeState, rows: readonly LedgerRow[], to: Cut): Promise<AdvancedStripe | undefined>

  /**
   * Starts a stripe over in any state: fresh epoch, given cut and sums. For a stripe of another archive or history, or one that
   * stands below the pruned ledger.
   *
   * @param expected the state that was judged; nothing happens if it changed
   * @returns `undefined` when the stripe had moved meanwhile
   */
  resetStripe(
    expected: StripeState,
    cut: Cut,
    leaves: readonly StoredLeaf[],
  ): Promise<StripeState | undefined>

  /**
   * Makes all entries of a stripe misses, and leaves everything else as it is: for a process that stops using the cache, and may
   * have put entries that others must not read. The stripe is doubted before anything is sent.
   *
   * @returns false when the stripe has another epoch already; nothing was done then
   */
  renewEpoch(state: StripeState): Promise<boolean>
}

/** Keeps the sums of what each stripe should hold. */
export interface KeepsReceipts {
  /** The receipt: leaf sums of a stripe with its state, in one step; `undefined` without meta. */
  readReceipt(stripe: number): Promise<{ state: StripeState; leaves: readonly StoredLeaf[] } | undefined>

  /**
   * Makes all entries of the leaves misses (fresh epoch and token per leaf) and sets their sums, if epoch and
   * cut of the stripe are still those of `state`. O(leaves), also for keys that cannot be listed.
   *
   * The stripe is doubted before anything is sent.
   *
   * @param leaves the sums that are true at `state.cut`; zero sums for an empty leaf
   * @returns `undefined` when the stripe had moved meanwhile
   */
  invalidateLeaves(state: StripeState, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined>
}

/** Optional: without it `explain` says nothing of key and time. */
export interface ExplainsEntries {
  /** Remaining time to live of an id's entry, ms; `undefined`: none set, or no entry. */
  timeToLiveMs(id: string): Promise<number | undefined>

  /** The key of an id's entry, for a look by hand. */
  keyOf(id: string): string
}

/**
 * The shared cache. It may lose anything at any time, but it must not answer with something older than the cut of its
 * stripe promises.
 * Rules and keys: docs/formats/redis.md.
 *
 * Trust is given, never presumed. An entry counts only under the epoch of a state that the caller has found to be of its
 * archive and has named by `believe`, before the entry was asked for. And it counts only while the stripe, read together with
 * the entry, still has that epoch and stands at that cut or beyond. So a store that went back, or was replaced, answers nothing,
 * also when no connection was lost, and for every change that other processes made to the stripe since.
 *
 * Stripes fail alone, and so do keys: a method that asks several answers for each. Every method that answers with a promise may
 * throw `TierUnavailable` when nothing could be asked at all, and `TierMisconfigured` when an operator must change something
 * first. The lookups do not throw; they answer `unknown`.
 *
 * Lookups answer by the states that were believed when they were asked: an entry of another epoch, or a damaged one, is `absent`. `unknown`:
 * nothing is believed of the stripe, or it has another epoch, or does not stand where it is believed to, or beyond. Whether a stripe may
 * be asked at all is the caller's decision.
 */
export interface CacheTier
  extends
    OpensCache,
    BelievesStripes,
    ReadsItems,
    StoresEntries,
    KeepsStripes,
    KeepsReceipts,
    Partial<ExplainsEntries> {}

/** A cache that also explains its entries, as the one in Redis does. */
export type CompleteCacheTier = CacheTier & ExplainsEntries

/**
 * The ports of the two lower tiers. The engine sees L2 and L3 only through them; contract suites in
 * `@se/core/testing` hold every implementation to what is written here.
 */
import type { Cut } from './cut.ts'
import type { StorageError } from './errors.ts'
import type { ItemWrite, StoredItem } from './item.ts'
import type { Stamp } from './stamp.ts'

/** Why a tier cannot say. */
export type UnknownCause = 'timeout' | 'disconnected' | 'suspended'

/** A tier that cannot answer says so; it never says `absent`, because the caller acts on absence [R1]. */
export type Lookup =
  | { readonly kind: 'found'; readonly item: StoredItem }
  /** `tombstone`: stamp of the delete, where the tier still knows it. */
  | { readonly kind: 'absent'; readonly tombstone?: Stamp }
  | { readonly kind: 'unknown'; readonly because: UnknownCause; readonly cause?: unknown }

// ---------------------------------------------------------------------------------------------------------
// L3: the archive
// ---------------------------------------------------------------------------------------------------------

/** What `open` finds, or makes, in the archive. */
export interface ArchiveDescription {
  /** 32 hex digits, made when the archive was created, never changed: a restored copy has it too. */
  readonly birthId: string
  /** 32 hex digits, made when the archive was created, replaced when a restore from backup was detected. */
  readonly archiveId: string
  /** Secret of the row digests (16 bytes); `undefined`: digests are unkeyed. */
  readonly digestKey: Uint8Array | undefined
  /** Prefixes by branch number; `branches[0]` is `''`. */
  readonly branches: readonly string[]
  /** Whether no other process can open this archive while we hold it (SQLite, exclusive lock). */
  readonly isExclusive: boolean
}

export interface ArchiveOpenOptions {
  /** Declared prefixes, without the default branch; stored at creation, compared ever after. */
  readonly branches: readonly string[]
  /** Used at creation only; afterwards the archive's own choice stands. */
  readonly digests: 'keyed' | 'unkeyed'
  /** Longest time until it is open, or has failed, ms. Default 30,000. */
  readonly timeoutMs?: number | undefined
}

/** What an instance remembers of itself, from its log directory. */
export interface InstanceMemory {
  /** Birth id of the archive that the directory's records belong to, 32 hex digits; another one is another archive. */
  readonly birthId: string
  readonly archiveId: string
  readonly instance: number
  readonly epoch: number
  /** Last own ledger sequence known to be committed; the archive may be ahead of it, never behind. */
  readonly lastSequence: number
  /** Link of the batch at `lastSequence`; `LINK_NONE` at 0. Another one there: the archive is in another history. */
  readonly lastLink: string
}

export interface ClaimRequest {
  /** `undefined`: a new log directory. */
  readonly memory: InstanceMemory | undefined
  /**
   * Names this directory may be known by in the archive: the one of the last successful claim and those of
   * claims that were written down but perhaps not answered. 32 hex digits each.
   */
  readonly knownNonces: readonly string[]
  /** The name from now on; already durable in the log directory. 32 hex digits. */
  readonly nonce: string
}

/** The right to write under an instance number, until someone raises the epoch. */
export interface InstanceClaim {
  readonly instance: number
  readonly epoch: number
  /** The name under which it was claimed. With the epoch it tells two claims apart, restored archives included [P95]. */
  readonly nonce: string
  /** Last sequence of this instance in the ledger. */
  readonly lastSequence: number
  /** Link at `lastSequence`; `LINK_NONE` at 0. */
  readonly lastLink: string
  /** Highest stamp time the archive has recorded for the instance, 0 if none. */
  readonly maxStampTime: number
  /** Of the archive, never changed. */
  readonly birthId: string
  /** The archive's id after the claim. */
  readonly archiveId: string
  /**
   * The archive had gone back in time (restored from a backup, failed over to a lagging replica): its id was
   * replaced, so every cut of before is of another archive [P65].
   */
  readonly isRestored: boolean
}

/** What says that an instance is still ours. */
export type ClaimKey = Pick<InstanceClaim, 'instance' | 'epoch' | 'nonce'>

export interface ArchiveBatch {
  readonly claim: ClaimKey
  /** The claim's last sequence + 1. The same sequence is never sent with other writes. */
  readonly sequence: number
  /**
   * 64 random bits, 16 hex digits, drawn anew for each sequence; a batch that is sent again keeps it. By it a batch
   * whose fate was unknown is known again: another link at the sequence is somebody else's batch [P92, P95].
   */
  readonly link: string
  /** At least one; ids are unique; any order. */
  readonly writes: readonly ItemWrite[]
}

/** What became of one write. */
export type WriteOutcome =
  /** Accepted. `version` counts accepted writes of the id; `wasLive`: there was a value before. */
  | {
      readonly kind: 'won'
      readonly version: number
      readonly createdAtMs: number
      readonly wasLive: boolean
    }
  /** The archive holds this very write already (a replay). */
  | { readonly kind: 'held'; readonly version: number; readonly createdAtMs: number }
  /**
   * Something newer is there. `isFromFuture`: its stamp is over 1 s ahead of the archive's clock, so the clock of its
   * writer was wrong; a write made above it (at most 1 s of stamp time above) would be stored.
   */
  | { readonly kind: 'superseded'; readonly by: Stamp; readonly isFromFuture: boolean }
  /** Not stored, and must be kept by the caller [W4]. */
  | { readonly kind: 'refused'; readonly because: 'below-collection-floor' | 'stamp-ahead-of-archive' }

export interface BatchReceipt {
  readonly sequence: number
  /** In the order of the batch's writes. */
  readonly outcomes: readonly WriteOutcome[]
  /** The batch had been committed before, by an attempt whose answer was lost [W5]. */
  readonly wasSettled: boolean
}

/** One accepted write as the ledger tells it. A digest is 16 bytes; `undefined` where there is no value. */
export interface LedgerEntry {
  readonly id: string
  readonly stamp: Stamp
  /** Stamp of the row that was replaced, tombstones included. */
  readonly previousStamp: Stamp | undefined
  readonly digest: Uint8Array | undefined
  readonly previousDigest: Uint8Array | undefined
}

/** An instance that is no longer in the archive, and where its ledger ended. */
export interface RetiredInstance {
  readonly instance: number
  /** 0: it had written nothing. */
  readonly sequence: number
  /** `LINK_NONE` at sequence 0. */
  readonly link: string
}

/** One row per batch, written in the batch's transaction. */
export interface LedgerRow {
  readonly instance: number
  /** 1, 2, 3 … per instance, without gaps, visible in order. */
  readonly sequence: number
  /** 64 random bits, 16 hex digits: with the sequence it names this very row in this very history. */
  readonly link: string
  /**
   * `correction`: digests were brought in line with rows that had been changed behind the engine's back.
   * `retirement`: the instances of `retired` are gone; there are no entries.
   */
  readonly kind: 'batch' | 'correction' | 'retirement'
  /** The archive's clock, ms. */
  readonly committedAtMs: number
  readonly entries: readonly LedgerEntry[]
  /** Only with kind `retirement`: ascending, at least one. */
  readonly retired?: readonly RetiredInstance[] | undefined
}

/** The heads: a cut that includes everything committed. */
export interface Heads {
  readonly cut: Cut
  /** Per instance, the ledger up to here has been pruned; not named: 0. */
  readonly prunedSequences: ReadonlyMap<number, number>
  /** The archive's clock, ms. */
  readonly nowMs: number
}

/** What lies between a cut and the heads, read in one snapshot. */
export type LedgerTail =
  | { readonly kind: 'rows'; readonly heads: Heads; readonly rows: readonly LedgerRow[] }
  /**
   * The way from the cut to the heads is not known: the view is untrusted and starts over. `another-history`: the
   * archive has another link at a sequence of the cut, or lacks an instance of it without a word in the ledger.
   */
  | {
      readonly kind: 'gap'
      readonly heads: Heads
      readonly because: 'pruned' | 'ahead-of-heads' | 'another-archive' | 'another-history'
    }

/** One page of 256 leaf sums, encoded by `@se/merkle`. */
export interface StoredTreePage {
  readonly branch: number
  /** Leaf bucket >> 8, 0 … 255. */
  readonly page: number
  readonly bytes: Uint8Array
}

/** Pages at a cut, and what has happened since, in one snapshot. */
export interface StoredTree {
  /** Where the pages stand. */
  readonly cut: Cut
  readonly pages: readonly StoredTreePage[]
  readonly tail: LedgerTail
}

/** A row as the archive holds it, for verification. */
export interface ArchivedRow {
  readonly id: string
  readonly stamp: Stamp
  readonly version: number
  readonly state: string
  readonly contentType: string
  /** `undefined`: a tombstone. */
  readonly bytes: Uint8Array | undefined
  /** 16 bytes; `undefined`: a tombstone. */
  readonly digest: Uint8Array | undefined
  readonly createdAtMs: number
}

export interface RetirementRequest {
  readonly claim: ClaimKey
  /** The claim's last sequence + 1. */
  readonly sequence: number
  /** Link of the ledger row, as in {@link ArchiveBatch}. */
  readonly link: string
  /** Instances that were last seen before this moment of the archive's clock count as dead, ms. */
  readonly deadBeforeMs: number
  /** Most instances of one call, 1 … 1,000. */
  readonly instancesMax: number
}

/**
 * The ground truth. Reads answer with a `Lookup`; everything else throws `TierUnavailable` when the archive
 * cannot be reached or its fate is unknown, and retrying is safe.
 */
export interface ArchiveTier {
  /** Metric label: `mysql`, `sqlite` or `memory`. */
  readonly backend: string

  /**
   * Connects, migrates, and reads (or makes) identity, key and branch set.
   *
   * @throws BranchMismatch when another set is stored
   */
  open(options: ArchiveOpenOptions): Promise<ArchiveDescription>
  close(): Promise<void>

  /**
   * Takes (or takes over) the instance of a log directory and raises its epoch, which fences whoever held it.
   *
   * @throws InstanceFenced when another directory has claimed the instance since (a copy is at work) [P52]
   * @throws ArchiveMismatch when the directory belongs to another archive
   */
  claimInstance(request: ClaimRequest): Promise<InstanceClaim>

  /**
   * Upserts the batch where its stamps are newer, and writes its ledger row, in one transaction.
   *
   * Idempotent by (instance, sequence, link): after `TierUnavailable` the same batch is sent again; if it had been
   * committed the receipt says so and nothing is applied twice [W5].
   *
   * A stamp over 1 s ahead of the archive's clock is stored only where it is not above what is recorded for the
   * instance (its own clock was ahead once), or at most 1 s of stamp time above the row it replaces; else it is
   * refused, so that one wrong clock cannot carry others along [P67].
   *
   * @throws InstanceFenced when the claim is no longer ours, the archive has gone back, or another batch has the
   *   sequence; nothing was written
   * @throws ArchiveRefusedData when a write can never be stored; nothing was written
   */
  putBatch(batch: ArchiveBatch): Promise<BatchReceipt>

  /** Says that the instance has ended in order: it may be retired as soon as nobody needs its ledger any more. */
  endInstance(claim: ClaimKey): Promise<void>
  /**
   * Says that the instance is alive. Without it, it counts as dead one day and is retired.
   *
   * When it has answered, no batch of the instance that failed before can be committed any more, and `readHeads` tells
   * which of them are in: so it is found out what became of a batch without sending it again [W5, W9].
   *
   * @throws InstanceFenced when the claim is no longer ours
   */
  touchInstance(claim: ClaimKey): Promise<void>
  /**
   * Takes instances out of the archive that have ended in order or are dead, and whose ledger rows are all folded
   * into the tree and pruned. In one transaction their rows go, and one ledger row of the claim says so; where there
   * is none to take, nothing is written. Idempotent by (sequence, link), as `putBatch` [P80, P94].
   *
   * @returns what was retired; `[]`: the sequence was not used
   * @throws InstanceFenced as `putBatch`
   */
  retireInstances(request: RetirementRequest): Promise<readonly RetiredInstance[]>

  get(id: string): Promise<Lookup>
  /** One round trip; none for `[]`. Answers in the order of the ids. */
  getMany(ids: readonly string[]): Promise<readonly Lookup[]>

  readHeads(): Promise<Heads>
  /**
   * Heads and all ledger rows beyond `from`, in one snapshot. Each position of `from` must be one of this archive's
   * history: its link is the archive's at that sequence, or a retirement beyond `from` names exactly that position.
   */
  readTail(from: Cut): Promise<LedgerTail>
  /** Pages, their cut and the tail beyond it, in one snapshot. */
  readTree(): Promise<StoredTree>
  /**
   * Adds ledger rows beyond the pages' cut to the pages; pages and cut are written together, under a lock.
   *
   * @returns how many ledger rows were added
   */
  foldTree(): Promise<number>
  /**
   * Visits the ids of all live rows in one snapshot, in chunks.
   *
   * @returns the cut of that snapshot
   */
  scanIds(visit: (ids: readonly string[]) => void): Promise<Cut>
  /**
   * Visits all rows, tombstones included, in one snapshot, in chunks and id order.
   *
   * @returns the cut of that snapshot
   */
  scanRows(visit: (rows: readonly ArchivedRow[]) => void | Promise<void>): Promise<Cut>

  /**
   * Removes tombstones written before `beforeMs`; a moment after the archive's clock stands for now. Raises the
   * collection floor in a transaction of its own first, to the newest stamp among those it removes and never
   * higher, so that a clock that is ahead cannot raise it over what is still to be written [P67]; later writes at or
   * below it to an id without a row are refused [W4, P64].
   *
   * @returns how many rows were removed
   */
  collectTombstones(beforeMs: number): Promise<number>
  /**
   * Removes ledger rows committed before `beforeMs` that the tree pages include. A row from the future of the
   * archive's clock has no age that could be believed, and goes too: it must not keep those behind it [P67].
   *
   * @returns how many rows were removed
   */
  pruneLedger(beforeMs: number): Promise<number>
}

// ---------------------------------------------------------------------------------------------------------
// L2: the cache
// ---------------------------------------------------------------------------------------------------------

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

/**
 * The right to create an entry: what held when it was asked for, *before* the transaction or the load whose
 * result is to be stored. Opaque to everyone but the cache.
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
   * Why it does not answer, or not as it should: the newest error, `TierMisconfigured` where somebody has to change
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

/**
 * The shared cache. It may lose anything at any time; what it must not do is answer with something older than
 * what its stripe's cut promises.
 * Rules and keys: docs/formats/redis.md.
 *
 * Trust is given, never presumed: an entry counts only under the epoch of a state that the caller has found to be of its
 * archive, and has told so by `believe`, before the entry was asked for; and only while the stripe, read together with the
 * entry, stands at that state's cut or beyond. So a store that went back, or is another one than it was, answers nothing,
 * whether a connection was lost or not.
 *
 * Stripes fail alone, and so do keys: a method that asks several says of each what came of it. Every method that answers
 * with a promise may throw `TierUnavailable` where nothing could be asked at all, and `TierMisconfigured` where that is
 * so until somebody changes something; except the lookups, which answer `unknown`.
 */
export interface CacheTier {
  /** Metric label: `redis` or `memory`. */
  readonly backend: string

  /**
   * @param options `branches`: prefixes by branch number, as the archive describes them; `birthId`: of the archive, 32 hex
   *   digits: caches of two archives have no key in common
   */
  open(options: { readonly branches: readonly string[]; readonly birthId: string }): Promise<void>
  close(): Promise<void>

  /** No I/O. */
  health(): CacheHealth

  /**
   * Reads the metas of all stripes. It teaches nothing: what they say is judged by the caller.
   *
   * @returns by stripe number
   */
  readStripes(): Promise<readonly StripeReading[]>

  /**
   * From now on entries count by these states, of stripes that are of the caller's archive. No I/O. A state that this very
   * cache has not read or made is passed over, and so is one that was read before the cache last changed the stripe, or
   * before the one that is believed.
   */
  believe(states: readonly StripeState[]): void
  /** From now on nothing counts in these stripes; without an argument: in none. Lookups under way answer `unknown`. */
  doubt(stripes?: readonly number[]): void

  /**
   * By what was believed when it was asked: an entry of another epoch, or a damaged one, is `absent`. `unknown`: nothing is
   * believed of the stripe, or it does not stand where it is believed to, or beyond. Whether a stripe may be asked at all
   * is the caller's decision.
   */
  get(id: string): Promise<Lookup>
  /** One round trip, or a few where values are large; none for `[]`. Answers in the order of the ids. */
  getMany(ids: readonly string[]): Promise<readonly Lookup[]>

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

  /**
   * Makes the meta of a stripe that has none, with a fresh epoch: whatever entries are there become misses.
   *
   * @param leaves sums of the archive's tree at `cut`, this stripe's leaves with anything in them
   * @returns `undefined` when another process made it first
   */
  createStripe(stripe: number, cut: Cut, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined>

  /**
   * Moves a stripe from its cut to `to`: for each entry of `rows` that belongs to it removes what is older,
   * sets fresh tokens, adds the digests to the leaf sums, and sets the cut, in one step, if epoch and cut
   * are still those of `state`.
   *
   * @param rows all ledger rows between `state.cut` and `to`, also of other stripes
   * @returns `undefined` when the stripe had moved meanwhile
   */
  finishStripe(state: StripeState, rows: readonly LedgerRow[], to: Cut): Promise<FinishedStripe | undefined>

  /** The receipt: leaf sums of a stripe with its state, in one step; `undefined` without meta. */
  readReceipt(stripe: number): Promise<{ state: StripeState; leaves: readonly StoredLeaf[] } | undefined>

  /**
   * Makes all entries of the leaves misses (fresh epoch and token per leaf) and sets their sums, if epoch and
   * cut of the stripe are still those of `state`. O(leaves), also for keys nobody can list.
   *
   * The stripe is doubted before anything is sent.
   *
   * @param leaves the sums that are true at `state.cut`; zero sums for an empty leaf
   * @returns `undefined` when the stripe had moved meanwhile
   */
  invalidateLeaves(state: StripeState, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined>

  /**
   * Starts a stripe over, whatever is there: fresh epoch, given cut and sums. For a stripe of another archive or history,
   * or below what the ledger still has.
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
   * Makes all entries of a stripe misses, and leaves everything else as it is: for who has to go, and may have put what the
   * others must not read. The stripe is doubted before anything is sent.
   *
   * @returns whether it was done: not where the epoch is another one already
   */
  renewEpoch(state: StripeState): Promise<boolean>

  /** Remaining time to live of an id's entry, ms; `undefined`: none set, or no entry. */
  timeToLiveMs(id: string): Promise<number | undefined>

  /** The key of an id's entry, for people who want to look. */
  keyOf(id: string): string
}

/** A stripe that was brought forward. */
export interface FinishedStripe {
  /** Where it stands now. */
  readonly state: StripeState
  /** Ids whose entry was older than the ledger says, and was removed. */
  readonly removedIds: readonly string[]
}

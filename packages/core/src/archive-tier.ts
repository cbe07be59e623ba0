/**
 * The port of L3, composed of small ports that are named by their power. The contract suite in `@se/core/testing` holds every
 * implementation to what is written here.
 */
import type { BranchSet } from './branch.ts'
import type { BatchPosition, Cut } from './cut.ts'
import type { ItemWrite } from './item.ts'
import type { KeepsTree, PrunesLedger, ReadsLedger, RetiredInstance } from './ledger.ts'
import type { ReadsItems } from './lookup.ts'
import type { Stamp } from './stamp.ts'

/** The facts that `open` finds, or makes, in the archive. */
export interface ArchiveDescription {
  /** 32 hex digits, made when the archive was created, never changed: a restored copy has it too. */
  readonly birthId: string
  /** 32 hex digits, made when the archive was created, replaced when a restore from backup was detected. */
  readonly archiveId: string
  /** Secret of the row digests (16 bytes); `undefined`: digests are unkeyed. */
  readonly digestKey: Uint8Array | undefined
  /** The stored set; equal to the one that was declared. */
  readonly branches: BranchSet
  /** Whether no other process can open this archive while we hold it (SQLite, exclusive lock). */
  readonly isExclusive: boolean
}

export interface ArchiveOpenOptions {
  /** Stored at creation, compared ever after. */
  readonly branches: BranchSet
  /** Used at creation only; afterwards the archive's own choice stands. */
  readonly digests: 'keyed' | 'unkeyed'
  /** Longest time until it is open, or has failed, ms. */
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

/** The right to write under an instance number, until another process raises the epoch. */
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

/** The fields that say that an instance is still ours. */
export type ClaimKey = Pick<InstanceClaim, 'instance' | 'epoch' | 'nonce'>

export interface ArchiveBatch {
  readonly claim: ClaimKey
  /** The claim's last sequence + 1. The same sequence is never sent with other writes. */
  readonly sequence: number
  /**
   * 64 random bits, 16 hex digits, drawn anew for each sequence; a batch that is sent again keeps it. By it a batch
   * whose fate was unknown is known again: another link at the sequence is another process' batch [P92, P95].
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

/** What became of a batch. */
export interface CommittedBatch {
  readonly sequence: number
  /** In the order of the batch's writes. */
  readonly outcomes: readonly WriteOutcome[]
  /** The batch had been committed before, by an attempt whose answer was lost [W5]. */
  readonly wasCommittedBefore: boolean
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
  /** The batch that wrote the row. Its instance need not be the stamp's: a write that was parked, or whose directory got another number, keeps its stamp. */
  readonly batch: BatchPosition
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

/** Is opened before anything is asked of it, and closed in the end. */
export interface OpensArchive {
  /** Metric label: `mysql`, `sqlite` or `memory`. */
  readonly backend: string

  /**
   * Connects, migrates, and reads (or makes) identity, key and branch set.
   *
   * @throws BranchMismatch when another set is stored
   * @throws InvalidInput naming the field, for what is no option (`readArchiveOpenOptions` looks)
   */
  open(options: ArchiveOpenOptions): Promise<ArchiveDescription>
  close(): Promise<void>
}

/** Gives out the right to write, and takes it back. */
export interface ClaimsInstances {
  /**
   * Takes (or takes over) the instance of a log directory and raises its epoch, which fences the process that held it.
   *
   * @throws InstanceFenced when another directory has claimed the instance since (a copy is at work) [P52]
   * @throws ArchiveMismatch when the directory belongs to another archive
   */
  claimInstance(request: ClaimRequest): Promise<InstanceClaim>
  /** Says that the instance has ended in order: it may be retired as soon as no process needs its ledger any more. */
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
}

/** Takes writes. */
export interface StoresBatches {
  /**
   * Upserts the batch where its stamps are newer, and writes its ledger row, in one transaction.
   *
   * Idempotent by (instance, sequence, link): after `TierUnavailable` the same batch is sent again; if it had been
   * committed, the answer says so and nothing is applied twice [W5].
   *
   * A stamp over 1 s ahead of the archive's clock is stored only where it is not above what is recorded for the
   * instance (its own clock was ahead once), or at most 1 s of stamp time above the row it replaces; else it is
   * refused, so that one wrong clock cannot carry others along [P67].
   *
   * @throws InstanceFenced when the claim is no longer ours, the archive has gone back, or another batch has the
   *   sequence; nothing was written
   * @throws ArchiveRefusedData when a write can never be stored; nothing was written
   */
  putBatch(batch: ArchiveBatch): Promise<CommittedBatch>
}

/** Shows all it has. */
export interface ScansItems {
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
}

/** Optional: without it instances stay in the archive for ever. */
export interface RetiresInstances {
  /**
   * Takes instances out of the archive that have ended in order or are dead, and whose ledger rows are all folded
   * into the tree and pruned. In one transaction their rows go, and one ledger row of the claim says so; where there
   * is none to take, nothing is written. Idempotent by (sequence, link), as `putBatch` [P80, P94].
   *
   * @returns what was retired; `[]`: the sequence was not used
   * @throws InstanceFenced as `putBatch`
   */
  retireInstances(request: RetirementRequest): Promise<readonly RetiredInstance[]>
}

/** Optional: without it tombstones stay in the archive for ever. */
export interface CollectsTombstones {
  /**
   * Removes tombstones written before `beforeMs`; a moment after the archive's clock stands for now. Raises the
   * collection floor in a transaction of its own first, to the newest stamp among those it removes and never
   * higher, so that a clock that is ahead cannot raise it over what is still to be written [P67]; later writes at or
   * below it to an id without a row are refused [W4, P64].
   *
   * @returns how many rows were removed
   */
  collectTombstones(beforeMs: number): Promise<number>
}

/** What keeps an archive from growing for ever. The engine does without each of them: it then leaves out that upkeep. */
export interface ArchiveUpkeep extends RetiresInstances, CollectsTombstones, PrunesLedger {}

/**
 * The ground truth. Reads answer with a `Lookup`; everything else throws `TierUnavailable` when the archive
 * cannot be reached or its fate is unknown, and retrying is safe.
 */
export interface ArchiveTier
  extends
    OpensArchive,
    ClaimsInstances,
    StoresBatches,
    ReadsItems,
    ReadsLedger,
    KeepsTree,
    ScansItems,
    Partial<ArchiveUpkeep> {}

/** An archive that also does its own upkeep, as those in MySQL and SQLite do. */
export type CompleteArchiveTier = ArchiveTier & ArchiveUpkeep

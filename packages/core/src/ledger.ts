/**
 * What the archive tells of its own history: one row a batch, the cut that includes all of them, and the pages of leaf sums that
 * are kept at a cut.
 */
import type { Cut } from './cut.ts'
import type { Stamp } from './stamp.ts'

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

/** Tells what was committed. */
export interface ReadsLedger {
  readHeads(): Promise<Heads>
  /**
   * Heads and all ledger rows beyond `from`, in one snapshot. Each position of `from` must be one of this archive's
   * history: its link is the archive's at that sequence, or a retirement beyond `from` names exactly that position.
   */
  readTail(from: Cut): Promise<LedgerTail>
}

/** Keeps the sums of the ledger's entries, by leaf. */
export interface KeepsTree {
  /** Pages, their cut and the tail beyond it, in one snapshot. */
  readTree(): Promise<StoredTree>
  /**
   * Adds ledger rows beyond the pages' cut to the pages; pages and cut are written together, under a lock.
   *
   * @returns how many ledger rows were added
   */
  foldTree(): Promise<number>
}

/** Optional: without it the ledger grows for ever. */
export interface PrunesLedger {
  /**
   * Removes ledger rows committed before `beforeMs` that the tree pages include. A row from the future of the
   * archive's clock has no age that could be believed, and goes too: it must not keep those behind it [P67].
   *
   * @returns how many rows were removed
   */
  pruneLedger(beforeMs: number): Promise<number>
}

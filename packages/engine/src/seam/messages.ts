/**
 * What crosses the seam between the two planes of an engine. The front acknowledges and reads; the back flushes to the archive,
 * follows it, and keeps the cache. Each message is plain data, and none is answered at once: a channel may copy it, and
 * deliver it later, in the order of its side.
 */
import type {
  CommittedBatch,
  Cut,
  Heads,
  ItemWrite,
  LedgerTail,
  Position,
  Stamp,
  TierMisconfigured,
} from '@se/core'
import type { CacheReport } from './cache-report.ts'
import type { PollSent, Standing } from './standing.ts'
import type { Trust } from './trust.ts'
import type { RowDigest, ViewReport, WrongCopy } from './view-report.ts'

/** What became of a batch whose answer did not come. `running`: it may still go through. */
export type BatchFate = 'in' | 'out' | 'running'

/** What one round of upkeep did to the archive. */
export interface Upkeep {
  /** Ledger rows added to the tree pages, and removed. */
  readonly folded: number
  readonly pruned: number
  /** Tombstones removed. */
  readonly collected: number
  /** The archive's clock, ms since 1970. */
  readonly nowMs: number
}

/** Each question of the front: what it asks, and what the back answers. */
export interface Questions {
  /** Stores writes as the next batch. It fails as `ArchiveTier.putBatch` does; `fate` then tells whether they are in. */
  readonly batch: {
    readonly asks: { readonly writes: readonly ItemWrite[] }
    readonly answers: CommittedBatch
  }
  /** What became of the last `batch`, which failed. It fails while the archive cannot say. */
  readonly fate: { readonly asks: object; readonly answers: BatchFate }
  /** Answered when the cache has been told of all batches so far; how it went is not told. */
  readonly 'cache-settled': { readonly asks: object; readonly answers: undefined }
  /** Takes instances out of the archive that no process needs, and answers how many. The row under way must be known to be in or out. */
  readonly retire: { readonly asks: { readonly deadBeforeMs: number }; readonly answers: number }
  /** Finds out what became of the last `retire`, which failed. It fails while the archive cannot say. */
  readonly 'retire-fate': { readonly asks: object; readonly answers: undefined }
  /** One round of upkeep, with ages by the archive's clock. */
  readonly upkeep: {
    readonly asks: { readonly ledgerAgeMs: number; readonly tombstoneAgeMs: number }
    readonly answers: Upkeep
  }
  /** Nothing will be sent any more: any process may take the instance out. */
  readonly 'end-instance': { readonly asks: object; readonly answers: undefined }
  /** Takes the tree's pages and tail, and stands at their cut. */
  readonly 'load-tree': {
    readonly asks: object
    readonly answers: { readonly root: string; readonly items: number }
  }
  /** Sends what the filter lacks that stands at a cut, with what all lack; answers how many rows that were, or why it cannot. */
  readonly 'follow-filter': {
    readonly asks: { readonly from: Cut }
    readonly answers: { readonly batches: number } | { readonly because: LedgerGap }
  }
  /** Sends all ids of one snapshot, and what has happened since. */
  readonly 'rebuild-filter': { readonly asks: object; readonly answers: undefined }
  /** Stands at the heads of a moment after the question. */
  readonly 'catch-up': { readonly asks: object; readonly answers: undefined }
  /** Reads the heads and stands there; answers the heads. */
  readonly reach: { readonly asks: PollSent; readonly answers: Heads }
  /**
   * Brings the cache to the heads of the last `reach`. `mayJoin`: what is under way is enough, though it may have begun with older
   * heads. A cache that does not answer is no failure.
   */
  readonly tend: { readonly asks: { readonly mayJoin: boolean }; readonly answers: undefined }
  /** Connects the cache, once. */
  readonly 'connect-cache': { readonly asks: object; readonly answers: undefined }
  /** Reaches the cache and brings it into line. */
  readonly 'attach-cache': { readonly asks: object; readonly answers: CacheReport }
  /** Compares the roots of archive and cache at one cut. `cache`: `undefined` where there is none to compare. */
  readonly roots: {
    readonly asks: object
    readonly answers: { readonly cut: Cut; readonly archive: string; readonly cache: string | undefined }
  }
  /** Compares the tree with its pages, or with all rows, which come as `rows` then. */
  readonly 'verify-tree': { readonly asks: { readonly isDeep: boolean }; readonly answers: TreeVerified }
  /** Which of the rows have a wrong entry in the cache, and not one that is only on its way. After a poll that was sent when they had been read. */
  readonly 'look-again': {
    readonly asks: { readonly rows: readonly RowDigest[] }
    readonly answers: readonly WrongCopy[]
  }
  /** Compares the cache with the tree, and repairs it. `undefined`: there is no cache. */
  readonly 'verify-cache': {
    readonly asks: { readonly isRepair: boolean; readonly wrongEntries: readonly WrongCopy[] }
    readonly answers: ViewReport | undefined
  }
}

export interface TreeVerified {
  readonly tree: ViewReport
  /** Where all rows were read. */
  readonly scan:
    | {
        readonly rowsRead: number
        /** Rows whose entry in the cache is not what it should be, or is only not there yet. */
        readonly suspects: readonly RowDigest[]
      }
    | undefined
}

export type QuestionKind = keyof Questions

/** A question under its number, which the answer carries. */
export type Question<Kind extends QuestionKind = QuestionKind> = {
  readonly [Each in Kind]: { readonly kind: Each; readonly call: number } & Questions[Each]['asks']
}[Kind]

/** The next batch holds something else: what was sent last is known to be out. */
export interface GiveUp {
  readonly kind: 'give-up'
}

/** The `rows` of a question have been taken: further ones may come. */
export interface More {
  readonly kind: 'more'
  readonly call: number
}

/** From the front. */
export type ToBack = Question | GiveUp | More

/** What a set of ledger rows comes to for one id. */
export interface NetChange {
  readonly id: string
  /** The newest stamp told of. */
  readonly stamp: Stamp
  /** Had a value before the first of the rows. */
  readonly wasLive: boolean
  /** Has a value after the last of them. */
  readonly isLive: boolean
}

/** Why rows of the ledger cannot be had. */
export type LedgerGap = (LedgerTail & { kind: 'gap' })['because']

/** The digest tree at the cut of the message that it is in. */
export interface TreeReport {
  readonly trust: Trust
  /** Ids that have a value, and the sum of their hashes. */
  readonly count: number
  readonly membership: bigint
}

/** Rows of the ledger were read: all that follows it stands at another cut. */
export interface HeardRows {
  readonly kind: 'heard'
  /** Where the message before has led. */
  readonly from: Cut
  readonly cut: Cut
  /** What is new. */
  readonly changes: readonly NetChange[]
  /** `undefined`: the filter follows by the same changes. Else it stands elsewhere, and comes to the cut by these. */
  readonly filter:
    | {
        /** From its own cut, or from the ids that were sent. */
        readonly from: 'own-cut' | 'ids'
        readonly changes: readonly NetChange[]
      }
    | undefined
  readonly tree: TreeReport
}

/** The views start over at another cut. Of what lies between nothing was heard: what was derived from earlier rows may not be kept. */
export interface StartedOver {
  readonly kind: 'started-over'
  /** The archive has lost rows that were told of, or is another one. */
  readonly wentBack: boolean
  readonly cut: Cut
  readonly tree: TreeReport
}

/** Rows that a question asks for. The next ones come after {@link More}, the answer comes after the last. */
export interface Rows {
  readonly kind: 'rows'
  readonly call: number
  readonly rows: readonly RowDigest[]
}

/** The one answer to a question. */
export type Answer =
  | { readonly kind: 'done'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly call: number; readonly error: unknown }

/** From the back. What an answer depends on is sent before it. */
export type ToFront =
  | Answer
  | Rows
  /** The own ledger has got another row. */
  | { readonly kind: 'committed'; readonly position: Position }
  /** The cache has taken items of a batch. */
  | { readonly kind: 'delivered'; readonly items: number }
  | HeardRows
  | StartedOver
  /** The tree was compared with something else, at the cut at which all stand. */
  | { readonly kind: 'tree-judged'; readonly tree: TreeReport }
  /** The way from the filter's cut to the heads is not known. */
  | { readonly kind: 'filter-lost'; readonly because: LedgerGap }
  /** Ids for a new filter will be sent; those that were sent before count for nothing. */
  | { readonly kind: 'ids-begin' }
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  /** The archive did not give all of them: those that were sent are of no use. They are sent again once it answers. */
  | { readonly kind: 'ids-dropped' }
  /** The archive has said what time it is; times of asking and of the answer by `Clock.monotonicMs`. */
  | {
      readonly kind: 'archive-time'
      readonly sentAtMs: number
      readonly receivedAtMs: number
      readonly archiveMs: number
    }
  /** What is known of a stripe of the cache; `undefined`: nothing. */
  | { readonly kind: 'stripe'; readonly stripe: number; readonly standing: Standing | undefined }
  /** Nothing is known of any stripe. */
  | { readonly kind: 'stripes-forgotten' }
  /** Whether the cache was brought into line since it was last lost; `shared`: processes of another history move its stripes. */
  | {
      readonly kind: 'cache-state'
      readonly isAttached: boolean
      readonly shared: TierMisconfigured | undefined
    }
  /** Entries that were read from the cache may not have been true: nothing of it may be kept. */
  | { readonly kind: 'set-back' }
  /** The cache was brought to the heads of a poll, or cannot be. */
  | { readonly kind: 'tended'; readonly round: number }

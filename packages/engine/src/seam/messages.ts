/**
 * What crosses the seam between the two planes of an engine. The front acknowledges and reads; the back flushes to the archive,
 * follows it, and keeps the cache. Each message is plain data, and none is answered at once: a channel may copy it, and
 * deliver it later, in the order of its side.
 */
import type { CommittedBatch, ItemWrite, Position } from '@se/core'

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

/** From the front. */
export type ToBack = Question | GiveUp

/** The one answer to a question. */
export type Answer =
  | { readonly kind: 'done'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly call: number; readonly error: unknown }

/** From the back. What an answer depends on is sent before it. */
export type ToFront =
  | Answer
  /** The own ledger has got another row. */
  | { readonly kind: 'committed'; readonly position: Position }
  /** The cache has taken items of a batch. */
  | { readonly kind: 'delivered'; readonly items: number }

import type { LeafAddress } from '@se/core'

/** What a comparison of the cache with the archive found, and did. */
export interface CacheReport {
  /** Stripes that had no meta and were made; entries that lay there are misses now. */
  readonly created: number
  /** Stripes of another archive or history, or too far behind, started over. */
  readonly reset: number
  /** Stripes that were behind the heads and were brought there. */
  readonly advanced: number
  /** Leaves whose receipt differed from the tree before anything was done. */
  readonly differingLeaves: readonly LeafAddress[]
  /** Ids whose entry was older than the ledger says, and was removed. */
  readonly removedIds: readonly string[]
  /** Leaves whose receipt was still wrong at the same cut: all their entries were made misses. */
  readonly invalidatedLeaves: readonly LeafAddress[]
  /** Stripes that could not be judged: they moved all the time, did not answer, or have a cut that the archive does not know. */
  readonly unsettled: number
}

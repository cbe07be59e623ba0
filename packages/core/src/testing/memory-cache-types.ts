/** What the cache in memory takes and gives: its options, and what a test may do to the store. */
import type { CompleteCacheTier } from '../cache-tier.ts'
import type { StoredItem } from '../item.ts'
import type { LedgerEntry } from '../ledger.ts'
import type { Random } from '../random.ts'
import type { Space } from './memory-cache-space.ts'

export interface MemoryCacheOptions {
  /** Source of epochs and tokens. */
  readonly random: Random
  /**
   * The sums of a leaf after a ledger entry, 28 bytes: `cacheDigests` of `@se/merkle/testing` has the real ones. A port, because
   * core knows no tree.
   *
   * @param sums 28 bytes; zeros for an empty leaf
   */
  readonly addEntry: (sums: Uint8Array, entry: LedgerEntry) => Uint8Array
  /** Wall clock for `ttlMs`. Default: stands at 0. */
  readonly nowMs?: (() => number) | undefined
}

export interface MemoryCacheConnection {
  /** Time to live of entries, ms from the put. Default: none. */
  readonly ttlMs?: number | undefined
}

/** A stripe as it was: entries and meta, as an older dump of Redis would bring them back. Of every archive in the store. */
export interface StripeSnapshot {
  readonly stripe: number
  readonly spaces: ReadonlyMap<string, Space>
}

/**
 * What stands in for Redis: one store, and as many tiers on it as there are processes. Where archives share it, each has keys
 * of its own; what is said of an id or a stripe here is said of each of them.
 */
export interface MemoryCacheServer {
  /** Another process. */
  connect(options?: MemoryCacheConnection): CompleteCacheTier
  /** `false`: lookups answer `unknown`, everything else throws `TierUnavailable`. */
  setAvailable(isAvailable: boolean): void
  /** The same for single stripes, while the others go on; `[]`: all answer. */
  setUnavailableStripes(stripes: readonly number[]): void
  /**
   * Puts that get lost from now on, on their way (`unanswered`: nothing is stored, and the call fails) or right after
   * (`evicted`: answered as stored, and gone). `undefined`: none.
   */
  losePuts(how: 'unanswered' | 'evicted' | undefined): void
  /** Values from so many bytes on are refused, each time they are offered; `undefined`: none. */
  refuseAbove(bytes: number | undefined): void
  /** How often a value was refused. */
  readonly refusals: number
  /** Loses the entry of an id, as eviction does. */
  evict(id: string): void
  /** Loses the meta of a stripe; its entries stay. */
  dropMeta(stripe: number): void
  /** Changes the entry of an id, if there is one, as somebody would who puts a whole other one: no checksum tells. */
  tamper(id: string, change: (item: StoredItem) => StoredItem): void
  /** Changes bits of the entry of an id, if there is one: its checksum tells. */
  damage(id: string): void
  /** Something of another type lies where the entry of an id, or a stripe's meta, should. */
  mistype(what: { readonly id: string } | { readonly stripe: number }): void
  /** Loses everything. */
  clear(): void
  snapshot(stripe: number): StripeSnapshot
  /**
   * Puts a stripe back to what it was, as an older dump or a replica that was behind. No connection is lost by it and nobody
   * is told, so a tier has to see it in what it reads.
   */
  restore(snapshot: StripeSnapshot): void
}

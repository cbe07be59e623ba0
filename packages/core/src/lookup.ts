import type { StoredItem } from './item.ts'
import type { Stamp } from './stamp.ts'

/** Why a tier cannot say. The last two are said by the guard in front of it, and say nothing new of the tier. */
export type UnknownCause =
  /** It was asked, and has not answered in time. */
  | 'timeout'
  /** It could not be asked, or failed: there is no connection, it is not open, or it answered with an error. */
  | 'disconnected'
  /**
   * The part of the tier where the id belongs does not count now: a stripe of the cache that is not believed, or a node of a
   * Cluster that is away. The rest may answer, so it is no failure of the tier.
   */
  | 'suspended'
  /** It was not asked, because it has not answered lately. */
  | 'breaker-open'
  /** The tier was closed while the caller waited for it, or before. */
  | 'closed'

/** A tier that cannot answer says so; it never says `absent`, because the caller acts on absence [R1]. */
export type Lookup =
  | { readonly kind: 'found'; readonly item: StoredItem }
  /** `tombstone`: stamp of the delete, where the tier still knows it. */
  | { readonly kind: 'absent'; readonly tombstone?: Stamp }
  | { readonly kind: 'unknown'; readonly because: UnknownCause; readonly cause?: unknown }

/** Answers for ids. A tier that cannot answer says `unknown`; it throws only what is the caller's own mistake. */
export interface ReadsItems {
  get(id: string): Promise<Lookup>
  /** One round trip, or a few where values are large; none for `[]`. Answers in the order of the ids. */
  getMany(ids: readonly string[]): Promise<readonly Lookup[]>
}

import type { StoredItem } from './item.ts'
import type { Stamp } from './stamp.ts'

/** Why a tier cannot say. */
export type UnknownCause = 'timeout' | 'disconnected' | 'suspended'

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

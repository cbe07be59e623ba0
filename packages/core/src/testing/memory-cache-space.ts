/** What the cache in memory holds of one archive, as Redis does: entries under epochs, and a meta for each stripe. Pure. */
import type { BranchSet } from '../branch.ts'
import type { LeafAddress } from '../cache-tier.ts'
import type { Cut } from '../cut.ts'
import { BUCKET_COUNT, bucketOfId, STRIPE_COUNT } from '../hash.ts'
import type { StoredItem } from '../item.ts'

export interface Entry {
  readonly epoch: string
  readonly item: StoredItem
  readonly expiresAtMs: number | undefined
  /** Its checksum is wrong. */
  readonly isDamaged?: boolean
}

export interface Leaf {
  token?: string
  epoch?: string
  sums?: Uint8Array
}

export interface Meta {
  epoch: string
  cut: Cut
  readonly leaves: Map<number, Leaf>
}

/** What stands under a key that another program has written to: no value of ours. */
export const ANOTHER_TYPE: unique symbol = Symbol('another type')

/** What lies under a key: what the cache put there, or something of another type. */
export type Slot<T> = T | typeof ANOTHER_TYPE

/** What one archive has in the store. */
export interface Space {
  readonly entries: Map<string, Slot<Entry>>
  readonly metas: (Slot<Meta> | undefined)[]
}

export function emptySpace(): Space {
  return { entries: new Map(), metas: Array.from({ length: STRIPE_COUNT }, () => undefined) }
}

export function copyMeta(meta: Slot<Meta> | undefined): Slot<Meta> | undefined {
  if (meta === undefined || meta === ANOTHER_TYPE) return meta
  return { ...meta, leaves: new Map([...meta.leaves].map(([leaf, fields]) => [leaf, { ...fields }])) }
}

/** A leaf as one number, by which a meta names it. */
export function leafNumber({ branch, bucket }: LeafAddress): number {
  return branch * BUCKET_COUNT + bucket
}

/** The inverse of {@link leafNumber}. */
export function leafAddress(leaf: number): LeafAddress {
  return { branch: Math.floor(leaf / BUCKET_COUNT), bucket: leaf % BUCKET_COUNT }
}

/** Number of an id's leaf. */
export function leafOf(branches: BranchSet, id: string): number {
  return leafNumber({ branch: branches.branchOf(id), bucket: bucketOfId(id) })
}

/**
 * Receipts of cache stripes against the tree, each at the cut where it stands. Stripes move while they are read, and the tree
 * does too; but the ledger rows between two cuts say exactly by how much the sums differ. So nothing has to stand still
 * to be compared, and a stripe that is merely behind is no difference. Pure.
 */
import type { BranchSet, LedgerRow, StoredLeaf } from '@se/core'
import { BUCKET_COUNT, STRIPE_COUNT, stripeOfBucket } from '@se/core/hash'
import {
  addLeaves,
  decodeLeaf,
  EMPTY_LEAF,
  encodeLeaf,
  equalLeaves,
  leafDelta,
  leafOf,
  subtractLeaves,
  type DigestTree,
  type LeafSums,
} from '@se/merkle'

/** Leaf sums of one stripe, by {@link leafKey}; a leaf that is not named is empty. */
export type StripeLeaves = ReadonlyMap<number, LeafSums>

export function leafKey(branch: number, bucket: number): number {
  return branch * BUCKET_COUNT + bucket
}

export function leafAddress(key: number): { readonly branch: number; readonly bucket: number } {
  return { branch: Math.floor(key / BUCKET_COUNT), bucket: key % BUCKET_COUNT }
}

/** As the cache stores them. */
export function storedLeaves(leaves: StripeLeaves): StoredLeaf[] {
  return Array.from(leaves, ([key, sums]) => ({ ...leafAddress(key), sums: encodeLeaf(sums) }))
}

/** The tree's leaves by stripe. */
export function leavesByStripe(tree: Pick<DigestTree, 'leaves'>): readonly StripeLeaves[] {
  const stripes = Array.from({ length: STRIPE_COUNT }, () => new Map<number, LeafSums>())
  for (const { branch, bucket, sums } of tree.leaves()) {
    stripes[stripeOfBucket(bucket)]!.set(leafKey(branch, bucket), sums)
  }
  return stripes
}

/** What a cache has stored. */
export function stripeLeaves(stored: readonly StoredLeaf[]): Map<number, LeafSums> {
  return new Map(stored.map(({ branch, bucket, sums }) => [leafKey(branch, bucket), decodeLeaf(sums)]))
}

/** By how much ledger rows change the leaves of one stripe. */
export function changeOfStripe(
  stripe: number,
  rows: readonly LedgerRow[],
  branches: BranchSet,
): Map<number, LeafSums> {
  const change = new Map<number, LeafSums>()
  for (const { entries } of rows) {
    for (const entry of entries) {
      const { branch, bucket } = leafOf(entry.id, branches)
      if (stripeOfBucket(bucket) !== stripe) continue
      const key = leafKey(branch, bucket)
      change.set(key, addLeaves(change.get(key) ?? EMPTY_LEAF, leafDelta(entry)))
    }
  }
  return change
}

/** The leaves as they are after a change. */
export function after(leaves: StripeLeaves, change: StripeLeaves): Map<number, LeafSums> {
  return combined(leaves, change, addLeaves)
}

/** The leaves as they were before a change. */
export function before(leaves: StripeLeaves, change: StripeLeaves): Map<number, LeafSums> {
  return combined(leaves, change, subtractLeaves)
}

/** Keys of the leaves whose sums differ, either way. */
export function differingKeys(truth: StripeLeaves, claimed: StripeLeaves): number[] {
  return [...new Set([...claimed.keys(), ...truth.keys()])].filter(
    (key) => !equalLeaves(truth.get(key) ?? EMPTY_LEAF, claimed.get(key) ?? EMPTY_LEAF),
  )
}

function combined(
  leaves: StripeLeaves,
  change: StripeLeaves,
  combine: (a: LeafSums, b: LeafSums) => LeafSums,
): Map<number, LeafSums> {
  const result = new Map(leaves)
  for (const [key, sums] of change) result.set(key, combine(result.get(key) ?? EMPTY_LEAF, sums))
  return result
}

import { compareStamps, INSTANCE_MAX, type BranchSet, type LedgerRow, type Stamp } from '@se/core'
import { bucketOfId, stripeOfBucket, STRIPE_COUNT } from '@se/core/hash'
import { addLeaves, leafDelta, type LeafSums } from '@se/merkle'
import { leafNumber } from './keys.ts'

/** An item that the ledger names: an entry that is older than the bound goes. */
export interface NamedItem {
  readonly id: string
  readonly branch: number
  readonly bucket: number
  /** Entries below this stamp are older than what the ledger tells. */
  readonly bound: Stamp
}

/** What the ledger rows add to a leaf. */
export interface ChangedLeaf {
  readonly branch: number
  readonly bucket: number
  readonly delta: LeafSums
}

/** The ledger rows as one stripe sees them, net by id. */
export interface StripeShare {
  readonly items: readonly NamedItem[]
  readonly leaves: readonly ChangedLeaf[]
}

const EMPTY: StripeShare = { items: [], leaves: [] }

/**
 * Shares ledger rows out to the stripes: by id the newest stamp, by leaf the sum of all deltas.
 *
 * A correction tells of a row that was changed behind the engine's back under the stamp it had: then the
 * entry with that very stamp goes too.
 */
export function shareOut(rows: readonly LedgerRow[], branches: BranchSet): readonly StripeShare[] {
  const items = Array.from({ length: STRIPE_COUNT }, () => new Map<string, NamedItem>())
  const leaves = Array.from({ length: STRIPE_COUNT }, () => new Map<number, ChangedLeaf>())
  for (const row of rows) {
    for (const entry of row.entries) {
      const branch = branches.branchOf(entry.id)
      const bucket = bucketOfId(entry.id)
      const stripe = stripeOfBucket(bucket)
      const bound = row.kind === 'correction' ? successor(entry.stamp) : entry.stamp
      const item = items[stripe]!.get(entry.id)
      if (item === undefined || compareStamps(bound, item.bound) > 0) {
        items[stripe]!.set(entry.id, { id: entry.id, branch, bucket, bound })
      }
      const leaf = leafNumber(branch, bucket)
      const delta = leafDelta(entry)
      const sum = leaves[stripe]!.get(leaf)
      leaves[stripe]!.set(leaf, {
        branch,
        bucket,
        delta: sum === undefined ? delta : addLeaves(sum.delta, delta),
      })
    }
  }
  return items.map((ofStripe, stripe) =>
    ofStripe.size === 0 ? EMPTY : { items: [...ofStripe.values()], leaves: [...leaves[stripe]!.values()] },
  )
}

/** The smallest stamp above another. */
function successor(stamp: Stamp): Stamp {
  return stamp.instance < INSTANCE_MAX
    ? { time: stamp.time, instance: stamp.instance + 1 }
    : { time: stamp.time + 1, instance: 0 }
}

import { createBranchSet, isNewer, type LedgerEntry, type LedgerRow, type Stamp } from '@se/core'
import { linkOf, seededRandom } from '@se/core/testing'
import { bucketOfId, stripeOfId } from '@se/core/hash'
import { addLeaves, EMPTY_LEAF, leafDelta, type LeafSums } from '@se/merkle'
import { seed } from '@se/testkit'
import { describe, expect, it } from 'vitest'
import { shareOut } from './advance-plan.ts'

const branches = createBranchSet(['user.'])

/** Goal: by stripe the newest stamp of each id and the sum of all deltas. Method: random ledgers against a naive count. */
describe('sharing ledger rows out', () => {
  it('gives every stripe its ids with their newest stamp, and its leaves with the sum of all deltas', () => {
    const random = seededRandom(seed('advance plan'))
    const digest = () => (random.chance(0.2) ? undefined : random.bytes(16))
    for (let round = 0; round < 200; round++) {
      const ids = Array.from(
        { length: 1 + random.below(40) },
        (_, index) => random.pick(['user.', 'x']) + index,
      )
      const rows: LedgerRow[] = Array.from({ length: random.below(6) }, (_, index) => ({
        instance: 1 + random.below(3),
        sequence: index + 1,
        link: linkOf(1, index + 1),
        kind: 'batch',
        committedAtMs: 0,
        entries: ids
          .filter(() => random.chance(0.4))
          .map((id): LedgerEntry => {
            const stamp: Stamp = { time: random.below(50), instance: 1 + random.below(3) }
            return { id, stamp, previousStamp: undefined, digest: digest(), previousDigest: digest() }
          }),
      }))
      const newest = new Map<string, Stamp>()
      const sums = new Map<string, LeafSums>()
      for (const entry of rows.flatMap((row) => row.entries)) {
        if (isNewer(entry.stamp, newest.get(entry.id))) newest.set(entry.id, entry.stamp)
        const leaf = `${branches.branchOf(entry.id)}/${bucketOfId(entry.id)}`
        sums.set(leaf, addLeaves(sums.get(leaf) ?? EMPTY_LEAF, leafDelta(entry)))
      }
      const shares = shareOut(rows, branches)
      expect(shares).toHaveLength(64)
      shares.forEach((share, stripe) => {
        for (const item of share.items) expect(stripeOfId(item.id)).toBe(stripe)
      })
      const items = shares.flatMap((share) => share.items.map(({ id, bound }) => [id, bound] as const))
      expect(new Map(items)).toEqual(newest)
      expect(items).toHaveLength(newest.size)
      const leaves = shares.flatMap((share) =>
        share.leaves.map((one) => [`${one.branch}/${one.bucket}`, one.delta]),
      )
      expect(new Map(leaves as [string, LeafSums][])).toEqual(sums)
    }
  })

  it('a correction reaches the entry with its very stamp, also at the last instance', () => {
    const stampOf = (stamp: Stamp) => {
      const entry = { id: 'a', stamp, previousStamp: stamp, digest: undefined, previousDigest: undefined }
      const row: LedgerRow = {
        instance: 1,
        sequence: 1,
        link: linkOf(1, 1),
        kind: 'correction',
        committedAtMs: 0,
        entries: [entry],
      }
      return shareOut([row], branches)[stripeOfId('a')]!.items[0]!.bound
    }
    expect(stampOf({ time: 5, instance: 7 })).toEqual({ time: 5, instance: 8 })
    expect(stampOf({ time: 5, instance: 2 ** 32 - 1 })).toEqual({ time: 6, instance: 0 })
  })
})

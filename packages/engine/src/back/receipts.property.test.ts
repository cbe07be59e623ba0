/**
 * Goal: a stripe may be compared at whatever cut it stands, as the rows between two cuts say exactly by how much its sums differ.
 * Method: random rows over a few ids, applied to a tree; each stripe led there and back by the rows alone.
 */
import { createBranchSet, type LedgerRow } from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import { linkOf, seededRandom } from '@se/core/testing'
import { DigestTree } from '@se/merkle'
import { describe, expect, it } from 'vitest'
import {
  after,
  before,
  changeOfStripe,
  differingKeys,
  leavesByStripe,
  storedLeaves,
  stripeLeaves,
} from './receipts.ts'

const branches = createBranchSet(['user.'])
const random = seededRandom(20_261_128)

/** Rows that write and delete, each entry with what it replaces. */
function rowsOver(digests: Map<string, Uint8Array | undefined>, count: number): LedgerRow[] {
  return Array.from({ length: count }, (_, index) => {
    const ids = new Set(Array.from({ length: 5 }, () => `${random.pick(['', 'user.'])}${random.below(40)}`))
    const entries = [...ids].map((id) => {
      const previousDigest = digests.get(id)
      const digest = random.chance(0.3) ? undefined : random.bytes(16)
      digests.set(id, digest)
      return { id, stamp: { time: index + 1, instance: 1 }, previousStamp: undefined, digest, previousDigest }
    })
    const sequence = index + 1
    return { instance: 1, sequence, link: linkOf(1, sequence), kind: 'batch', committedAtMs: 0, entries }
  })
}

describe('the leaves of a stripe', () => {
  it('are led from one cut to another and back by the rows between them, and differ nowhere then [P29]', () => {
    const digests = new Map<string, Uint8Array | undefined>()
    const tree = new DigestTree(branches)
    let movedCount = 0
    for (let round = 0; round < 20; round++) {
      const earlier = leavesByStripe(tree)
      const rows = rowsOver(digests, 5)
      for (const { entries } of rows) tree.apply(entries)
      const later = leavesByStripe(tree)
      for (let stripe = 0; stripe < STRIPE_COUNT; stripe++) {
        const change = changeOfStripe(stripe, rows, branches)
        if (differingKeys(earlier[stripe]!, later[stripe]!).length > 0) movedCount++
        expect(differingKeys(later[stripe]!, after(earlier[stripe]!, change))).toEqual([])
        expect(differingKeys(earlier[stripe]!, before(later[stripe]!, change))).toEqual([])
        expect(differingKeys(later[stripe]!, stripeLeaves(storedLeaves(later[stripe]!)))).toEqual([])
      }
    }
    expect(movedCount).toBeGreaterThan(100)
  })
})

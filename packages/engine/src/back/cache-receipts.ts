import {
  covers,
  equalCuts,
  StorageError,
  type ArchiveTier,
  type BranchSet,
  type CacheTier,
  type Cut,
  type LeafAddress,
  type StoredLeaf,
  type StripeState,
} from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import { DigestTree } from '@se/merkle'
import type { LedgerFollower } from './ledger-follower.ts'
import { createTails } from './ledger-tails.ts'
import { rowsBetween } from './net.ts'
import {
  after,
  before,
  changeOfStripe,
  differingKeys,
  leafAddress,
  leavesByStripe,
  stripeLeaves,
  type StripeLeaves,
} from './receipts.ts'

export interface CacheReceiptsPorts {
  readonly cache: Pick<CacheTier, 'readReceipt'>
  readonly archive: Pick<ArchiveTier, 'readTail'>
  readonly follower: Pick<LedgerFollower, 'catchUp' | 'cut' | 'tree'>
  readonly branches: BranchSet
}

/** A stripe's receipt, and what the tree says of it. */
export interface ComparableReceipt {
  readonly receipt: { readonly state: StripeState; readonly leaves: readonly StoredLeaf[] }
  /** What ledger rows from the receipt's cut on change in its leaves. */
  readonly change: StripeLeaves
  /** The leaves as they must be at the receipt's cut. */
  readonly truth: () => StripeLeaves
}

export interface ComparedReceipts {
  readonly comparable: readonly ComparableReceipt[]
  /** Stripes without a receipt, that do not answer, or of which the ledger does not know the way. */
  readonly missing: number
  /** A cut that all comparable ones reach by their change, and the tree's root there. */
  readonly cut: Cut
  readonly root: string
}

/** Reads the receipts of the cache's stripes and lays the archive's tree beside them. */
export class CacheReceipts {
  readonly #ports: CacheReceiptsPorts

  constructor(ports: CacheReceiptsPorts) {
    this.#ports = ports
  }

  /**
   * Every receipt with what the tree says of its leaves at the receipt's own cut, and what happened from there to one cut that
   * all reach.
   */
  async withTruth(stripes?: readonly number[]): Promise<ComparedReceipts> {
    const { follower, archive, branches } = this.#ports
    const receipts = await this.#read(stripes)
    // After the receipts: the views now stand where they stand, or beyond.
    await follower.catchUp()
    const { cut, tree } = follower
    const leaves = leavesByStripe(tree)
    const root = tree.root()
    const tails = createTails(archive)
    const comparable: ComparableReceipt[] = []
    let missing = 0
    for (const [stripe, receipt] of receipts) {
      if (receipt === undefined) {
        missing++
        continue
      }
      const from = receipt.state.cut
      const tail = equalCuts(from, cut) ? undefined : await tails.from(from)
      // A tail whose heads do not reach the tree was read from a server that is behind, or instances were retired meanwhile.
      if (tail?.kind === 'gap' || (tail !== undefined && !covers(tail.heads.cut, cut))) {
        missing++
        continue
      }
      const change = changeOfStripe(
        stripe,
        tail === undefined ? [] : rowsBetween(tail.rows, from, cut),
        branches,
      )
      comparable.push({ receipt, change, truth: () => before(leaves[stripe]!, change) })
    }
    return { comparable, missing, cut, root }
  }

  /** Leaves that differ from the tree in stripes that stand elsewhere than the views. */
  async differencesBehind(): Promise<LeafAddress[]> {
    const receipts = await this.#read()
    const { cut, tree } = this.#ports.follower
    const leaves = leavesByStripe(tree)
    return receipts.flatMap(([stripe, receipt]) =>
      receipt === undefined || equalCuts(receipt.state.cut, cut)
        ? []
        : differingKeys(leaves[stripe]!, stripeLeaves(receipt.leaves)).map(leafAddress),
    )
  }

  /** Roots of archive and cache at one cut, also while both move. `cache` is `undefined` where a stripe cannot be compared. */
  async roots(): Promise<{ cut: Cut; archive: string; cache: string | undefined }> {
    const { comparable, missing, cut, root } = await this.withTruth()
    if (missing > 0) return { cut, archive: root, cache: undefined }
    const tree = new DigestTree(this.#ports.branches)
    for (const { receipt, change } of comparable) {
      for (const [key, sums] of after(stripeLeaves(receipt.leaves), change)) {
        const { branch, bucket } = leafAddress(key)
        tree.addToLeaf(branch, bucket, sums)
      }
    }
    return { cut, archive: root, cache: tree.root() }
  }

  /** Each stripe alone: one that does not answer has no receipt. @throws what all met, where none answers */
  async #read(
    stripes: readonly number[] = Array.from({ length: STRIPE_COUNT }, (_, stripe) => stripe),
  ): Promise<(readonly [stripe: number, receipt: Awaited<ReturnType<CacheTier['readReceipt']>>])[]> {
    const failures: unknown[] = []
    const receipts = await Promise.all(
      stripes.map(async (stripe) => {
        try {
          return [stripe, await this.#ports.cache.readReceipt(stripe)] as const
        } catch (error) {
          if (!(error instanceof StorageError)) throw error
          failures.push(error)
          return [stripe, undefined] as const
        }
      }),
    )
    if (failures.length > 0 && failures.length === stripes.length) throw failures[0]
    return receipts
  }
}

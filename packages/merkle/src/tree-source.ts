import type { StoredTreePage } from '@se/core'
import { BRANCH_PAGES } from './branch-leaves.ts'
import type { DigestTree } from './digest-tree.ts'
import { encodeLanes, LANES, LEAF_BYTES } from './lanes.ts'
import { encodePageLanes } from './page.ts'

export interface BranchSums {
  /** Prefixes by branch number; `''` first. */
  readonly prefixes: readonly string[]
  /** Encoded sums of the branches in that order, 28 bytes each. */
  readonly sums: Uint8Array
}

export interface PageAddress {
  readonly branch: number
  /** Leaf bucket >> 8, 0 … 255. */
  readonly page: number
}

/**
 * One side of a diff: a tree's sums, level by level. It may be in this process, in a database, or behind
 * HTTP: arguments and answers are plain data and bytes.
 *
 * One call is one round trip. All calls of a diff should be answered from one snapshot; where they are not,
 * the diff notices and throws `TreeChanged`. A failure is thrown, never answered as emptiness [R1]; so is an
 * address that does not exist, as `InvalidInput`.
 */
export interface TreeSource {
  readBranches(): Promise<BranchSums>
  /**
   * For each branch the sums of its 256 pages, encoded as a page is; `undefined` when all are zero.
   *
   * @param branches branch numbers; in the order of the answer; at least one
   */
  readPageSums(branches: readonly number[]): Promise<readonly (Uint8Array | undefined)[]>
  /**
   * Encoded pages of leaves; `undefined` for an empty one.
   *
   * @param addresses in the order of the answer; at least one
   */
  readPages(addresses: readonly PageAddress[]): Promise<readonly (Uint8Array | undefined)[]>
  /**
   * The whole leaf vector of some branches: all their pages that are not empty, in any order.
   *
   * @param branches branch numbers; at least one
   */
  readAllPages(branches: readonly number[]): Promise<readonly StoredTreePage[]>
}

/** A tree of this process as one side of a diff. Reads it as it is at each call. */
export function treeSource(tree: DigestTree): TreeSource {
  const { prefixes } = tree.branches
  return {
    async readBranches() {
      const sums = new Uint8Array(prefixes.length * LEAF_BYTES)
      const lanes = new Uint32Array(LANES)
      for (let branch = 0; branch < prefixes.length; branch++) {
        tree.readBranchLanes(branch, lanes, 0)
        encodeLanes(lanes, 0, sums, branch * LEAF_BYTES)
      }
      return { prefixes, sums }
    },
    async readPageSums(branches) {
      const lanes = new Uint32Array(BRANCH_PAGES * LANES)
      return branches.map((branch) => {
        tree.checkLeaf(branch, 0)
        tree.readPageSumLanes(branch, lanes)
        return encodePageLanes(lanes, 0)
      })
    },
    async readPages(addresses) {
      return addresses.map(({ branch, page }) => tree.page(branch, page))
    },
    async readAllPages(branches) {
      return branches.flatMap((branch) => [...tree.pages(branch)])
    },
  }
}

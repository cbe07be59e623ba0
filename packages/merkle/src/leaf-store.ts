import type { BranchSet } from '@se/core'
import { lanesOfBranches, pagesByAddress } from './answers.ts'
import { BRANCH_PAGES } from './branch-leaves.ts'
import { DigestTree, type TreeLeaf } from './digest-tree.ts'
import { checkSameBranches } from './differing-leaves.ts'
import { areLanesEqual, LANES } from './lanes.ts'
import { checkSums } from './leaf.ts'
import type { DigestTreeOptions } from './options.ts'
import { TreeChanged } from './tree-changed.ts'
import { treeSource, type TreeSource } from './tree-source.ts'

/**
 * Where leaves are kept outside a tree: a table, a Redis hash, a file. Held to what is written here by the
 * contract suite of `@se/merkle/testing`.
 */
export interface LeafStore extends TreeSource {
  /**
   * Adds each delta to its leaf, mod 2^32 and 2^64. All or nothing; adds of several writers commute, and
   * none is lost when they run at the same time. A leaf that becomes zero is empty.
   *
   * @param deltas at most one a leaf is usual, several are allowed; none is no work. The net deltas of some
   *   entries are `[...tree.leaves()]` of a fresh tree they were applied to
   * @throws InvalidInput on a branch or bucket that does not exist, or sums that are none; nothing was added
   */
  add(deltas: readonly TreeLeaf[]): Promise<void>
}

/** A store in this process. */
export function memoryLeafStore(branches: BranchSet): LeafStore {
  const tree = new DigestTree(branches)
  return {
    ...treeSource(tree),
    async add(deltas) {
      for (const { branch, bucket, sums } of deltas) {
        tree.checkLeaf(branch, bucket)
        checkSums(sums)
      }
      for (const { branch, bucket, sums } of deltas) tree.addToLeaf(branch, bucket, sums)
    },
  }
}

/**
 * Reads a whole tree.
 *
 * @param branches the set that the source's ids were counted under
 * @throws InvalidInput when the source has another branch set
 * @throws CorruptData when an answer is no page, or not what was asked for
 * @throws TreeChanged when the pages do not add up to the sums of their branch: the source changed meanwhile; ask again
 */
export async function loadTree(
  source: TreeSource,
  branches: BranchSet,
  options: DigestTreeOptions = {},
): Promise<DigestTree> {
  const tree = new DigestTree(branches, options)
  const answer = await source.readBranches()
  const tops = lanesOfBranches(answer, 'source')
  checkSameBranches(branches.prefixes, answer.prefixes)
  const all = branches.prefixes.map((_, branch) => branch)
  for (const [pageNumber, bytes] of pagesByAddress(await source.readAllPages(all), all, 'source')) {
    tree.setPage(Math.floor(pageNumber / BRANCH_PAGES), pageNumber % BRANCH_PAGES, bytes)
  }
  const sums = new Uint32Array(LANES)
  for (const branch of all) {
    tree.readBranchLanes(branch, sums, 0)
    if (areLanesEqual(sums, 0, tops, branch * LANES)) continue
    throw new TreeChanged('the tree changed while it was loaded', { details: { branch } })
  }
  return tree
}

import type { BranchSet } from '@se/core'
import { DigestTree, type DigestTreeOptions, type TreeLeaf } from './digest-tree.ts'
import { checkSameBranches } from './differing-leaves.ts'
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
   * @throws InvalidInput on a branch or bucket that does not exist; nothing was added
   */
  add(deltas: readonly TreeLeaf[]): Promise<void>
}

/** A store in this process. */
export function memoryLeafStore(branches: BranchSet): LeafStore {
  const tree = new DigestTree(branches)
  return {
    ...treeSource(tree),
    async add(deltas) {
      for (const { branch, bucket } of deltas) tree.checkLeaf(branch, bucket)
      for (const { branch, bucket, sums } of deltas) tree.addToLeaf(branch, bucket, sums)
    },
  }
}

/**
 * Reads a whole tree.
 *
 * @param branches the set that the source's ids were counted under
 * @throws InvalidInput when the source has another branch set
 * @throws CorruptData when a page is none
 */
export async function loadTree(
  source: TreeSource,
  branches: BranchSet,
  options: DigestTreeOptions = {},
): Promise<DigestTree> {
  const { prefixes } = await source.readBranches()
  checkSameBranches(branches.prefixes, prefixes)
  const tree = new DigestTree(branches, options)
  const all = prefixes.map((_, branch) => branch)
  for (const { branch, page, bytes } of await source.readAllPages(all)) tree.setPage(branch, page, bytes)
  return tree
}

import { InvalidInput, type BranchSet, type LeafAddress } from '@se/core'
import { BRANCH_PAGES } from './branch-leaves.ts'
import type { DigestTree } from './digest-tree.ts'
import { areLanesEqual, LANES } from './lanes.ts'
import { PAGE_LEAVES } from './page.ts'

/**
 * The leaves in which two trees of this process differ, by branch and bucket. Costs O(branches + differences).
 *
 * @throws InvalidInput when the trees have different branch sets
 */
export function differingLeaves(a: DigestTree, b: DigestTree): LeafAddress[] {
  checkSameBranches(a.branches.prefixes, b.branches.prefixes)
  const lanesOfA = new Uint32Array(PAGE_LEAVES * LANES)
  const lanesOfB = new Uint32Array(PAGE_LEAVES * LANES)
  const differing: LeafAddress[] = []
  for (let branch = 0; branch < a.branches.prefixes.length; branch++) {
    a.readBranchLanes(branch, lanesOfA, 0)
    b.readBranchLanes(branch, lanesOfB, 0)
    if (areLanesEqual(lanesOfA, 0, lanesOfB, 0)) continue
    a.readPageSumLanes(branch, lanesOfA)
    b.readPageSumLanes(branch, lanesOfB)
    const pages: number[] = []
    for (let page = 0; page < BRANCH_PAGES; page++) {
      if (!areLanesEqual(lanesOfA, page * LANES, lanesOfB, page * LANES)) pages.push(page)
    }
    for (const page of pages) {
      a.readLeafLanes(branch, page, lanesOfA)
      b.readLeafLanes(branch, page, lanesOfB)
      for (let index = 0; index < PAGE_LEAVES; index++) {
        if (areLanesEqual(lanesOfA, index * LANES, lanesOfB, index * LANES)) continue
        differing.push({ branch, bucket: page * PAGE_LEAVES + index })
      }
    }
  }
  return differing
}

/** @throws InvalidInput when the prefixes differ: leaves of the two sides would not mean the same */
export function checkSameBranches(a: BranchSet['prefixes'], b: BranchSet['prefixes']): void {
  if (a.length === b.length && a.every((prefix, branch) => prefix === b[branch])) return
  throw new InvalidInput('branches', `differ: ${a.length} on one side, ${b.length} on the other`)
}

import { LEAF_BYTES } from './lanes.ts'
import { BRANCH_PAGES } from './branch-leaves.ts'

/**
 * How to read a branch whose sums differ.
 *
 * `walk` reads the sums of its pages, then the pages that differ: two round trips, 14 KB for one
 * difference. `whole` reads all its leaves at once: one round trip, up to 1.8 MB.
 */
export type BranchPlan = 'walk' | 'whole'

/** Up to here a leaf vector is read whole: about what the walk to one difference costs in a large branch. */
const WHOLE_BYTES_MAX = 16_384
/** A page costs its format byte and its bitmap, beside the leaves. */
const PAGE_OVERHEAD_BYTES = 33

/**
 * Takes the whole leaf vector where it is small, and where the item counts alone tell of so many differences
 * that the walk would meet most pages anyway.
 *
 * @param local sums of the branch as lanes at `at`
 * @param remote likewise
 * @param wholeFromGap difference of the item counts from which the whole vector is read
 */
export function planBranch(
  local: Uint32Array,
  remote: Uint32Array,
  at: number,
  wholeFromGap: number,
): BranchPlan {
  const gap = (remote[at]! - local[at]!) | 0
  if (Math.abs(gap) >= wholeFromGap) return 'whole'
  const items = remote[at]!
  const wholeBytesMax = items * LEAF_BYTES + Math.min(items, BRANCH_PAGES) * PAGE_OVERHEAD_BYTES
  return wholeBytesMax <= WHOLE_BYTES_MAX ? 'whole' : 'walk'
}

/** Cuts a list into runs of at most `runMax`, so that no answer grows without bound. */
export function runsOf<T>(list: readonly T[], runMax: number): (readonly T[])[] {
  const runs: (readonly T[])[] = []
  for (let start = 0; start < list.length; start += runMax) runs.push(list.slice(start, start + runMax))
  return runs
}

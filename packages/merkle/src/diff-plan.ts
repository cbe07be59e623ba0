import { LEAF_BYTES } from './lanes.ts'
import { BRANCH_LEAVES, BRANCH_PAGES } from './branch-leaves.ts'

/**
 * How to read a branch whose sums differ.
 *
 * `walk` reads the sums of its pages, then the pages that differ: two round trips, 14 KB for one
 * difference. `whole` reads all its leaves at once: one round trip, up to 1.8 MB.
 */
export type BranchPlan = 'walk' | 'whole'

/** Default of {@link planBranch}'s `wholeFromGap`: 256 differences touch two pages of three. */
export const WHOLE_FROM_GAP = 256
/** A page costs its format byte and its bitmap, beside the leaves. */
const PAGE_OVERHEAD_BYTES = 33

/**
 * Takes the whole leaf vector where the walk would read as much: when the branch is small, or when its
 * item counts alone tell of many differences.
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
  return wholeBytes(remote[at]!) <= walkBytes(remote[at]!) ? 'whole' : 'walk'
}

/** Most bytes that the leaf vector of so many items takes. */
function wholeBytes(items: number): number {
  return Math.min(items, BRANCH_LEAVES) * LEAF_BYTES + Math.min(items, BRANCH_PAGES) * PAGE_OVERHEAD_BYTES
}

/** About the bytes that the walk to one difference takes. */
function walkBytes(items: number): number {
  const pageLeaves = Math.min(items, BRANCH_LEAVES) / BRANCH_PAGES
  return Math.min(items, BRANCH_PAGES) * LEAF_BYTES + pageLeaves * LEAF_BYTES + 2 * PAGE_OVERHEAD_BYTES
}

/** Cuts a list into runs of at most `runMax`, so that no answer grows without bound. */
export function runsOf<T>(list: readonly T[], runMax: number): (readonly T[])[] {
  const runs: (readonly T[])[] = []
  for (let start = 0; start < list.length; start += runMax) runs.push(list.slice(start, start + runMax))
  return runs
}

import type { LeafAddress } from '@se/core'
import { checkCount, lanesOfBranches, pagesByAddress } from './answers.ts'
import { BRANCH_PAGES } from './branch-leaves.ts'
import { planBranch, runsOf } from './diff-plan.ts'
import { checkSameBranches } from './differing-leaves.ts'
import { addLanes, areLanesEqual, areLanesZero, LANES } from './lanes.ts'
import { DIFF_FIELDS, readOptions, type DiffOptions } from './options.ts'
import { decodePageLanes, PAGE_LEAVES } from './page.ts'
import { TreeChanged } from './tree-changed.ts'
import type { PageAddress, TreeSource } from './tree-source.ts'

/** Leaves in which two trees differ, by branch and bucket, as the local side sees them. */
export interface TreeDiff {
  /** Empty here, not there. */
  readonly missing: readonly LeafAddress[]
  /** Not empty here, empty there. */
  readonly extra: readonly LeafAddress[]
  /** Not empty on either side, and not equal. */
  readonly different: readonly LeafAddress[]
  /** Round trips to the remote side, one after the other; calls made at the same time count as one. */
  readonly roundTrips: number
  /** Bytes of sums and pages that the remote side answered. */
  readonly remoteBytes: number
}

/** Pages asked for in one round trip: at most 7.4 MB of answer. */
const PAGES_PER_TRIP = 1_024
/** Branches asked for whole in one round trip: the same. */
const WHOLE_BRANCHES_PER_TRIP = PAGES_PER_TRIP / BRANCH_PAGES
const PAGE_LANES = PAGE_LEAVES * LANES

/**
 * Finds the leaves in which two trees differ: one round trip when they are equal, two or three when not,
 * and more only where over four branches are read whole or over 1,024 pages differ. The cost follows the differences, not the sets.
 *
 * @throws InvalidInput when the sides have different branch sets, or for an option that is none
 * @throws TreeChanged when a side changed meanwhile; ask again
 * @throws CorruptData when an answer is no page, or not what was asked for
 */
export async function diff(
  local: TreeSource,
  remote: TreeSource,
  options: DiffOptions = {},
): Promise<TreeDiff> {
  const { wholeFromGap } = readOptions(options, DIFF_FIELDS)
  const [ours, theirs] = await Promise.all([local.readBranches(), remote.readBranches()])
  const tops: Pair = { local: lanesOfBranches(ours, 'local'), remote: lanesOfBranches(theirs, 'remote') }
  checkSameBranches(ours.prefixes, theirs.prefixes)
  const walked: number[] = []
  const whole: number[] = []
  for (let branch = 0; branch < ours.prefixes.length; branch++) {
    const at = branch * LANES
    if (areLanesEqual(tops.local, at, tops.remote, at)) continue
    const plan = planBranch(tops.local, tops.remote, at, wholeFromGap)
    if (plan === 'walk') walked.push(branch)
    else whole.push(branch)
  }

  const found: Found = { missing: [], extra: [], different: [] }
  const costs = await Promise.all([
    walk(local, remote, walked, tops, found),
    readWhole(local, remote, whole, tops, found),
  ])
  return {
    missing: found.missing.sort(byAddress),
    extra: found.extra.sort(byAddress),
    different: found.different.sort(byAddress),
    roundTrips: 1 + Math.max(...costs.map((cost) => cost.roundTrips)),
    remoteBytes: theirs.sums.length + costs.reduce((sum, cost) => sum + cost.remoteBytes, 0),
  }
}

/** Reads page sums, then the pages that differ. */
async function walk(
  local: TreeSource,
  remote: TreeSource,
  branches: readonly number[],
  tops: Pair,
  found: Found,
): Promise<Cost> {
  const cost = { roundTrips: 0, remoteBytes: 0 }
  if (branches.length === 0) return cost
  const [ours, theirs] = await Promise.all([local.readPageSums(branches), remote.readPageSums(branches)])
  cost.roundTrips++
  checkCount(ours, branches.length, 'local')
  checkCount(theirs, branches.length, 'remote')
  cost.remoteBytes += lengthOf(theirs)
  const differing: { address: PageAddress; sums: Pair }[] = []
  for (const [index, branch] of branches.entries()) {
    const pages = decodeBoth(ours[index], theirs[index])
    checkSumsAddUp(pages, tops, branch * LANES)
    for (let page = 0; page < BRANCH_PAGES; page++) {
      const at = page * LANES
      if (areLanesEqual(pages.local, at, pages.remote, at)) continue
      const sums = { local: pages.local.slice(at, at + LANES), remote: pages.remote.slice(at, at + LANES) }
      differing.push({ address: { branch, page }, sums })
    }
  }
  for (const run of runsOf(differing, PAGES_PER_TRIP)) {
    const addresses = run.map(({ address }) => address)
    const [ourPages, theirPages] = await Promise.all([
      local.readPages(addresses),
      remote.readPages(addresses),
    ])
    cost.roundTrips++
    checkCount(ourPages, run.length, 'local')
    checkCount(theirPages, run.length, 'remote')
    cost.remoteBytes += lengthOf(theirPages)
    for (const [index, { address, sums }] of run.entries()) {
      const leaves = decodeBoth(ourPages[index], theirPages[index])
      checkSumsAddUp(leaves, sums, 0)
      compareLeaves(leaves, address, found)
    }
  }
  return cost
}

/** Reads all leaves of the branches. */
async function readWhole(
  local: TreeSource,
  remote: TreeSource,
  branches: readonly number[],
  tops: Pair,
  found: Found,
): Promise<Cost> {
  const cost = { roundTrips: 0, remoteBytes: 0 }
  for (const run of runsOf(branches, WHOLE_BRANCHES_PER_TRIP)) {
    const [ours, theirs] = await Promise.all([local.readAllPages(run), remote.readAllPages(run)])
    cost.roundTrips++
    const ourPages = pagesByAddress(ours, run, 'local')
    const theirPages = pagesByAddress(theirs, run, 'remote')
    cost.remoteBytes += lengthOf([...theirPages.values()])
    for (const branch of run) {
      const sums: Pair = { local: new Uint32Array(LANES), remote: new Uint32Array(LANES) }
      for (let page = 0; page < BRANCH_PAGES; page++) {
        const pageNumber = branch * BRANCH_PAGES + page
        const leaves = decodeBoth(ourPages.get(pageNumber), theirPages.get(pageNumber))
        addUp(leaves.local, sums.local)
        addUp(leaves.remote, sums.remote)
        compareLeaves(leaves, { branch, page }, found)
      }
      checkEqualSums(sums, tops, branch * LANES)
    }
  }
  return cost
}

/** The same thing of both sides, as lanes. */
interface Pair {
  readonly local: Uint32Array
  readonly remote: Uint32Array
}

interface Cost {
  readonly roundTrips: number
  readonly remoteBytes: number
}

interface Found {
  readonly missing: LeafAddress[]
  readonly extra: LeafAddress[]
  readonly different: LeafAddress[]
}

function compareLeaves({ local, remote }: Pair, { branch, page }: PageAddress, found: Found): void {
  for (let index = 0; index < PAGE_LEAVES; index++) {
    const at = index * LANES
    if (areLanesEqual(local, at, remote, at)) continue
    const address = { branch, bucket: page * PAGE_LEAVES + index }
    if (areLanesZero(local, at)) found.missing.push(address)
    else if (areLanesZero(remote, at)) found.extra.push(address)
    else found.different.push(address)
  }
}

function decodeBoth(local: Uint8Array | undefined, remote: Uint8Array | undefined): Pair {
  return { local: decodeSide(local), remote: decodeSide(remote) }
}

function decodeSide(bytes: Uint8Array | undefined): Uint32Array {
  const lanes = new Uint32Array(PAGE_LANES)
  if (bytes !== undefined) decodePageLanes(bytes, lanes, 0)
  return lanes
}

/** @throws TreeChanged unless the 256 nodes of each side add up to its parent at `parents[at…]` */
function checkSumsAddUp(children: Pair, parents: Pair, at: number): void {
  const sums: Pair = { local: new Uint32Array(LANES), remote: new Uint32Array(LANES) }
  addUp(children.local, sums.local)
  addUp(children.remote, sums.remote)
  checkEqualSums(sums, parents, at)
}

function checkEqualSums(sums: Pair, parents: Pair, at: number): void {
  for (const side of ['local', 'remote'] as const) {
    if (areLanesEqual(sums[side], 0, parents[side], at)) continue
    throw new TreeChanged(`the ${side} tree changed while it was compared`, { details: { side } })
  }
}

function addUp(nodes: Uint32Array, sums: Uint32Array): void {
  for (let at = 0; at < PAGE_LANES; at += LANES) addLanes(sums, 0, nodes, at)
}

function lengthOf(pages: readonly (Uint8Array | undefined)[]): number {
  return pages.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0)
}

function byAddress(a: LeafAddress, b: LeafAddress): number {
  return a.branch - b.branch || a.bucket - b.bucket
}

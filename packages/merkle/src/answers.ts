/** The first look at what a side answered: it may be behind HTTP, and of any form. */
import { CorruptData, type StoredTreePage } from '@se/core'
import { BRANCH_PAGES } from './branch-leaves.ts'
import { decodeLanes, LANES, LEAF_BYTES } from './lanes.ts'
import type { BranchSums } from './tree-source.ts'

/** @throws CorruptData unless there are sums of each branch */
export function lanesOfBranches(answer: BranchSums, side: string): Uint32Array {
  const { prefixes, sums } = (answer as Partial<BranchSums> | undefined) ?? {}
  if (!Array.isArray(prefixes) || !(sums instanceof Uint8Array)) {
    throw new CorruptData(`${side} branch sums: must be prefixes and a Uint8Array of sums`)
  }
  const expected = prefixes.length * LEAF_BYTES
  if (sums.length !== expected) {
    throw new CorruptData(`${side} branch sums: ${sums.length} bytes, must have ${expected}`, {
      details: { limit: expected, actual: sums.length },
    })
  }
  const lanes = new Uint32Array(prefixes.length * LANES)
  for (let branch = 0; branch < prefixes.length; branch++) {
    decodeLanes(sums, branch * LEAF_BYTES, lanes, branch * LANES)
  }
  return lanes
}

/** @throws CorruptData unless there is one entry, empty or bytes, for each thing asked for */
export function checkCount(answers: readonly unknown[], expected: number, side: string): void {
  checkList(answers, side)
  if (answers.length === expected) return
  throw new CorruptData(`${side} answer: ${answers.length} entries, ${expected} were asked for`, {
    details: { limit: expected, actual: answers.length },
  })
}

/**
 * Pages by `branch * 256 + page`.
 *
 * @param branches those asked for
 * @throws CorruptData on a page of another branch, out of range, or given twice
 */
export function pagesByAddress(
  pages: readonly StoredTreePage[],
  branches: readonly number[],
  side: string,
): Map<number, Uint8Array> {
  checkList(pages, side)
  const byAddress = new Map<number, Uint8Array>()
  for (const answer of pages) {
    const { branch, page, bytes } = (answer as StoredTreePage | null) ?? NO_PAGE
    const pageNumber = branch * BRANCH_PAGES + page
    const isAsked = branches.includes(branch) && Number.isInteger(page) && page >= 0 && page < BRANCH_PAGES
    if (!isAsked || byAddress.has(pageNumber)) {
      throw new CorruptData(
        `${side} pages: page ${page} of branch ${branch} was not asked for, or came twice`,
        { details: { branch, page } },
      )
    }
    if (!(bytes instanceof Uint8Array)) {
      throw new CorruptData(`${side} pages: page ${page} of branch ${branch} is no Uint8Array`, {
        details: { branch, page },
      })
    }
    byAddress.set(pageNumber, bytes)
  }
  return byAddress
}

const NO_PAGE = { branch: -1, page: -1, bytes: undefined }

function checkList(answers: readonly unknown[], side: string): void {
  if (!Array.isArray(answers)) throw new CorruptData(`${side} answer: must be a list`)
}

import {
  checkBranchSet,
  INSPECT,
  inspectAs,
  InvalidInput,
  type BranchSet,
  type Inspector,
  type LeafAddress,
  type StoredTreePage,
} from '@se/core'
import { bucketOf, hashId, type HashWords } from '@se/core/hash'
import { sha256 as defaultSha256 } from '#sha256'
import { BRANCH_LEAVES, BRANCH_PAGES, BranchLeaves } from './branch-leaves.ts'
import { addLanes, areLanesZero, encodeLanes, LANES, LEAF_BYTES, subtractLanes, sumLanes } from './lanes.ts'
import { isEmptyLeaf, lanesOfLeaf, leafOfLanes, type LeafSums } from './leaf.ts'
import { readOptions, TREE_FIELDS, type DigestTreeOptions } from './options.ts'
import { decodePageLanes, encodePageLanes, PAGE_LEAVES } from './page.ts'
import type { Sha256 } from './sha256.ts'
import { checkEntry, deltaLanes, type IdHash, type TreeEntry } from './tree-entry.ts'

/** A leaf with something in it. */
export interface TreeLeaf extends LeafAddress {
  readonly sums: LeafSums
}

/**
 * The additive digest tree over a keyed set: leaves by (branch, bucket), 256 leaves a page, 256 pages a
 * branch; each node is the sum of what is below it.
 *
 * Changes may be applied in any order and by any number of writers, also a delete before its insert: equal
 * sets of changes give equal trees, bit for bit. An update and a root cost O(1), for any shape of the
 * ids. A branch takes 7 KiB and 28 bytes a leaf while it is small, 1.8 MB from 8,192 leaves on.
 */
export class DigestTree {
  readonly branches: BranchSet
  readonly #idHash: IdHash
  readonly #sha256: Sha256
  /** By branch number; `undefined` until something is added. */
  readonly #byBranch: (BranchLeaves | undefined)[]
  readonly #total: Uint32Array = new Uint32Array(LANES)

  /** @throws InvalidInput for an option that is none, or a list in the place of a branch set */
  constructor(branches: BranchSet, options: DigestTreeOptions = {}) {
    checkBranchSet(branches)
    this.branches = branches
    const { idHash, sha256 } = readOptions(options, TREE_FIELDS)
    this.#idHash = idHash ?? hashId
    this.#sha256 = sha256 ?? defaultSha256
    this.#byBranch = branches.prefixes.map(() => undefined)
  }

  /**
   * Adds what each entry changes. All or nothing.
   *
   * @throws InvalidInput when an id is no string or a digest is not 16 bytes; the tree is as before
   */
  apply(entries: Iterable<TreeEntry>): void {
    const list = Array.isArray(entries) ? (entries as readonly TreeEntry[]) : [...entries]
    for (let index = 0; index < list.length; index++) checkEntry(list[index]!)
    for (let start = 0; start < list.length; start += RUN) {
      this.#applyRun(list, start, Math.min(list.length, start + RUN))
    }
  }

  /**
   * Adds a delta to one leaf, for example that of {@link leafDelta}.
   *
   * @throws InvalidInput when the tree has no such leaf or the sums are none; the tree is as before
   */
  addToLeaf(branch: number, bucket: number, sums: LeafSums): void {
    this.checkLeaf(branch, bucket)
    lanesOfLeaf(sums, delta, 0)
    this.#add(branch, bucket, delta, 0)
  }

  /**
   * Replaces the 256 leaves of a page.
   *
   * @param page leaf bucket >> 8, 0 … 255
   * @param bytes encoded page; `undefined`: all leaves empty
   * @throws CorruptData when the bytes are no page; the tree is as before
   */
  setPage(branch: number, page: number, bytes: Uint8Array | undefined): void {
    this.#checkPage(branch, page)
    const lanes = new Uint32Array(PAGE_LEAVES * LANES)
    if (bytes !== undefined) decodePageLanes(bytes, lanes, 0)
    const leaves = this.#leavesOf(branch)
    const before = leaves.total.slice()
    leaves.writePage(page, lanes)
    subtractLanes(this.#total, 0, before, 0)
    addLanes(this.#total, 0, leaves.total, 0)
  }

  /** The encoded page; `undefined` when all its leaves are empty. */
  page(branch: number, page: number): Uint8Array | undefined {
    this.#checkPage(branch, page)
    const leaves = this.#byBranch[branch]
    if (leaves?.isTouched(page) !== true) return undefined
    leaves.readPage(page, pageScratch, 0)
    return encodePageLanes(pageScratch, 0)
  }

  /**
   * The pages that are not empty, by branch and page.
   *
   * @param only one branch's; default: all
   */
  *pages(only?: number): Generator<StoredTreePage> {
    if (only !== undefined) this.#checkPage(only, 0)
    for (const [branch, leaves] of this.#byBranch.entries()) {
      if (leaves === undefined || (only !== undefined && only !== branch)) continue
      for (let page = 0; page < BRANCH_PAGES; page++) {
        const bytes = this.page(branch, page)
        if (bytes !== undefined) yield { branch, page, bytes }
      }
    }
  }

  /** Items in the tree, mod 2^32. */
  get count(): number {
    return this.#total[0]!
  }

  /** Sum of the first 64 bits of the id hashes, mod 2^64: what a filter over the same ids must carry. */
  get membership(): bigint {
    return this.rootSums().membership
  }

  rootSums(): LeafSums {
    return leafOfLanes(this.#total, 0)
  }

  /** SHA-256 of the root's encoded sums, 64 hex digits; the empty tree has one too. O(1). */
  root(): string {
    return this.#rootOf(this.#total)
  }

  /**
   * Sums of one branch, and their SHA-256 as 64 hex digits.
   *
   * @param name a prefix of the branch set; `''` is the default branch
   * @throws InvalidInput when the set has no such prefix
   */
  branch(name: string): { readonly sums: LeafSums; readonly root: string } {
    const branch = this.branches.prefixes.indexOf(name)
    if (branch < 0) throw new InvalidInput('name', 'is no branch of this tree')
    const lanes = this.#byBranch[branch]?.total ?? new Uint32Array(LANES)
    return { sums: leafOfLanes(lanes, 0), root: this.#rootOf(lanes) }
  }

  leaf(branch: number, bucket: number): LeafSums {
    this.checkLeaf(branch, bucket)
    delta.fill(0)
    this.#byBranch[branch]?.read(bucket, delta, 0)
    return leafOfLanes(delta, 0)
  }

  /**
   * The leaves that are not empty, by branch and bucket. Do not change the tree meanwhile.
   *
   * @param fromBucket first bucket wanted, a multiple of 256; default 0
   * @param toBucket end of the buckets wanted, a multiple of 256; default 65536. A stripe of the cache is
   *   `[stripe * 1024, (stripe + 1) * 1024)`
   * @throws InvalidInput when a bound is not a whole page or out of range
   */
  *leaves(fromBucket = 0, toBucket = BRANCH_LEAVES): Generator<TreeLeaf> {
    checkBelow(fromBucket / PAGE_LEAVES, BRANCH_PAGES + 1, 'fromBucket / 256')
    checkBelow(toBucket / PAGE_LEAVES, BRANCH_PAGES + 1, 'toBucket / 256')
    const lanes = new Uint32Array(PAGE_LEAVES * LANES)
    for (const [branch, leaves] of this.#byBranch.entries()) {
      if (leaves === undefined) continue
      for (let first = fromBucket; first < toBucket; first += PAGE_LEAVES) {
        if (!leaves.isTouched(first >>> 8)) continue
        leaves.readPage(first >>> 8, lanes, 0)
        for (let index = 0; index < PAGE_LEAVES; index++) {
          if (areLanesZero(lanes, index * LANES)) continue
          yield { branch, bucket: first + index, sums: leafOfLanes(lanes, index * LANES) }
        }
      }
    }
  }

  clone(): DigestTree {
    const copy = new DigestTree(this.branches, { idHash: this.#idHash, sha256: this.#sha256 })
    copy.#total.set(this.#total)
    for (const [branch, leaves] of this.#byBranch.entries()) copy.#byBranch[branch] = leaves?.clone()
    return copy
  }

  /** Its figures, and those of each branch that holds something. Sums are text, in decimal digits. */
  toJSON(): Record<string, unknown> {
    const branches = this.branches.prefixes.map((name) => ({ name, ...this.branch(name) }))
    return {
      count: this.count,
      membership: String(this.membership),
      root: this.root(),
      branches: branches
        .filter(({ sums }) => !isEmptyLeaf(sums))
        .map(({ name, sums: { count }, root }) => ({ name, count, root })),
    }
  }

  [INSPECT](depth: number | null, options: object, inspector: Inspector): string {
    return inspectAs(
      'DigestTree',
      { ...this.toJSON(), membership: this.membership },
      depth,
      options,
      inspector,
    )
  }

  /** @throws InvalidInput when the tree has no such branch or bucket */
  checkLeaf(branch: number, bucket: number): void {
    checkBelow(branch, this.#byBranch.length, 'branch')
    checkBelow(bucket, BRANCH_LEAVES, 'bucket')
  }

  /** Copies a branch's sums as lanes to `out[at…]`. For the walk, which compares lanes. @internal */
  readBranchLanes(branch: number, out: Uint32Array, at: number): void {
    const total = this.#byBranch[branch]?.total
    if (total === undefined) out.fill(0, at, at + LANES)
    else out.set(total, at)
  }

  /** Copies the sums of a branch's 256 pages as lanes to `out[0…]`. @internal */
  readPageSumLanes(branch: number, out: Uint32Array): void {
    const pages = this.#byBranch[branch]?.pages
    if (pages === undefined) out.fill(0, 0, BRANCH_PAGES * LANES)
    else out.set(pages)
  }

  /** Copies the 256 leaves of a page as lanes to `out[0…]`. @internal */
  readLeafLanes(branch: number, page: number, out: Uint32Array): void {
    const leaves = this.#byBranch[branch]
    if (leaves === undefined) out.fill(0, 0, PAGE_LEAVES * LANES)
    else leaves.readPage(page, out, 0)
  }

  /**
   * Applies `list[start…end)`, at most {@link RUN} entries, step by step instead of entry by entry. Leaves lie at
   * random places in memory; a loop that does little else lets the processor wait for many of them at once,
   * which takes 40 % off the whole. Above the pages a run that lies in one branch is one sum.
   */
  #applyRun(list: readonly TreeEntry[], start: number, end: number): void {
    const length = end - start
    let leavesDiffer = 0
    for (let index = 0; index < length; index++) {
      const entry = list[start + index]!
      const hash = this.#idHash(entry.id, words)
      deltaLanes(entry, hash, runDeltas, index * LANES)
      runLeaves[index] = this.branches.branchOf(entry.id) * BRANCH_LEAVES + bucketOf(hash)
      leavesDiffer |= runLeaves[index]! ^ runLeaves[0]!
    }
    this.#addRun(length, leavesDiffer >>> 16 === 0)
  }

  /** Adds the run's deltas. By itself, because together the two exceed what V8 inlines into one function. */
  #addRun(length: number, isOneBranch: boolean): void {
    let near = 0
    for (let index = 0; index < length; index++) {
      const leaf = runLeaves[index]!
      near += this.#leavesOf(leaf >>> 16).prefetch(leaf & 0xffff)
    }
    prefetched[0] = near
    for (let index = 0; index < length; index++) {
      const leaf = runLeaves[index]!
      this.#leavesOf(leaf >>> 16).addToLeaf(leaf & 0xffff, runDeltas, index * LANES)
    }
    for (let index = 0; index < length; index++) {
      const leaf = runLeaves[index]!
      const leaves = this.#leavesOf(leaf >>> 16)
      leaves.addToPage(leaf & 0xffff, runDeltas, index * LANES)
      if (!isOneBranch) addLanes(leaves.total, 0, runDeltas, index * LANES)
    }
    sumLanes(runDeltas, length, delta)
    if (isOneBranch) addLanes(this.#leavesOf(runLeaves[0]! >>> 16).total, 0, delta, 0)
    addLanes(this.#total, 0, delta, 0)
  }

  #add(branch: number, bucket: number, lanes: Uint32Array, from: number): void {
    this.#leavesOf(branch).add(bucket, lanes, from)
    addLanes(this.#total, 0, lanes, from)
  }

  #leavesOf(branch: number): BranchLeaves {
    return (this.#byBranch[branch] ??= new BranchLeaves())
  }

  #rootOf(lanes: Uint32Array): string {
    const bytes = new Uint8Array(LEAF_BYTES)
    encodeLanes(lanes, 0, bytes, 0)
    const hash = this.#sha256(bytes)
    let root = ''
    for (let index = 0; index < hash.length; index++) root += HEX[hash.charCodeAt(index)]!
    return root
  }

  #checkPage(branch: number, page: number): void {
    checkBelow(branch, this.#byBranch.length, 'branch')
    checkBelow(page, BRANCH_PAGES, 'page')
  }
}

/** @throws InvalidInput unless the value is an integer in [0, limit) */
function checkBelow(value: number, limit: number, field: string): void {
  if (Number.isInteger(value) && value >= 0 && value < limit) return
  throw new InvalidInput(field, `is ${value}, must be an integer from 0 to ${limit - 1}`, {
    limit: limit - 1,
    actual: value,
  })
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
/** Entries of one run: enough to overlap their memory accesses, few enough to stay in the first cache. */
const RUN = 64
const runLeaves = new Uint32Array(RUN)
const runDeltas = new Uint32Array(RUN * LANES)
/** Where prefetched words go, so that reading them is not optimised away. */
const prefetched = new Uint32Array(1)
const words: HashWords = new Uint32Array(4)
const delta = new Uint32Array(LANES)
const pageScratch = new Uint32Array(PAGE_LEAVES * LANES)

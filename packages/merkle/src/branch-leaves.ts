import { addLanes, areLanesZero, LANES, subtractLanes } from './lanes.ts'
import { PAGE_LEAVES } from './page.ts'

/** Leaves of one branch. */
export const BRANCH_LEAVES = 65_536
/** Pages of one branch. */
export const BRANCH_PAGES = 256
/**
 * Above this many touched leaves the branch gives each leaf its fixed place (1.8 MB); below, leaves lie in
 * order of their first touch, and a map says where.
 */
const SPARSE_LEAVES_MAX = 8_192

/**
 * The leaves of one branch as lanes, with the sums of its pages and of the whole kept beside them, so that
 * each level of the tree is there to be read without adding anything up.
 */
export class BranchLeaves {
  /** Sums of the branch. */
  readonly total: Uint32Array = new Uint32Array(LANES)
  /** Sums of the 256 pages. */
  readonly pages: Uint32Array = new Uint32Array(BRANCH_PAGES * LANES)
  /** By page, 1 once a leaf of it was added to; others need not be looked at. */
  readonly #touched: Uint8Array = new Uint8Array(BRANCH_PAGES)
  /** Place by bucket; `undefined` once each leaf has its fixed place. */
  #places: Map<number, number> | undefined = new Map()
  #lanes: Uint32Array = new Uint32Array(16 * LANES)

  /** Adds the lanes at `delta[from…]` to a leaf, its page and the branch. */
  add(bucket: number, delta: Uint32Array, from: number): void {
    this.addToLeaf(bucket, delta, from)
    this.addToPage(bucket, delta, from)
    addLanes(this.total, 0, delta, from)
  }

  /** The first third of {@link add}. */
  addToLeaf(bucket: number, delta: Uint32Array, from: number): void {
    // The place first: finding it may replace the lanes by a larger array.
    const at = this.#placeFor(bucket)
    addLanes(this.#lanes, at, delta, from)
  }

  /** The second third of {@link add}; the last one is to add to `total`. */
  addToPage(bucket: number, delta: Uint32Array, from: number): void {
    const page = bucket >>> 8
    this.#touched[page] = 1
    addLanes(this.pages, page * LANES, delta, from)
  }

  /** Reads one word of a leaf, so that it is near when it is added to; 0 while leaves have no fixed place. */
  prefetch(bucket: number): number {
    return this.#places === undefined ? this.#lanes[bucket * LANES]! : 0
  }

  /** Copies a leaf's lanes to `out[at…]`; zeros for an empty one. */
  read(bucket: number, out: Uint32Array, at: number): void {
    const place = this.#places === undefined ? bucket * LANES : this.#places.get(bucket)
    for (let lane = 0; lane < LANES; lane++)
      out[at + lane] = place === undefined ? 0 : this.#lanes[place + lane]!
  }

  /** Whether a leaf of the page was ever added to; if not, all of them are empty. */
  isTouched(page: number): boolean {
    return this.#touched[page] === 1
  }

  /** Copies the 256 leaves of a page to `out[at…]`. */
  readPage(page: number, out: Uint32Array, at: number): void {
    const first = page * PAGE_LEAVES
    if (!this.isTouched(page)) {
      out.fill(0, at, at + PAGE_LEAVES * LANES)
    } else if (this.#places === undefined) {
      out.set(this.#lanes.subarray(first * LANES, (first + PAGE_LEAVES) * LANES), at)
    } else {
      for (let index = 0; index < PAGE_LEAVES; index++) this.read(first + index, out, at + index * LANES)
    }
  }

  /** Replaces the 256 leaves of a page by those at `lanes[0…]`. */
  writePage(page: number, lanes: Uint32Array): void {
    const before = new Uint32Array(LANES)
    const delta = new Uint32Array(LANES)
    for (let index = 0; index < PAGE_LEAVES; index++) {
      const bucket = page * PAGE_LEAVES + index
      this.read(bucket, before, 0)
      delta.set(lanes.subarray(index * LANES, (index + 1) * LANES))
      subtractLanes(delta, 0, before, 0)
      if (!areLanesZero(delta, 0)) this.add(bucket, delta, 0)
    }
  }

  clone(): BranchLeaves {
    const copy = new BranchLeaves()
    copy.total.set(this.total)
    copy.pages.set(this.pages)
    copy.#touched.set(this.#touched)
    copy.#places = this.#places === undefined ? undefined : new Map(this.#places)
    copy.#lanes = this.#lanes.slice()
    return copy
  }

  #placeFor(bucket: number): number {
    if (this.#places === undefined) return bucket * LANES
    const known = this.#places.get(bucket)
    if (known !== undefined) return known
    if (this.#places.size === SPARSE_LEAVES_MAX) return this.#spread(bucket)
    const place = this.#places.size * LANES
    if (place === this.#lanes.length) {
      const larger = new Uint32Array(this.#lanes.length * 2)
      larger.set(this.#lanes)
      this.#lanes = larger
    }
    this.#places.set(bucket, place)
    return place
  }

  /** Gives each leaf its fixed place. */
  #spread(bucket: number): number {
    const spread = new Uint32Array(BRANCH_LEAVES * LANES)
    for (const [taken, place] of this.#places ?? []) {
      spread.set(this.#lanes.subarray(place, place + LANES), taken * LANES)
    }
    this.#lanes = spread
    this.#places = undefined
    return bucket * LANES
  }
}

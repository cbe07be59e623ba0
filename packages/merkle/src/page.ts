import { CorruptData, InvalidInput } from '@se/core'
import { areLanesZero, decodeLanes, encodeLanes, LANES, LEAF_BYTES } from './lanes.ts'
import { lanesOfLeaf, leafOfLanes, type LeafSums } from './leaf.ts'

/** Version of the page format, its first byte. See docs/formats/tree-page.md. */
export const PAGE_FORMAT = 1
/** Leaves of one page, and pages of one branch. */
export const PAGE_LEAVES = 256
const BITMAP_AT = 1
const BITMAP_BYTES = 32
const LEAVES_AT = BITMAP_AT + BITMAP_BYTES
/** Bytes of a page with all 256 leaves. */
export const PAGE_BYTES_MAX = LEAVES_AT + PAGE_LEAVES * LEAF_BYTES

/** A non-empty leaf of a page. */
export interface PageLeaf {
  /** Place in the page, 0 … 255: the leaf's bucket & 255. */
  readonly index: number
  readonly sums: LeafSums
}

/**
 * One byte of format, a bitmap of the leaves that are not empty, and those leaves, 28 bytes each. The form
 * is canonical: equal leaves give equal bytes.
 *
 * @param leaves in any order; empty ones may be given and are left out
 * @returns `undefined` when all leaves are empty
 * @throws InvalidInput when an index is out of range or sums are none
 */
export function encodePage(leaves: Iterable<PageLeaf>): Uint8Array | undefined {
  const lanes = new Uint32Array(PAGE_LEAVES * LANES)
  for (const { index, sums } of leaves) {
    if (!(Number.isInteger(index) && index >= 0 && index < PAGE_LEAVES)) {
      throw new InvalidInput('index', `is ${index}, must be an integer from 0 to ${PAGE_LEAVES - 1}`, {
        limit: PAGE_LEAVES - 1,
        actual: index,
      })
    }
    lanesOfLeaf(sums, lanes, index * LANES)
  }
  return encodePageLanes(lanes, 0)
}

/**
 * The inverse of {@link encodePage}: the non-empty leaves, by index.
 *
 * @throws CorruptData when the bytes are of another format or length, or hold an empty leaf
 */
export function decodePage(bytes: Uint8Array): PageLeaf[] {
  const lanes = new Uint32Array(PAGE_LEAVES * LANES)
  decodePageLanes(bytes, lanes, 0)
  const leaves: PageLeaf[] = []
  for (let index = 0; index < PAGE_LEAVES; index++) {
    if (!areLanesZero(lanes, index * LANES)) leaves.push({ index, sums: leafOfLanes(lanes, index * LANES) })
  }
  return leaves
}

/** Encodes the 256 leaves at `lanes[at…]`; `undefined` when all are empty. */
export function encodePageLanes(lanes: Uint32Array, at: number): Uint8Array | undefined {
  const bytes = new Uint8Array(PAGE_BYTES_MAX)
  let end = LEAVES_AT
  for (let index = 0; index < PAGE_LEAVES; index++) {
    const leafAt = at + index * LANES
    if (areLanesZero(lanes, leafAt)) continue
    bytes[BITMAP_AT + (index >> 3)]! |= 0x80 >> (index & 7)
    encodeLanes(lanes, leafAt, bytes, end)
    end += LEAF_BYTES
  }
  if (end === LEAVES_AT) return undefined
  bytes[0] = PAGE_FORMAT
  return bytes.slice(0, end)
}

/**
 * Decodes a page into the 256 leaves at `lanes[at…]`, which must be zero.
 *
 * @throws CorruptData when the bytes are of another format or length, or hold an empty leaf
 */
export function decodePageLanes(bytes: Uint8Array, lanes: Uint32Array, at: number): void {
  if (!(bytes instanceof Uint8Array)) throw new CorruptData('tree page: is no Uint8Array')
  if (bytes.length < LEAVES_AT) {
    throw new CorruptData(`tree page: ${bytes.length} bytes, must have at least ${LEAVES_AT}`, {
      details: { limit: LEAVES_AT, actual: bytes.length },
    })
  }
  if (bytes[0] !== PAGE_FORMAT) {
    throw new CorruptData(`tree page: format ${bytes[0]}, must be ${PAGE_FORMAT}`, {
      details: { limit: PAGE_FORMAT, actual: bytes[0] },
    })
  }
  let leafCount = 0
  for (let index = BITMAP_AT; index < LEAVES_AT; index++) {
    for (let bits = bytes[index]!; bits !== 0; bits &= bits - 1) leafCount++
  }
  const expected = LEAVES_AT + leafCount * LEAF_BYTES
  if (leafCount === 0 || bytes.length !== expected) {
    throw new CorruptData(`tree page: ${bytes.length} bytes for ${leafCount} leaves, must have ${expected}`, {
      details: { limit: expected, actual: bytes.length, leafCount },
    })
  }
  let from = LEAVES_AT
  for (let index = 0; index < PAGE_LEAVES; index++) {
    if ((bytes[BITMAP_AT + (index >> 3)]! & (0x80 >> (index & 7))) === 0) continue
    const leafAt = at + index * LANES
    decodeLanes(bytes, from, lanes, leafAt)
    if (areLanesZero(lanes, leafAt)) {
      throw new CorruptData(`tree page: leaf ${index} is said not to be empty, and is`, {
        details: { index },
      })
    }
    from += LEAF_BYTES
  }
}

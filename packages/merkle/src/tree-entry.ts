import { InvalidInput, u32At, type BranchSet, type LeafAddress } from '@se/core'
import { bucketOf, hashId, type HashWords } from '@se/core/hash'
import { LANES, subtractPair } from './lanes.ts'
import { leafOfLanes, type LeafSums } from './leaf.ts'

/** Bytes of a row digest. */
export const DIGEST_BYTES = 16

/**
 * One change of one item, as a tree needs it; a ledger entry of `@se/core` is one. A digest is
 * `undefined` where there is no value: before an insert, after a delete.
 */
export interface TreeEntry {
  readonly id: string
  /** 16 bytes, or `undefined`. */
  readonly previousDigest: Uint8Array | undefined
  /** 16 bytes, or `undefined`. */
  readonly digest: Uint8Array | undefined
}

/**
 * Hash of an id into `out`; the first 16 bits choose the leaf, the first 64 are summed. Must not throw for any text, nor
 * change or ask any tree: one that is being applied to would be left half changed, or wrong. Default: `hashId` of `@se/core/hash`.
 */
export type IdHash = (id: string, out: HashWords) => HashWords

/** Where an id's item is counted. */
export function leafOf(id: string, branches: BranchSet, idHash: IdHash = hashId): LeafAddress {
  return { branch: branches.branchOf(id), bucket: bucketOf(idHash(id, words)) }
}

/**
 * What an entry adds to its leaf: count and membership go up when a value appears and down when it vanishes;
 * content loses the old digest and gains the new one. "Down" wraps: minus one is 2^32 − 1.
 *
 * @throws InvalidInput when the id is no string or a digest is not 16 bytes
 */
export function leafDelta(entry: TreeEntry, idHash: IdHash = hashId): LeafSums {
  checkEntry(entry)
  deltaLanes(entry, idHash(entry.id, words), lanes, 0)
  return leafOfLanes(lanes, 0)
}

/** @throws InvalidInput when the id is no string or a digest is not 16 bytes */
export function checkEntry(entry: TreeEntry): void {
  if (typeof entry.id !== 'string') throw new InvalidInput('id', `must be a string, not ${typeof entry.id}`)
  checkDigest(entry.previousDigest, 'previousDigest')
  checkDigest(entry.digest, 'digest')
}

/** Writes the lanes of an entry's delta to `out[at…]`, see {@link leafDelta}. */
export function deltaLanes(entry: TreeEntry, hash: HashWords, out: Uint32Array, at: number): void {
  const { previousDigest, digest } = entry
  const appears = digest !== undefined && previousDigest === undefined
  out[at] = appears ? 1 : 0
  out[at + 1] = appears ? hash[0]! : 0
  out[at + 2] = appears ? hash[1]! : 0
  for (let lane = 0; lane < 4; lane++) out[at + 3 + lane] = digest === undefined ? 0 : u32At(digest, lane * 4)
  if (previousDigest === undefined) return
  if (digest === undefined) {
    out[at] = 0xffffffff
    subtractPair(out, at + 1, hash[0]!, hash[1]!)
  }
  subtractPair(out, at + 3, u32At(previousDigest, 0), u32At(previousDigest, 4))
  subtractPair(out, at + 5, u32At(previousDigest, 8), u32At(previousDigest, 12))
}

function checkDigest(digest: Uint8Array | undefined, field: string): void {
  if (digest === undefined) return
  if (!(digest instanceof Uint8Array)) {
    throw new InvalidInput(field, `must be a Uint8Array of ${DIGEST_BYTES} bytes, or undefined`)
  }
  if (digest.length === DIGEST_BYTES) return
  throw new InvalidInput(field, `has ${digest.length} bytes, must be ${DIGEST_BYTES}`, {
    limit: DIGEST_BYTES,
    actual: digest.length,
  })
}

const words: HashWords = new Uint32Array(4)
const lanes = new Uint32Array(LANES)

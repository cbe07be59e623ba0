export { DigestTree, type TreeLeaf } from './digest-tree.ts'
export { diff, type TreeDiff } from './diff.ts'
export { differingLeaves } from './differing-leaves.ts'
export { LEAF_BYTES } from './lanes.ts'
export {
  addLeaves,
  decodeLeaf,
  EMPTY_LEAF,
  encodeLeaf,
  equalLeaves,
  isEmptyLeaf,
  subtractLeaves,
  type LeafSums,
} from './leaf.ts'
export type { DiffOptions, DigestTreeOptions, RowDigesterOptions } from './options.ts'
export { decodePage, encodePage, PAGE_BYTES_MAX, PAGE_LEAVES, type PageLeaf } from './page.ts'
export {
  createRowDigester,
  DIGESTED_VALUE_BYTES_MAX,
  FIELD_BYTES_MAX,
  KEY_BYTES_MAX,
  KEY_BYTES_MIN,
  type DigestedRow,
  type RowDigester,
} from './row-digest.ts'
export { loadTree, memoryLeafStore, type LeafStore } from './leaf-store.ts'
export type { Sha256 } from './sha256.ts'
export { DIGEST_BYTES, leafDelta, leafOf, type IdHash, type TreeEntry } from './tree-entry.ts'
export { TreeChanged } from './tree-changed.ts'
export { treeSource, type BranchSums, type PageAddress, type TreeSource } from './tree-source.ts'

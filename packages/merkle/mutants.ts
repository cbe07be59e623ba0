/** Defects that trees of this kind have had, or that this one nearly had; each must be noticed. */
const LANES = 'src/lanes.ts'
const LEAF_TEST = 'test/leaf.property.test.ts'
const ENTRY = 'src/tree-entry.ts'
const LEAVES = 'src/branch-leaves.ts'
const TREE = 'src/digest-tree.ts'
const TREE_TEST = 'test/digest-tree.property.test.ts'
const PAGE = 'src/page.ts'
const PAGE_TEST = 'test/page.property.test.ts'
const ROW = 'src/row-digest.ts'
const ROW_TEST = 'test/row-digest.property.test.ts'
const DIFF = 'src/diff.ts'
const ANSWERS = 'src/answers.ts'
const DIFF_TEST = 'test/diff.property.test.ts'
const STORE_TEST = 'test/leaf-store.contract.test.ts'
const VECTORS_TEST = 'test/vectors.golden.test.ts'

export const mutants = [
  // Carries and borrows between the halves of a sum.
  { file: LANES, find: '((before & low) | ((before | low) & ~sum)) >>> 31', replace: '0', test: LEAF_TEST },
  { file: LANES, find: '((before | low) & ~sum)', replace: '((before ^ low) & sum)', test: LEAF_TEST },
  { file: LANES, find: '((~before | low) & difference)', replace: '(~before & difference)', test: LEAF_TEST },
  {
    file: LANES,
    find: 'membershipHigh + Math.floor(membershipLow / 2 ** 32)',
    replace: 'membershipHigh',
    test: LEAF_TEST,
  },
  // Pitfall 34: XOR in the place of addition.
  {
    file: LANES,
    find: 'target[at]! += source[from]!',
    replace: 'target[at]! ^= source[from]!',
    test: LEAF_TEST,
  },
  // What an entry adds.
  { file: ENTRY, find: 'out[at] = 0xffffffff', replace: 'out[at] = 0', test: TREE_TEST },
  {
    file: ENTRY,
    find: 'digest !== undefined && previousDigest === undefined',
    replace: 'digest !== undefined',
    test: TREE_TEST,
  },
  {
    file: ENTRY,
    find: 'subtractPair(out, at + 5, u32At(previousDigest, 8), u32At(previousDigest, 12))',
    replace: '',
    test: TREE_TEST,
  },
  {
    file: ENTRY,
    find: 'digest.length === DIGEST_BYTES',
    replace: 'digest.length <= DIGEST_BYTES',
    test: TREE_TEST,
  },
  // Leaves in order of touch, and in fixed places.
  {
    file: LEAVES,
    find: 'spread.set(this.#lanes.subarray(place, place + LANES), taken * LANES)',
    replace: 'spread.set(this.#lanes.subarray(place, place + LANES), place)',
    test: TREE_TEST,
  },
  { file: LEAVES, find: 'larger.set(this.#lanes)', replace: '', test: TREE_TEST },
  { file: LEAVES, find: 'copy.#touched.set(this.#touched)', replace: '', test: TREE_TEST },
  { file: LEAVES, find: 'new Map(this.#places)', replace: 'this.#places', test: TREE_TEST },
  { file: LEAVES, find: 'this.#lanes.slice()', replace: 'this.#lanes', test: TREE_TEST },
  { file: LEAVES, find: 'subtractLanes(delta, 0, before, 0)', replace: '', test: TREE_TEST },
  // The tree above them.
  { file: TREE, find: 'subtractLanes(this.#total, 0, before, 0)', replace: '', test: TREE_TEST },
  { file: TREE, find: 'Math.min(list.length, start + RUN)', replace: 'start + RUN', test: TREE_TEST },
  { file: TREE, find: 'leavesDiffer >>> 16 === 0', replace: 'true', test: TREE_TEST },
  { file: TREE, find: 'if (!isOneBranch) ', replace: '', test: TREE_TEST },
  {
    file: TREE,
    find: 'for (let index = 0; index < list.length; index++) checkEntry(list[index]!)',
    replace: '',
    test: TREE_TEST,
  },
  // Two forms of one page.
  { file: PAGE, find: 'if (areLanesZero(lanes, leafAt)) {', replace: 'if (false) {', test: PAGE_TEST },
  { file: PAGE, find: 'leafCount === 0 || ', replace: '', test: PAGE_TEST },
  { file: PAGE, find: 'bytes.length !== expected', replace: 'bytes.length < expected', test: PAGE_TEST },
  { file: PAGE, find: 'bytes[0] !== PAGE_FORMAT', replace: 'false', test: PAGE_TEST },
  // Fields that run into each other, and what is left of the row before.
  {
    file: ROW,
    find: '  target[at] = bytes.length\n',
    replace: '  target[at] = text.length\n',
    test: VECTORS_TEST,
  },
  {
    file: ROW,
    find: 'state === this.#state && contentType === this.#contentType',
    replace: 'state === this.#state',
    test: ROW_TEST,
  },
  { file: ROW, find: 'target.view.setUint32(at, time / 2 ** 32)', replace: '', test: ROW_TEST },
  { file: ROW, find: 'target.view.setUint32(at + 12, bytes.length)', replace: '', test: VECTORS_TEST },
  { file: ROW, find: 'if (LONE_SURROGATE.test(text))', replace: 'if (false)', test: ROW_TEST },
  { file: ROW, find: 'this.bytes.set(header)', replace: '', test: VECTORS_TEST },
  // Pitfall 29: the root compared in the place of the branches; and a side that changes unnoticed.
  {
    file: DIFF,
    find: 'if (areLanesEqual(sums[side], 0, parents[side], at)) continue',
    replace: 'continue',
    test: DIFF_TEST,
  },
  {
    file: DIFF,
    find: 'if (areLanesZero(local, at)) found.missing.push(address)',
    replace: 'if (areLanesZero(remote, at)) found.missing.push(address)',
    test: DIFF_TEST,
  },
  { file: ANSWERS, find: '!isAsked || byAddress.has(pageNumber)', replace: '!isAsked', test: DIFF_TEST },
  { file: DIFF, find: "checkCount(theirPages, run.length, 'remote')", replace: '', test: DIFF_TEST },
  { file: DIFF, find: 'page * PAGE_LEAVES + index', replace: 'page * PAGE_LEAVES', test: DIFF_TEST },
  { file: 'src/diff-plan.ts', find: 'Math.abs(gap)', replace: 'gap', test: DIFF_TEST },
  {
    file: 'src/diff-plan.ts',
    find: 'start += runMax',
    replace: 'start += runMax + 1',
    test: DIFF_TEST,
  },
  {
    file: 'src/differing-leaves.ts',
    find: 'a.every((prefix, branch) => prefix === b[branch])',
    replace: 'true',
    test: DIFF_TEST,
  },
  {
    file: 'src/leaf-store.ts',
    find: 'tree.checkLeaf(branch, bucket)',
    replace: '',
    test: STORE_TEST,
  },
  // What is not bytes is taken for zeros.
  {
    file: ROW,
    find: "if (!(bytes instanceof Uint8Array)) throw new InvalidInput('bytes', 'must be a Uint8Array')",
    replace: '',
    test: ROW_TEST,
  },
  {
    file: ROW,
    find: 'key !== undefined && !(key instanceof Uint8Array)',
    replace: 'false',
    test: ROW_TEST,
  },
  { file: ENTRY, find: '!(digest instanceof Uint8Array)', replace: 'digest === null', test: TREE_TEST },
  // A tree is taken for whole though pages are missing, and a store takes half of a call.
  {
    file: 'src/leaf-store.ts',
    find: 'if (areLanesEqual(sums, 0, tops, branch * LANES)) continue',
    replace: 'continue',
    test: DIFF_TEST,
  },
  {
    file: 'src/leaf-store.ts',
    find: 'checkSums(sums)\n      }',
    replace: '}',
    test: TREE_TEST,
  },
  {
    file: ANSWERS,
    find: 'if (!Array.isArray(answers)) throw',
    replace: 'if (false) throw',
    test: DIFF_TEST,
  },
  // what is no option of a digester is taken without a word [P77]
  {
    file: 'src/row-digest.ts',
    find: 'const { sha256 } = readOptions(options, DIGESTER_FIELDS)',
    replace: 'const { sha256 } = options',
    test: 'src/options.test.ts',
  },
  // sums cannot be shown in JSON, as they are bigints [P77]
  {
    file: 'src/leaf.ts',
    find: 'return toPlain({ ...this }) as Record<string, unknown>',
    replace: 'return { ...this }',
    test: 'src/options.test.ts',
  },
]

/** The types of the public face, as the owner of two copies sees them. Checked by the compiler; nothing here runs. */
import type { BranchSet, LeafAddress, Stamp } from '@se/core'
import {
  createRowDigester,
  decodePage,
  diff,
  DigestTree,
  leafDelta,
  loadTree,
  memoryLeafStore,
  treeSource,
  type DigestedRow,
  type LeafStore,
  type LeafSums,
  type PageLeaf,
  type TreeChanged,
  type TreeDiff,
  type TreeEntry,
  type TreeSource,
} from '../src/index.ts'
import { expectTypeOf } from 'vitest'

declare const branches: BranchSet
declare const stamp: Stamp
const tree = new DigestTree(branches)
const found = diff(treeSource(tree), memoryLeafStore(branches))

// A difference is addresses, to be read and not to be changed.
expectTypeOf(found).resolves.toEqualTypeOf<TreeDiff>()
expectTypeOf<TreeDiff['missing']>().toEqualTypeOf<readonly LeafAddress[]>()
expectTypeOf<Pick<TreeDiff, 'extra' | 'different'>>().toEqualTypeOf<{
  readonly extra: readonly LeafAddress[]
  readonly different: readonly LeafAddress[]
}>()
// @ts-expect-error addresses are read
void found.then(({ missing }) => missing.pop())
// @ts-expect-error as are figures
void found.then((result) => (result.roundTrips = 0))

// Any two sources compare: a tree of this process, a store, and one that only answers.
expectTypeOf<LeafStore>().toExtend<TreeSource>()
expectTypeOf(treeSource(tree)).toEqualTypeOf<TreeSource>()
expectTypeOf(loadTree(treeSource(tree), branches)).resolves.toEqualTypeOf<DigestTree>()
// @ts-expect-error a tree is asked by way of a source
void diff(tree, treeSource(tree))

// 64-bit sums are bigints: as numbers they would be rounded without a word.
expectTypeOf(tree.rootSums()).toEqualTypeOf<LeafSums>()
expectTypeOf<LeafSums>().toEqualTypeOf<{
  readonly count: number
  readonly membership: bigint
  readonly contentHigh: bigint
  readonly contentLow: bigint
}>()
expectTypeOf(tree.membership).toEqualTypeOf<bigint>()
expectTypeOf(tree.root()).toEqualTypeOf<string>()
// @ts-expect-error the sum must be a bigint
tree.addToLeaf(0, 0, { count: 1, membership: 1, contentHigh: 1n, contentLow: 1n })
// @ts-expect-error what a tree counts changes by entries only
tree.count = 1

// An entry says what was there before, also when nothing was.
const digest = new Uint8Array(16)
tree.apply([{ id: 'id', previousDigest: undefined, digest }])
// @ts-expect-error `previousDigest` was forgotten: the row before would be counted for ever
tree.apply([{ id: 'id', digest }])
expectTypeOf(leafDelta).parameter(0).toEqualTypeOf<TreeEntry>()

// A tombstone has no digest, and a digester takes none.
const row = { id: 'id', stamp, state: '', contentType: '' }
const digester = createRowDigester(undefined)
expectTypeOf(digester.digest({ ...row, bytes: digest })).toEqualTypeOf<Uint8Array>()
// @ts-expect-error a tombstone has no bytes
digester.digest({ ...row, bytes: undefined })
expectTypeOf<DigestedRow['bytes']>().toEqualTypeOf<Uint8Array>()
// @ts-expect-error whether digests are keyed is said, not left out
createRowDigester()

// Options that are none.
// @ts-expect-error it is called `idHash`
export const misspelt = new DigestTree(branches, { hash: () => 0 })
// @ts-expect-error the limit is a number
void diff(treeSource(tree), treeSource(tree), { wholeFromGap: '256' })

expectTypeOf(decodePage(digest)).toEqualTypeOf<PageLeaf[]>()
expectTypeOf(tree.page(0, 0)).toEqualTypeOf<Uint8Array | undefined>()
expectTypeOf<TreeChanged['code']>().toEqualTypeOf<'SE_TREE_CHANGED'>()

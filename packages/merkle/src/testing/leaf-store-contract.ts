import { createBranchSet, invariant, StorageError, toHex, type BranchSet } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { DigestTree, type TreeLeaf } from '../digest-tree.ts'
import { diff } from '../diff.ts'
import { loadTree, type LeafStore } from '../leaf-store.ts'
import { treeSource } from '../tree-source.ts'

/** One promise of the port. `run` throws when the store breaks it; any test framework can call it. */
export interface LeafStoreContractCase {
  readonly title: string
  /** @param store empty, made for {@link LEAF_STORE_BRANCHES}, used by nobody else */
  run(store: LeafStore): Promise<void>
}

/** The branch set that a store under test must be made for. */
export const LEAF_STORE_BRANCHES: BranchSet = createBranchSet(['order.', 'user.'])

/**
 * What every `LeafStore` must keep, for example:
 *
 *   describe('my store', () => {
 *     for (const { title, run } of leafStoreContract) it(title, async () => run(await makeEmptyStore()))
 *   })
 */
export const leafStoreContract: readonly LeafStoreContractCase[] = [
  {
    title: 'is empty at first, and says so at every level',
    async run(store) {
      const { prefixes, sums } = await store.readBranches()
      expect(prefixes.join(), LEAF_STORE_BRANCHES.prefixes.join(), 'prefixes')
      expect(sums.length, prefixes.length * 28, 'bytes of branch sums')
      expect(
        sums.every((byte) => byte === 0),
        true,
        'branch sums are zero',
      )
      expect((await store.readPageSums([0, 1, 2])).join(), ',,', 'page sums are undefined')
      expect((await store.readPages([{ branch: 2, page: 255 }])).join(), '', 'a page is undefined')
      expect((await store.readAllPages([0, 1, 2])).length, 0, 'pages')
    },
  },
  {
    title: 'adds deltas so that every level is the sum of what is below it',
    async run(store) {
      const deltas = randomDeltas(1, 600)
      await store.add(deltas)
      await expectSame(store, deltas)
    },
  },
  {
    title: 'adds several deltas to one leaf, within a call and across calls',
    async run(store) {
      const [first] = randomDeltas(2, 1)
      const again = {
        ...first!,
        sums: { count: 1, membership: 2n, contentHigh: 3n, contentLow: 2n ** 64n - 1n },
      }
      await store.add([first!, again])
      await store.add([again])
      await expectSame(store, [first!, again, again])
    },
  },
  {
    title: 'wraps the count at 2^32 and the sums at 2^64, carrying from the low half to the high one',
    async run(store) {
      const address = { branch: 1, bucket: 65_535 }
      const all = 2n ** 64n - 1n
      const top = { count: 2 ** 32 - 1, membership: all, contentHigh: 2n ** 32n - 1n, contentLow: all }
      const one = { count: 1, membership: 1n, contentHigh: 1n, contentLow: 2n }
      const deltas = [
        { ...address, sums: top },
        { ...address, sums: one },
      ]
      await store.add(deltas)
      await expectSame(store, deltas)
    },
  },
  {
    title: 'forgets a leaf that comes back to zero, so that nothing and nothing left are the same bytes',
    async run(store) {
      const deltas = randomDeltas(3, 40)
      await store.add(deltas)
      await store.add(deltas.map(({ sums, ...address }) => ({ ...address, sums: negated(sums) })))
      expect((await store.readAllPages([0, 1, 2])).length, 0, 'pages')
      expect((await store.readPageSums([0, 1, 2])).join(), ',,', 'page sums are undefined')
    },
  },
  {
    title: 'takes deltas in any order, a delete before its insert included',
    async run(store) {
      const deltas = randomDeltas(4, 200)
      await store.add(deltas.map(({ sums, ...address }) => ({ ...address, sums: negated(sums) })).reverse())
      await store.add(deltas)
      await store.add(deltas)
      await expectSame(store, deltas)
    },
  },
  {
    title: 'loses nothing when writers add at the same time [P30]',
    async run(store) {
      const writers = [5, 6, 7, 8, 9, 10].map((seed) => randomDeltas(seed, 120))
      await Promise.all(writers.map((deltas) => store.add(deltas)))
      await expectSame(store, writers.flat())
    },
  },
  {
    title: 'adds nothing of a call that names a leaf which does not exist',
    async run(store) {
      const [good] = randomDeltas(11, 1)
      for (const wrong of [
        { ...good!, branch: 3 },
        { ...good!, branch: -1 },
        { ...good!, bucket: 65_536 },
        { ...good!, bucket: 0.5 },
      ]) {
        await expectRefused(store.add([good!, wrong]), 'a delta')
      }
      await expectSame(store, [])
    },
  },
  {
    title: 'refuses to read what does not exist, instead of calling it empty [R1]',
    async run(store) {
      await expectRefused(store.readPageSums([0, 3]), 'page sums')
      await expectRefused(store.readPages([{ branch: 3, page: 0 }]), 'a page of no branch')
      await expectRefused(store.readPages([{ branch: 0, page: 256 }]), 'a page beyond the last')
      await expectRefused(store.readAllPages([3]), 'all pages')
    },
  },
  {
    title: 'takes no deltas as no work',
    async run(store) {
      await store.add([])
      await expectSame(store, [])
    },
  },
  {
    title: 'answers pages in the order asked, with repeats and empty ones in their places',
    async run(store) {
      const deltas = randomDeltas(12, 6)
      await store.add(deltas)
      const tree = treeOf(deltas)
      const filled = deltas.map(({ branch, bucket }) => ({ branch, page: bucket >>> 8 }))
      const isFilled = (page: number) =>
        filled.some((address) => address.branch === 1 && address.page === page)
      const empty = { branch: 1, page: [0, 1, 2, 3, 4, 5, 6].find((page) => !isFilled(page)) ?? 7 }
      const addresses = [empty, ...filled, filled[1]!, filled[0]!]
      const pages = await store.readPages(addresses)
      expect(pages.length, addresses.length, 'pages')
      for (const [index, { branch, page }] of addresses.entries()) {
        expect(hex(pages[index]), hex(tree.page(branch, page)), `page ${page} of branch ${branch}`)
      }
      const [second, first] = await store.readPageSums([1, 0])
      const [expectedFirst, expectedSecond] = await treeSource(tree).readPageSums([0, 1])
      expect(hex(first), hex(expectedFirst), 'page sums of branch 0')
      expect(hex(second), hex(expectedSecond), 'page sums of branch 1')
    },
  },
  {
    title: 'gives answers that later adds do not change',
    async run(store) {
      const [delta] = randomDeltas(13, 1)
      const address = { branch: delta!.branch, page: delta!.bucket >>> 8 }
      await store.add([delta!])
      const before = await store.readBranches()
      const [page] = await store.readPages([address])
      const copies = [hex(before.sums), hex(page)]
      await store.add([delta!])
      expect([hex(before.sums), hex(page)].join(), copies.join(), 'earlier answers')
    },
  },
  {
    title: 'is loaded back as the tree it stands for, and compared with another by difference',
    async run(store) {
      const deltas = randomDeltas(14, 2_000)
      await store.add(deltas)
      const tree = treeOf(deltas)
      const loaded = await loadTree(store, LEAF_STORE_BRANCHES)
      expect(loaded.root(), tree.root(), 'root')
      const planted = { branch: 1, bucket: 4_711 }
      tree.addToLeaf(planted.branch, planted.bucket, deltas[0]!.sums)
      const found = await diff(store, treeSource(tree))
      const differing = [...found.missing, ...found.extra, ...found.different]
      expect(JSON.stringify(differing), JSON.stringify([planted]), 'differing leaves')
    },
  },
]

/** Deltas such as writers make; the same seed gives the same ones. */
function randomDeltas(seed: number, count: number): TreeLeaf[] {
  const random = seededRandom(seed)
  const word = () => {
    const [high, low] = new BigUint64Array(random.bytes(16).buffer)
    return high! ^ low!
  }
  return Array.from({ length: count }, () => ({
    branch: random.below(LEAF_STORE_BRANCHES.prefixes.length),
    bucket: random.below(65_536),
    sums: { count: 1, membership: word(), contentHigh: word(), contentLow: word() },
  }))
}

function negated(sums: TreeLeaf['sums']): TreeLeaf['sums'] {
  return {
    count: -sums.count >>> 0,
    membership: BigInt.asUintN(64, -sums.membership),
    contentHigh: BigInt.asUintN(64, -sums.contentHigh),
    contentLow: BigInt.asUintN(64, -sums.contentLow),
  }
}

function treeOf(deltas: readonly TreeLeaf[]): DigestTree {
  const tree = new DigestTree(LEAF_STORE_BRANCHES)
  for (const { branch, bucket, sums } of deltas) tree.addToLeaf(branch, bucket, sums)
  return tree
}

/** Compares all three levels of the store with a tree made of the deltas, byte by byte. */
async function expectSame(store: LeafStore, deltas: readonly TreeLeaf[]): Promise<void> {
  const expected = treeSource(treeOf(deltas))
  const branches = LEAF_STORE_BRANCHES.prefixes.map((_, branch) => branch)
  expect(hex((await store.readBranches()).sums), hex((await expected.readBranches()).sums), 'branch sums')
  const [sums, expectedSums] = await Promise.all([
    store.readPageSums(branches),
    expected.readPageSums(branches),
  ])
  expect(sums.map(hex).join(), expectedSums.map(hex).join(), 'page sums')
  const [pages, expectedPages] = await Promise.all([
    store.readAllPages(branches),
    expected.readAllPages(branches),
  ])
  const listed = (list: typeof pages) =>
    list
      .map(({ branch, page, bytes }) => `${branch}/${page}: ${hex(bytes)}`)
      .sort()
      .join('\n')
  expect(listed(pages), listed(expectedPages), 'pages')
}

async function expectRefused(answer: Promise<unknown>, what: string): Promise<void> {
  const thrown = await answer.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown instanceof StorageError && thrown.code, 'SE_INVALID_INPUT', `${what} is refused`)
}

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : toHex(bytes)
}

function expect<T>(actual: T, expected: T, what: string): void {
  invariant(Object.is(actual, expected), `the store keeps its contract: ${what}`, { actual, expected })
}

/**
 * Goal: a tree equals the one made from scratch of the same rows, bit for bit, whatever way led there: any
 * interleaving of writers, deltas, pages, clones, sparse and dense. Method: random histories against a Map.
 */
import { createBranchSet, InvalidInput } from '@se/core'
import { hashId, membershipOf } from '@se/core/hash'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import {
  addLeaves,
  createRowDigester,
  DigestTree,
  EMPTY_LEAF,
  encodeLeaf,
  encodePage,
  leafDelta,
  leafOf,
  loadTree,
  memoryLeafStore,
  type LeafSums,
  type TreeEntry,
} from '../src/index.ts'
import { describe, expect, it } from 'vitest'
import { portrait, randomId, randomRow, treeFromScratch, write, type ModelRows } from './model.ts'
import { testSeed } from './seed.ts'

const BRANCHES = createBranchSet(['user.', 'user.admin.', 'order.', '日本.'])
const ONE_BRANCH = createBranchSet()
const digester = createRowDigester(new Uint8Array(16).fill(9))
const digest = (fill: number) => new Uint8Array(16).fill(fill)

describe('digest tree', () => {
  const seed = testSeed('digest tree')

  it('equals recomputation after any interleaving of writers, in any order of arrival [P30, P31]', () => {
    for (let round = 0; round < 16; round++) {
      const random = seededRandom(seed + round)
      const rows: ModelRows = new Map()
      const writers = Array.from({ length: 1 + random.below(5) }, (): TreeEntry[] => [])
      for (const entry of randomHistory(random, rows, 20 + random.below(400)))
        random.pick(writers).push(entry)
      const tree = new DigestTree(BRANCHES)
      // Each writer's entries come in batches of their own size; the batches of all come in any order.
      const batches = shuffled(
        random,
        writers.flatMap((entries) => batchesOf(random, entries)),
      )
      for (const batch of batches) tree.apply(batch)
      expect(portrait(tree)).toBe(portrait(treeFromScratch(rows, BRANCHES, digester)))
      expect(tree.count).toBe(rows.size)
      const membership = [...rows.keys()].reduce((sum, id) => sum + membershipOf(hashId(id)), 0n)
      expect(tree.membership).toBe(BigInt.asUintN(64, membership))
    }
  })

  it('equals the sum of the deltas of its entries, leaf by leaf', () => {
    const random = seededRandom(seed)
    const entries = randomHistory(random, new Map(), 500)
    const tree = new DigestTree(BRANCHES)
    tree.apply(entries)
    const other = new DigestTree(BRANCHES)
    const byLeaf = new Map<string, LeafSums>()
    for (const entry of entries) {
      const { branch, bucket } = leafOf(entry.id, BRANCHES)
      const place = `${branch}/${bucket}`
      byLeaf.set(place, addLeaves(byLeaf.get(place) ?? EMPTY_LEAF, leafDelta(entry)))
      other.addToLeaf(branch, bucket, leafDelta(entry))
    }
    expect(portrait(other)).toBe(portrait(tree))
    for (const [place, sums] of byLeaf) {
      const [branch, bucket] = place.split('/').map(Number)
      expect(tree.leaf(branch!, bucket!)).toEqual(sums)
    }
  })

  it('is carried over by its pages, onto an empty tree and onto another one', () => {
    for (const items of [1, 30, 3_000]) {
      const random = seededRandom(seed + items)
      const tree = new DigestTree(BRANCHES)
      tree.apply(randomHistory(random, new Map(), items))
      const fresh = new DigestTree(BRANCHES)
      for (const { branch, page, bytes } of tree.pages()) fresh.setPage(branch, page, bytes)
      expect(portrait(fresh)).toBe(portrait(tree))
      const other = new DigestTree(BRANCHES)
      other.apply(randomHistory(random, new Map(), 500))
      for (let branch = 0; branch < BRANCHES.prefixes.length; branch++) {
        for (let page = 0; page < 256; page++) other.setPage(branch, page, tree.page(branch, page))
      }
      expect(portrait(other)).toBe(portrait(tree))
    }
  })

  it('is the same where leaves lie in order of touch and where each has its place', () => {
    const random = seededRandom(seed)
    const entries = Array.from({ length: 12_000 }, (_, index): TreeEntry => {
      return { id: `item.${index}`, previousDigest: undefined, digest: random.bytes(16) }
    })
    // How many entries it takes to touch the last leaf that has no fixed place.
    const buckets = new Set<number>()
    let sparse = 0
    while (buckets.size < 8_192) buckets.add(leafOf(entries[sparse++]!.id, ONE_BRANCH).bucket)
    const tree = new DigestTree(ONE_BRANCH)
    let applied = 0
    for (const end of [100, sparse - 1, sparse, sparse + 1, sparse + 40, entries.length]) {
      tree.apply(entries.slice(applied, end))
      applied = end
      const other = new DigestTree(ONE_BRANCH)
      other.apply(entries.slice(0, end).toReversed())
      expect(portrait(tree)).toBe(portrait(other))
      expect(tree.count).toBe(end)
    }
    tree.apply(entries.map(({ id, digest: last }) => ({ id, previousDigest: last, digest: undefined })))
    expect(portrait(tree)).toBe(portrait(new DigestTree(ONE_BRANCH)))
  })

  it('has at each level the sum of what is below it, so that a copied root cannot stand in for leaves [P29]', () => {
    const tree = new DigestTree(BRANCHES)
    tree.apply(randomHistory(seededRandom(seed), new Map(), 5_000))
    const byBranch = BRANCHES.prefixes.map(() => EMPTY_LEAF)
    for (const { branch, sums } of tree.leaves()) byBranch[branch] = addLeaves(byBranch[branch]!, sums)
    expect(BRANCHES.prefixes.map((name) => tree.branch(name).sums)).toEqual(byBranch)
    expect(tree.rootSums()).toEqual(byBranch.reduce(addLeaves))
  })

  it.each([
    ['in order of touch', 300],
    // The copy takes larger lanes, which have places that the original's do not have.
    ['in order of touch, beyond the room there was', 400],
    ['in fixed places', 9_500],
  ])('shares nothing with its clone: leaves %s', (_, items) => {
    const random = seededRandom(seed)
    const inserts = (from: number, count: number) =>
      Array.from({ length: count }, (_, index): TreeEntry => {
        return { id: `item.${from + index}`, previousDigest: undefined, digest: random.bytes(16) }
      })
    const tree = new DigestTree(ONE_BRANCH)
    tree.apply(inserts(0, items))
    const before = portrait(tree)
    const copy = tree.clone()
    const more = inserts(items / 2, items)
    copy.apply(more)
    expect(portrait(tree)).toBe(before)
    tree.apply(more)
    expect(portrait(copy)).toBe(portrait(tree))
  })

  it('lists the leaves of a range of buckets, which is a stripe of the cache', () => {
    const tree = new DigestTree(BRANCHES)
    tree.apply(randomHistory(seededRandom(seed), new Map(), 4_000))
    const all = [...tree.leaves()]
    const byStripe = Array.from({ length: 64 }, (_, stripe) => [
      ...tree.leaves(stripe * 1_024, (stripe + 1) * 1_024),
    ])
    const ordered = byStripe.flat().sort((a, b) => a.branch - b.branch || a.bucket - b.bucket)
    expect(ordered).toEqual(all)
    for (const [stripe, leaves] of byStripe.entries()) {
      for (const { bucket } of leaves) expect(bucket >> 10).toBe(stripe)
    }
    expect([...tree.leaves(0, 0)]).toEqual([])
    expect([...tree.leaves(65_536)]).toEqual([])
  })

  it('takes entries from any iterable, and each of them once', () => {
    const entries = randomHistory(seededRandom(seed), new Map(), 100)
    const fromList = new DigestTree(BRANCHES)
    fromList.apply(entries)
    const fromGenerator = new DigestTree(BRANCHES)
    fromGenerator.apply(
      (function* () {
        yield* entries
      })(),
    )
    expect(portrait(fromGenerator)).toBe(portrait(fromList))
  })

  it('applies all entries or none', () => {
    const tree = new DigestTree(BRANCHES)
    tree.apply([{ id: 'user.a', previousDigest: undefined, digest: digest(1) }])
    const before = portrait(tree)
    for (const wrong of [new Uint8Array(15), new Uint8Array(17), new Uint8Array(0)]) {
      for (const field of ['digest', 'previousDigest'] as const) {
        const entries = [
          { id: 'user.b', previousDigest: undefined, digest: digest(2) },
          { id: 'user.c', previousDigest: undefined, digest: undefined, [field]: wrong },
        ]
        expect(() => tree.apply(entries)).toThrow(InvalidInput)
        expect(() => tree.apply(entries)).toThrow(
          new RegExp(`^${field}: has ${wrong.length} bytes, must be 16`),
        )
        expect(() => leafDelta(entries[1]!)).toThrow(InvalidInput)
      }
    }
    const noId = { id: undefined as unknown as string, previousDigest: undefined, digest: digest(3) }
    expect(() => tree.apply([{ ...noId, id: 'user.d' }, noId])).toThrow(
      /^id: must be a string, not undefined/,
    )
    expect(portrait(tree)).toBe(before)
  })

  it('refuses a digest that is not bytes, though it has sixteen of something', () => {
    const tree = new DigestTree(BRANCHES)
    for (const wrong of [
      '0123456789abcdef',
      Array(16).fill(1),
      new Uint16Array(16),
      null,
      new ArrayBuffer(16),
    ]) {
      for (const field of ['digest', 'previousDigest'] as const) {
        const wrongEntry = {
          id: 'user.c',
          previousDigest: undefined,
          digest: undefined,
          [field]: wrong as unknown as Uint8Array,
        }
        const attempts = [
          () => tree.apply([{ id: 'user.b', previousDigest: undefined, digest: digest(2) }, wrongEntry]),
          () => leafDelta(wrongEntry),
        ]
        for (const attempt of attempts) {
          expect(attempt).toThrow(InvalidInput)
          expect(attempt).toThrow(new RegExp(`^${field}: must be a Uint8Array of 16 bytes`))
        }
      }
    }
    expect(tree.root()).toBe(new DigestTree(BRANCHES).root())
  })

  it('refuses sums that are none, alone and in a store, which is then as before', async () => {
    const tree = new DigestTree(BRANCHES)
    const store = memoryLeafStore(BRANCHES)
    const good: LeafSums = { count: 1, membership: 2n, contentHigh: 3n, contentLow: 4n }
    const wrongs: [string, unknown][] = [
      ['count', Number.NaN],
      ['count', 0.5],
      ['count', 1n],
      ['membership', 1],
      ['contentHigh', undefined],
      ['contentLow', '4'],
    ]
    for (const [field, value] of wrongs) {
      const wrong = { ...good, [field]: value }
      const message = new RegExp(`^${field}: must be`)
      expect(() => tree.addToLeaf(0, 0, wrong)).toThrow(message)
      expect(() => encodeLeaf(wrong)).toThrow(message)
      expect(() => encodePage([{ index: 0, sums: wrong }])).toThrow(InvalidInput)
      await expect(
        store.add([
          { branch: 0, bucket: 0, sums: good },
          { branch: 0, bucket: 1, sums: wrong },
        ]),
      ).rejects.toThrow(message)
    }
    expect(tree.root()).toBe(new DigestTree(BRANCHES).root())
    expect((await loadTree(store, BRANCHES)).root()).toBe(tree.root())
  })

  it('comes back from below nothing: what was never added may be removed first, and wraps [P24]', () => {
    const remove = { id: 'user.x', previousDigest: digest(200), digest: undefined }
    const add = { id: 'user.x', previousDigest: undefined, digest: digest(200) }
    const tree = new DigestTree(BRANCHES)
    tree.apply([remove])
    expect(tree.count).toBe(2 ** 32 - 1)
    const hash = hashId('user.x')
    expect(tree.membership).toBe(BigInt.asUintN(64, -membershipOf(hash)))
    const page = leafOf('user.x', BRANCHES).bucket >> 8
    const copy = new DigestTree(BRANCHES)
    copy.setPage(2, page, tree.page(2, page))
    expect([copy.root(), copy.count]).toEqual([tree.root(), 2 ** 32 - 1])
    copy.apply([add])
    expect(copy.root()).toBe(new DigestTree(BRANCHES).root())
    expect(copy.page(2, page)).toBeUndefined()
  })

  it('keeps 256 branches apart, the most there are', () => {
    const branches = createBranchSet(Array.from({ length: 255 }, (_, index) => `b${index}.`))
    const tree = new DigestTree(branches)
    tree.apply(
      branches.prefixes.map((prefix) => ({
        id: `${prefix}same`,
        previousDigest: undefined,
        digest: digest(1),
      })),
    )
    for (const prefix of branches.prefixes) expect(tree.branch(prefix).sums.count).toBe(1)
    expect([...tree.leaves()].map(({ branch }) => branch)).toEqual(branches.prefixes.map((_, index) => index))
    expect(tree.count).toBe(256)
  })

  it('counts ids that contain separators, and nothing else, apart [P36]', () => {
    const ids = ['a.b', 'a', 'a.', '.a', 'a..b', 'a/b', 'a:b', 'user', 'user.', 'user..']
    const roots = ids.map((id) => {
      const tree = new DigestTree(BRANCHES)
      tree.apply([{ id, previousDigest: undefined, digest: digest(1) }])
      return tree.root()
    })
    expect(new Set(roots).size).toBe(ids.length)
  })

  it('hashes an id once an entry, and nothing else, whatever the shape of the ids', () => {
    let hashes = 0
    const idHash: typeof hashId = (id, out) => {
      hashes++
      return hashId(id, out)
    }
    for (const shape of ['k', 'user.', 'a.very.deep.path.']) {
      const tree = new DigestTree(BRANCHES, { idHash })
      hashes = 0
      for (let index = 0; index < 500; index++) {
        tree.apply([{ id: `${shape}${index}`, previousDigest: undefined, digest: digest(index & 255) }])
        tree.root()
      }
      expect(hashes).toBe(500)
    }
  })

  it('names the address it refuses, and the limit', () => {
    const tree = new DigestTree(BRANCHES)
    const last = BRANCHES.prefixes.length - 1
    const attempts: [() => unknown, string][] = [
      [() => tree.leaf(last + 1, 0), `branch: is ${last + 1}, must be an integer from 0 to ${last}`],
      [() => tree.leaf(-1, 0), 'branch: is -1'],
      [() => tree.leaf(0, 65_536), 'bucket: is 65536, must be an integer from 0 to 65535'],
      [() => tree.addToLeaf(0, 0.5, EMPTY_LEAF), 'bucket: is 0.5'],
      [() => tree.page(0, 256), 'page: is 256, must be an integer from 0 to 255'],
      [() => tree.setPage(9, 0, undefined), 'branch: is 9'],
      [() => [...tree.pages(9)], 'branch: is 9'],
      [() => [...tree.leaves(1)], 'fromBucket'],
      [() => [...tree.leaves(0, 65_792)], 'toBucket'],
      [() => tree.branch('none.'), 'name: is no branch'],
    ]
    for (const [attempt, message] of attempts) {
      expect(attempt).toThrow(InvalidInput)
      expect(attempt).toThrow(message)
    }
    expect(tree.count).toBe(0)
  })

  it('hashes with the functions it is given, and a clone with them too', () => {
    const tree = new DigestTree(createBranchSet(), {
      idHash: (_, out) => {
        out.set([0x0007_0000, 1, 0, 0])
        return out
      },
      sha256: () => '\u0001\u00ff',
    })
    tree.apply([{ id: 'anything', previousDigest: undefined, digest: digest(1) }])
    expect([...tree.leaves()].map(({ bucket }) => bucket)).toEqual([7])
    expect(tree.clone().root()).toBe('01ff')
    const delta = leafDelta({ id: 'x', previousDigest: undefined, digest: digest(0) }, (_, out) => {
      out.set([1, 2, 0, 0])
      return out
    })
    expect(delta.membership).toBe(2n ** 32n + 2n)
  })
})

/** Entries of a history of writes and deletes; `rows` ends as its result. */
function randomHistory(random: SeededRandom, rows: ModelRows, length: number): TreeEntry[] {
  return Array.from({ length }, (_, time) => {
    const id = randomId(random, Math.ceil(length / 3))
    return write(rows, id, random.chance(0.3) ? undefined : randomRow(random, time), digester)
  })
}

function batchesOf(random: SeededRandom, entries: readonly TreeEntry[]): TreeEntry[][] {
  const batches: TreeEntry[][] = []
  for (let at = 0; at < entries.length;) {
    const end = at + 1 + random.below(40)
    batches.push(entries.slice(at, end))
    at = end
  }
  return batches
}

function shuffled<T>(random: SeededRandom, list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, order: random.fraction() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value)
}

/**
 * Goal: diff finds exactly the leaves that differ, in few round trips, for every kind of difference; a side
 * that changes meanwhile or answers nonsense is noticed. Method: planted differences against the naive
 * difference of two maps of leaves; a remote side that is only reached through copies of its answers.
 */
import { CorruptData, createBranchSet, InvalidInput, type BranchSet, type LeafAddress } from '@se/core'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import {
  createRowDigester,
  diff,
  differingLeaves,
  DigestTree,
  encodeLeaf,
  leafOf,
  loadTree,
  treeSource,
  TreeChanged,
  type DiffOptions,
  type TreeDiff,
  type TreeEntry,
  type TreeSource,
} from '../src/index.ts'
import { describe, expect, it } from 'vitest'
import { ID_STEMS, portrait, randomRow, treeFromScratch, type ModelRows } from './model.ts'
import { testSeed } from './seed.ts'

const BRANCHES = createBranchSet(['user.', 'user.admin.', 'order.', '日本.'])
const ONE_BRANCH = createBranchSet()
const digester = createRowDigester(undefined)

describe('diff', () => {
  const seed = testSeed('diff')

  it('equals the naive difference of the leaves, for planted differences of every kind', async () => {
    const sizes = [0, 1, 20, 260, 300, 1_500]
    for (let round = 0; round < 18; round++) {
      const random = seededRandom(seed + round)
      const ours = randomRows(random, sizes[round % sizes.length]!)
      const theirs: ModelRows = new Map(ours)
      plant(random, ours, theirs, random.pick([0, 1, 2, 30, 500]))
      const local = treeFromScratch(ours, BRANCHES, digester)
      const remote = treeFromScratch(theirs, BRANCHES, digester)
      const found = await distantDiff(local, remote)
      expect(namesOf(found)).toEqual(naiveDifference(local, remote))
      expect(found.roundTrips).toBeLessThanOrEqual(3)
      // Seen from the other side, missing and extra change places.
      const mirrored = await distantDiff(remote, local)
      expect(namesOf({ ...mirrored, missing: mirrored.extra, extra: mirrored.missing })).toEqual(
        namesOf(found),
      )
      expect(differingLeaves(local, remote)).toEqual(allOf(found))
    }
  })

  it('says of each kind of difference what it is', async () => {
    const random = seededRandom(seed)
    const rows = randomRows(random, 1_000)
    const base = treeFromScratch(rows, BRANCHES, digester)
    const emptyLeafId = unusedLeafId(base, 'user.')
    const insert = entry(emptyLeafId, undefined, 1)
    const present = [...rows.keys()][0]!
    const cases: [
      string,
      readonly TreeEntry[],
      readonly TreeEntry[],
      Record<Kind, readonly LeafAddress[]>,
    ][] = [
      ['equal', [], [], { missing: [], extra: [], different: [] }],
      ['missing', [], [insert], { missing: [place(emptyLeafId)], extra: [], different: [] }],
      ['extra', [insert], [], { missing: [], extra: [place(emptyLeafId)], different: [] }],
      [
        'changed',
        [insert],
        [entry(emptyLeafId, undefined, 2)],
        { missing: [], extra: [], different: [place(emptyLeafId)] },
      ],
      [
        'one more item in a leaf that is not empty',
        [],
        [entry(present, undefined, 7)],
        { missing: [], extra: [], different: [place(present)] },
      ],
    ]
    for (const [name, here, there, expected] of cases) {
      const [local, remote] = [base.clone(), base.clone()]
      local.apply(here)
      remote.apply(there)
      const { missing, extra, different } = await distantDiff(local, remote)
      expect({ missing, extra, different }, name).toEqual(expected)
    }
  })

  it('finds an item moved between branches at both places', async () => {
    const base = treeFromScratch(randomRows(seededRandom(seed), 1_000), BRANCHES, digester)
    const [from, to] = [unusedLeafId(base, 'user.'), unusedLeafId(base, 'order.')]
    const [local, remote] = [base.clone(), base.clone()]
    local.apply([entry(from, undefined, 5)])
    remote.apply([entry(to, undefined, 5)])
    const found = await distantDiff(local, remote)
    expect(found.extra).toEqual([place(from)])
    expect(found.missing).toEqual([place(to)])
    expect(found.different).toEqual([])
  })

  it('finds differences whose counts and content sums cancel in the whole: branches are compared, not roots [P29]', async () => {
    const [local, remote] = [new DigestTree(BRANCHES), new DigestTree(BRANCHES)]
    const sums = { count: 1, membership: 3n, contentHigh: 5n, contentLow: 7n }
    local.addToLeaf(1, 4_000, sums)
    remote.addToLeaf(2, 4_000, sums)
    expect(local.root()).toBe(remote.root())
    const found = await distantDiff(local, remote)
    expect(namesOf(found)).toEqual(naiveDifference(local, remote))
    expect(found.extra.length + found.missing.length).toBe(2)
  })

  it.each([1, 100, 8_000])(
    'finds one difference among %i items of a flat key space in at most 3 round trips and 32 KB [P33]',
    async (items) => {
      const random = seededRandom(seed)
      const rows: ModelRows = new Map()
      for (let index = 0; index < items; index++) rows.set(`k${index}`, randomRow(random, index))
      const remote = treeFromScratch(rows, ONE_BRANCH, digester)
      for (const changed of [`k${random.below(items)}`, 'new']) {
        const local = remote.clone()
        local.apply([entry(changed, undefined, 9)])
        const asked: string[] = []
        const found = await distantDiff(local, remote, {}, asked)
        expect(allOf(found)).toEqual([leafOf(changed, ONE_BRANCH)])
        expect(found.roundTrips).toBeLessThanOrEqual(3)
        expect(found.roundTrips).toBe(asked.length)
        expect(found.remoteBytes).toBeLessThanOrEqual(32_000)
      }
    },
  )

  it('asks once when the trees are equal, whatever their size', async () => {
    const remote = treeFromScratch(randomRows(seededRandom(seed), 2_000), BRANCHES, digester)
    const asked: string[] = []
    const found = await distantDiff(remote.clone(), remote, {}, asked)
    expect(asked).toEqual(['readBranches'])
    expect(found).toEqual({
      missing: [],
      extra: [],
      different: [],
      roundTrips: 1,
      remoteBytes: BRANCHES.prefixes.length * 28,
    })
  })

  it('takes the whole leaf vector when counts tell of many differences, and walks when not; both find the same', async () => {
    const random = seededRandom(seed)
    const rows: ModelRows = new Map()
    for (let index = 0; index < 3_000; index++) rows.set(`k${index}`, randomRow(random, index))
    const remote = treeFromScratch(rows, ONE_BRANCH, digester)
    const local = remote.clone()
    local.apply(Array.from({ length: 300 }, (_, index) => entry(`extra.${index}`, undefined, index)))
    const plans: [DiffOptions, string[]][] = [
      [{}, ['readBranches', 'readAllPages']],
      [{ wholeFromGap: 300 }, ['readBranches', 'readAllPages']],
      [{ wholeFromGap: 301 }, ['readBranches', 'readPageSums', 'readPages']],
    ]
    const results = []
    for (const [options, expected] of plans) {
      const asked: string[] = []
      results.push(namesOf(await distantDiff(local, remote, options, asked)))
      expect(asked).toEqual(expected)
    }
    expect(results).toEqual(plans.map(() => naiveDifference(local, remote)))
    expect(results[0]!.length).toBeGreaterThan(250)
  })

  it('reads a small branch whole: two round trips', async () => {
    const remote = treeFromScratch(randomRows(seededRandom(seed), 60), ONE_BRANCH, digester)
    const asked: string[] = []
    await distantDiff(new DigestTree(ONE_BRANCH), remote, {}, asked)
    expect(asked).toEqual(['readBranches', 'readAllPages'])
  })

  it('cuts what it asks for into trips of bounded size when many branches differ much', async () => {
    const branches = createBranchSet(['a.', 'b.', 'c.', 'd.', 'e.'])
    const remote = new DigestTree(branches)
    for (const name of branches.prefixes) {
      remote.apply(Array.from({ length: 2_000 }, (_, index) => entry(`${name}${index}`, undefined, index)))
    }
    const [walked, whole]: string[][] = [[], []]
    const local = new DigestTree(branches)
    await distantDiff(local, remote, { wholeFromGap: 2 ** 31 }, walked)
    // 6 branches × 256 pages, 1,024 a trip.
    expect(walked).toEqual(['readBranches', 'readPageSums', 'readPages', 'readPages'])
    const found = await distantDiff(local, remote, {}, whole)
    expect(whole).toEqual(['readBranches', 'readAllPages', 'readAllPages'])
    expect(found.roundTrips).toBe(3)
    expect(namesOf(found)).toEqual(naiveDifference(local, remote))
  })

  it('notices a side that changes while it is read, on the walk and on the whole vector', async () => {
    const random = seededRandom(seed)
    const remote = treeFromScratch(randomRows(random, 1_000), ONE_BRANCH, digester)
    const local = remote.clone()
    local.apply([entry('new', undefined, 1)])
    for (const options of [{}, { wholeFromGap: 1 }]) {
      for (const after of ['readBranches', 'readPageSums'] as const) {
        if (after === 'readPageSums' && options.wholeFromGap === 1) continue
        for (const side of ['local', 'remote'] as const) {
          const trees = { local: local.clone(), remote: remote.clone() }
          const sources = { local: treeSource(trees.local), remote: treeSource(trees.remote) }
          sources[side] = changing(sources[side], after, () => {
            // Into the page that differs, so that the walk must meet it.
            trees[side].addToLeaf(0, leafOf('new', ONE_BRANCH).bucket ^ 1, randomSums(random))
          })
          const attempt = diff(sources.local, sources.remote, options)
          await expect(attempt).rejects.toThrow(TreeChanged)
          await expect(attempt).rejects.toMatchObject({ code: 'SE_TREE_CHANGED', details: { side } })
        }
      }
    }
  })

  it('refuses answers that are no answer to what was asked', async () => {
    const remote = treeFromScratch(randomRows(seededRandom(seed), 1_000), ONE_BRANCH, digester)
    const local = remote.clone()
    local.apply([entry('new', undefined, 1)])
    const whole = { wholeFromGap: 1 }
    const honest = treeSource(remote)
    const page = { branch: 0, page: 3, bytes: remote.page(0, 3)! }
    const lies: [string, Partial<TreeSource>, DiffOptions][] = [
      ['short sums', { readBranches: async () => ({ prefixes: [''], sums: new Uint8Array(27) }) }, {}],
      ['no page sums', { readPageSums: async () => [] }, {}],
      ['page sums that are no page', { readPageSums: async () => [new Uint8Array(40)] }, {}],
      ['too many pages', { readPages: async (asked) => [...(await honest.readPages(asked)), undefined] }, {}],
      ['cut pages', { readPages: async (asked) => asked.map(() => new Uint8Array(5)) }, {}],
      ['a page twice', { readAllPages: async () => [page, page] }, whole],
      ['a page of another branch', { readAllPages: async () => [{ ...page, branch: 1 }] }, whole],
      ['a page out of range', { readAllPages: async () => [{ ...page, page: 256 }] }, whole],
      ['a page of no number', { readAllPages: async () => [{ ...page, page: 0.5 }] }, whole],
      ['nothing', { readBranches: wrongAnswer(undefined) }, {}],
      ['no prefixes', { readBranches: wrongAnswer({ sums: new Uint8Array(28) }) }, {}],
      ['no sums', { readBranches: wrongAnswer({ prefixes: [''] }) }, {}],
      [
        'sums that are a list',
        { readBranches: wrongAnswer({ prefixes: [''], sums: Array(28).fill(0) }) },
        {},
      ],
      ['nothing for page sums', { readPageSums: wrongAnswer(null) }, {}],
      ['null for page sums', { readPageSums: wrongAnswer([null]) }, {}],
      ['text for page sums', { readPageSums: wrongAnswer(['x'.repeat(61)]) }, {}],
      ['null for a page, as JSON has it', { readPages: wrongAnswer([null]) }, {}],
      ['nothing for pages', { readPages: wrongAnswer(undefined) }, {}],
      ['nothing for all pages', { readAllPages: wrongAnswer(undefined) }, whole],
      ['null among all pages', { readAllPages: wrongAnswer([null]) }, whole],
      ['a page without bytes', { readAllPages: wrongAnswer([{ ...page, bytes: null }]) }, whole],
    ]
    for (const [name, lie, options] of lies) {
      const attempt = diff(treeSource(local), { ...honest, ...lie }, options)
      await expect(attempt, name).rejects.toThrow(CorruptData)
    }
    await expect(diff(treeSource(local), honest, whole)).resolves.toMatchObject({ roundTrips: 2 })
    for (const [name, lie] of lies.filter(([, lie]) => 'readBranches' in lie || 'readAllPages' in lie)) {
      await expect(loadTree({ ...honest, ...lie }, ONE_BRANCH), name).rejects.toThrow(CorruptData)
    }
  })

  it('loads no tree from pages that do not add up to its sums', async () => {
    const tree = treeFromScratch(randomRows(seededRandom(seed), 1_000), BRANCHES, digester)
    const honest = treeSource(tree)
    expect(portrait(await loadTree(honest, BRANCHES))).toBe(portrait(tree))
    const shorter = {
      ...honest,
      readAllPages: async (asked: readonly number[]) => (await honest.readAllPages(asked)).slice(1),
    }
    await expect(loadTree(shorter, BRANCHES)).rejects.toThrow(TreeChanged)
    const writing = changing(treeSource(tree), 'readBranches', () => tree.apply([entry('new', undefined, 1)]))
    await expect(loadTree(writing, BRANCHES)).rejects.toThrow(TreeChanged)
  })

  it('passes on the error of a side that cannot answer, and never takes it for emptiness [R1]', async () => {
    const remote = treeFromScratch(randomRows(seededRandom(seed), 400), ONE_BRANCH, digester)
    const failure = new Error('connection lost')
    const broken = { ...treeSource(remote), readPages: () => Promise.reject(failure) }
    const local = remote.clone()
    local.apply([entry('new', undefined, 1)])
    await expect(diff(treeSource(local), broken)).rejects.toBe(failure)
  })

  it('refuses sides with different branch sets', async () => {
    const others: BranchSet[] = [
      ONE_BRANCH,
      createBranchSet(['user.']),
      createBranchSet(['user.', 'z.', 'order.', '日本.']),
    ]
    const tree = new DigestTree(BRANCHES)
    for (const other of others.map((branches) => new DigestTree(branches))) {
      await expect(diff(treeSource(tree), treeSource(other))).rejects.toThrow(InvalidInput)
      await expect(loadTree(treeSource(other), BRANCHES)).rejects.toThrow(/^branches: differ/)
      expect(() => differingLeaves(tree, other)).toThrow(InvalidInput)
    }
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses a threshold of %d', async (wholeFromGap) => {
    const source = treeSource(new DigestTree(ONE_BRANCH))
    await expect(diff(source, source, { wholeFromGap })).rejects.toThrow(/^wholeFromGap: .*from 1/)
  })

  it('leads to equal trees when the leaves it names are taken over', async () => {
    const random = seededRandom(seed)
    const ours = randomRows(random, 2_000)
    const theirs: ModelRows = new Map(ours)
    plant(random, ours, theirs, 40)
    const [local, remote] = [ours, theirs].map((rows) => treeFromScratch(rows, BRANCHES, digester))
    for (const { branch, bucket } of allOf(await distantDiff(local!, remote!))) {
      local!.setPage(branch, bucket >> 8, remote!.page(branch, bucket >> 8))
    }
    expect(portrait(local!)).toBe(portrait(remote!))
  })
})

type Kind = 'missing' | 'extra' | 'different'

/** Diff with a remote side that gives copies of plain data, as a wire does, and is late by a turn. */
function distantDiff(
  local: DigestTree,
  remote: DigestTree,
  options: DiffOptions = {},
  asked: string[] = [],
): Promise<TreeDiff> {
  const source = treeSource(remote)
  const overWire =
    <Argument, Answer>(name: string, call: (argument: Argument) => Promise<Answer>) =>
    async (argument: Argument): Promise<Answer> => {
      asked.push(name)
      await Promise.resolve()
      return structuredClone(await call(structuredClone(argument)))
    }
  const distant: TreeSource = {
    readBranches: overWire('readBranches', () => source.readBranches()) as TreeSource['readBranches'],
    readPageSums: overWire('readPageSums', source.readPageSums),
    readPages: overWire('readPages', source.readPages),
    readAllPages: overWire('readAllPages', source.readAllPages),
  }
  return diff(treeSource(local), distant, options)
}

/** An answer that a JavaScript or a remote side may give, whatever the types say. */
function wrongAnswer(answer: unknown): () => Promise<never> {
  return async () => answer as never
}

function changing(
  source: TreeSource,
  after: 'readBranches' | 'readPageSums',
  change: () => void,
): TreeSource {
  return {
    ...source,
    async readBranches() {
      const answer = await source.readBranches()
      if (after === 'readBranches') change()
      return answer
    },
    async readPageSums(branches) {
      const answer = await source.readPageSums(branches)
      if (after === 'readPageSums') change()
      return answer
    },
  }
}

/** What differs, leaf by leaf, without any tree: `branch/bucket kind`, sorted. */
function naiveDifference(local: DigestTree, remote: DigestTree): string[] {
  const asMap = (tree: DigestTree) =>
    new Map(
      [...tree.leaves()].map(({ branch, bucket, sums }) => [
        `${branch}/${bucket}`,
        Buffer.from(encodeLeaf(sums)).toString('hex'),
      ]),
    )
  const [ours, theirs] = [asMap(local), asMap(remote)]
  const names: string[] = []
  for (const place of new Set([...ours.keys(), ...theirs.keys()])) {
    if (!ours.has(place)) names.push(`${place} missing`)
    else if (!theirs.has(place)) names.push(`${place} extra`)
    else if (ours.get(place) !== theirs.get(place)) names.push(`${place} different`)
  }
  return names.sort()
}

function namesOf(found: Pick<TreeDiff, Kind>): string[] {
  return (['missing', 'extra', 'different'] as const)
    .flatMap((kind) => found[kind].map(({ branch, bucket }) => `${branch}/${bucket} ${kind}`))
    .sort()
}

function allOf(found: Pick<TreeDiff, Kind>): LeafAddress[] {
  return [...found.missing, ...found.extra, ...found.different].sort(
    (a, b) => a.branch - b.branch || a.bucket - b.bucket,
  )
}

function randomRows(random: SeededRandom, count: number): ModelRows {
  const rows: ModelRows = new Map()
  for (let index = 0; index < count; index++) {
    rows.set(`${random.pick(ID_STEMS)}${index}`, randomRow(random, index))
  }
  return rows
}

/** Makes two equal sets differ: missing, extra, changed value, changed stamp, moved between branches. */
function plant(random: SeededRandom, ours: ModelRows, theirs: ModelRows, count: number): void {
  const ids = [...theirs.keys()]
  for (let index = 0; index < count; index++) {
    const id = ids.length === 0 ? `x${index}` : random.pick(ids)
    const row = theirs.get(id) ?? randomRow(random, index)
    switch (random.below(5)) {
      case 0:
        ours.delete(id)
        break
      case 1:
        theirs.delete(id)
        break
      case 2:
        ours.set(id, { ...row, bytes: new Uint8Array([...row.bytes, 1]) })
        break
      case 3:
        theirs.set(id, { ...row, stamp: { ...row.stamp, time: row.stamp.time + 1 } })
        break
      default:
        ours.delete(id)
        ours.set(`${random.pick(ID_STEMS)}moved.${index}`, row)
    }
  }
}

function entry(id: string, previous: number | undefined, fill: number): TreeEntry {
  return {
    id,
    previousDigest: previous === undefined ? undefined : new Uint8Array(16).fill(previous),
    digest: new Uint8Array(16).fill(fill + 1),
  }
}

function place(id: string): LeafAddress {
  return leafOf(id, BRANCHES)
}

/** An id whose leaf is empty in the tree. */
function unusedLeafId(tree: DigestTree, stem: string): string {
  for (let index = 0; ; index++) {
    const id = `${stem}unused.${index}`
    const { branch, bucket } = leafOf(id, tree.branches)
    if (tree.leaf(branch, bucket).count === 0) return id
  }
}

function randomSums(random: SeededRandom) {
  return { count: 1, membership: BigInt(1 + random.below(2 ** 32)), contentHigh: 1n, contentLow: 2n }
}

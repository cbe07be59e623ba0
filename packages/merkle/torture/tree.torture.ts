/**
 * Replicas of one set that hear of its writers' changes in orders and ways of their own, for as long as there is time:
 * `npm run torture -- --only merkle --minutes 60`.
 *
 * Beside each replica's tree its leaves are kept as BigInt sums in a map, entry by entry. While replicas lag behind each other, their
 * diff must be the difference of the two maps; once each has heard everything, all levels of all trees must be those of the rows
 * themselves, bit for bit.
 *
 * One run is one seed and 8,000 to 200,000 writes, so that what fails is repeated in seconds.
 */
import assert from 'node:assert/strict'
import { createBranchSet, type BranchSet, type LeafAddress } from '@se/core'
import { hashId, membershipOf } from '@se/core/hash'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import {
  createRowDigester,
  diff,
  differingLeaves,
  DigestTree,
  leafOf,
  loadTree,
  memoryLeafStore,
  treeSource,
  type LeafStore,
  type LeafSums,
  type RowDigester,
  type TreeEntry,
} from '../src/index.ts'
import { ID_STEMS, randomRow, write, type ModelRows } from '../test/model.ts'

export const area = 'merkle'

const ROUNDS = 4
/** Steps in which a replica hears of a round, about. */
const STEPS = 5
const REPLICAS = 3

/** Leaves by place (branch · 2^16 + bucket), those that are not empty. */
type NaiveLeaves = Map<number, LeafSums>

interface Replica {
  tree: DigestTree
  /** Written to in the tree's place; the tree is then loaded from it. */
  store: LeafStore | undefined
  readonly leaves: NaiveLeaves
  /** Batches it has not heard of yet. */
  backlog: (readonly TreeEntry[])[]
}

export async function run(options: { seed: number; log: (line: string) => void }): Promise<void> {
  const random = seededRandom(options.seed)
  const branches = randomBranches(random)
  const digester = createRowDigester(random.chance(0.5) ? random.bytes(16) : undefined)
  const shape = {
    writesARound: random.pick([2_000, 10_000, 50_000]),
    ids: random.pick([300, 10_000, 60_000, 400_000]),
    writers: 1 + random.below(8),
    deleteShare: random.pick([0.05, 0.3, 0.6]),
  }
  const rows: ModelRows = new Map()
  const replicas = Array.from({ length: REPLICAS }, (): Replica => {
    const store = random.chance(0.3) ? memoryLeafStore(branches) : undefined
    return { tree: new DigestTree(branches), store, leaves: new Map(), backlog: [] }
  })
  let differencesFound = 0
  for (let round = 0; round < ROUNDS; round++) {
    const batches = randomBatches(random, rows, digester, round, shape)
    for (const replica of replicas) replica.backlog.push(...shuffled(random, batches))
    while (replicas.some(({ backlog }) => backlog.length > 0)) {
      for (const replica of replicas) {
        const heard = replica.backlog.splice(0, 1 + random.below((2 * batches.length) / STEPS))
        for (const batch of heard) await hear(random, replica, batch)
        await refresh(random, replica, branches)
      }
      const [local, remote] = [random.pick(replicas), random.pick(replicas)]
      differencesFound += await checkDiff(random, local, remote)
    }
    checkFromRows(random, replicas, rows, branches, digester)
  }
  options.log(
    `seed ${options.seed}: ${ROUNDS * shape.writesARound} writes by ${shape.writers} to ${branches.prefixes.length} branches, ` +
      `${rows.size} rows and ${replicas[0]!.leaves.size} leaves at the end, ${differencesFound} differences found`,
  )
}

function randomBranches(random: SeededRandom): BranchSet {
  if (random.chance(0.1)) return createBranchSet(Array.from({ length: 255 }, (_, index) => `x${index}`))
  return createBranchSet(ID_STEMS.filter(() => random.chance(0.4)))
}

/** What the writers of a round did to the rows, each in batches of its own size. */
function randomBatches(
  random: SeededRandom,
  rows: ModelRows,
  digester: RowDigester,
  round: number,
  shape: { writesARound: number; ids: number; writers: number; deleteShare: number },
): TreeEntry[][] {
  const writers = Array.from({ length: shape.writers }, (): TreeEntry[] => [])
  const stems = random.chance(0.5) ? ID_STEMS : [random.pick(ID_STEMS)]
  for (let time = 0; time < shape.writesARound; time++) {
    const id = `${random.pick(stems)}${random.below(shape.ids)}`
    const row = random.chance(shape.deleteShare) ? undefined : randomRow(random, round * 1e6 + time)
    random.pick(writers).push(write(rows, id, row, digester))
  }
  return writers.flatMap((entries) => {
    const batches: TreeEntry[][] = []
    const length = random.pick([1, 7, 64, 65, 200, 1_000])
    for (let at = 0; at < entries.length; at += length) batches.push(entries.slice(at, at + length))
    return batches
  })
}

async function hear(random: SeededRandom, replica: Replica, batch: readonly TreeEntry[]): Promise<void> {
  for (const entry of batch) addNaively(replica.leaves, replica.tree.branches, entry)
  if (replica.store === undefined && random.chance(0.8)) {
    replica.tree.apply(batch)
    return
  }
  const changes = new DigestTree(replica.tree.branches)
  changes.apply(batch)
  const deltas = [...changes.leaves()]
  if (replica.store !== undefined) await replica.store.add(deltas)
  else for (const { branch, bucket, sums } of deltas) replica.tree.addToLeaf(branch, bucket, sums)
}

/** A tree that is loaded, cloned or carried over by its pages goes on as the one it was. */
async function refresh(random: SeededRandom, replica: Replica, branches: BranchSet): Promise<void> {
  const way = random.fraction()
  if (replica.store !== undefined) {
    replica.tree = await loadTree(replica.store, branches)
  } else if (way < 0.2) {
    replica.tree = replica.tree.clone()
  } else if (way < 0.4) {
    const copy = new DigestTree(branches)
    for (const { branch, page, bytes } of replica.tree.pages()) copy.setPage(branch, page, bytes)
    replica.tree = copy
  }
}

/** @returns how many leaves differ */
async function checkDiff(random: SeededRandom, local: Replica, remote: Replica): Promise<number> {
  const missing: number[] = []
  const extra: number[] = []
  const different: number[] = []
  for (const [place, sums] of remote.leaves) {
    const ours = local.leaves.get(place)
    if (ours === undefined) missing.push(place)
    else if (!isEqual(ours, sums)) different.push(place)
  }
  for (const place of local.leaves.keys()) if (!remote.leaves.has(place)) extra.push(place)

  const wholeFromGap = random.pick([1, 256, 2 ** 31])
  const found = await diff(treeSource(local.tree), treeSource(remote.tree), { wholeFromGap })
  assert.deepEqual(found.missing.map(placeOf), missing.toSorted(ascending))
  assert.deepEqual(found.extra.map(placeOf), extra.toSorted(ascending))
  assert.deepEqual(found.different.map(placeOf), different.toSorted(ascending))
  const all = [...missing, ...extra, ...different].toSorted(ascending)
  // At most four branches, or 1,024 pages, are asked for at once.
  const differing = new Set(all.map((place) => place >>> 16)).size
  const tripsMax = 2 + Math.max(1, Math.ceil(differing / 4))
  assert.ok(found.roundTrips <= tripsMax, `${found.roundTrips} round trips for ${differing} branches`)
  assert.deepEqual(differingLeaves(local.tree, remote.tree).map(placeOf), all)
  return all.length
}

/** Everything a tree shows is what the rows themselves give. */
function checkFromRows(
  random: SeededRandom,
  replicas: readonly Replica[],
  rows: ModelRows,
  branches: BranchSet,
  digester: RowDigester,
): void {
  const leaves: NaiveLeaves = new Map()
  const entries = [...rows].map(([id, row]): TreeEntry => {
    return { id, previousDigest: undefined, digest: digester.digest({ id, ...row }) }
  })
  for (const entry of entries) addNaively(leaves, branches, entry)
  const expected = new DigestTree(branches)
  for (const entry of shuffled(random, entries)) expected.apply([entry])
  const pages = [...expected.pages()]
  const byBranch = branches.prefixes.map(() => NOTHING)
  for (const [place, sums] of leaves) byBranch[place >>> 16] = plus(byBranch[place >>> 16]!, sums, 1n)
  const total = byBranch.reduce((sum, sums) => plus(sum, sums, 1n))

  for (const tree of [expected, ...replicas.map(({ tree }) => tree)]) {
    assert.equal(tree.count, rows.size)
    assert.deepEqual(tree.rootSums(), total)
    assert.deepEqual(
      branches.prefixes.map((name) => tree.branch(name).sums),
      byBranch,
    )
    let leafCount = 0
    for (const leaf of tree.leaves()) {
      const sums = leaves.get(placeOf(leaf))
      if (sums === undefined || !isEqual(leaf.sums, sums)) assert.deepEqual(leaf.sums, sums)
      leafCount++
    }
    assert.equal(leafCount, leaves.size)
    const ownPages = [...tree.pages()]
    assert.equal(ownPages.length, pages.length)
    for (const [index, { branch, page, bytes }] of ownPages.entries()) {
      const other = pages[index]!
      assert.ok(branch === other.branch && page === other.page && Buffer.compare(bytes, other.bytes) === 0)
    }
    assert.equal(tree.root(), expected.root())
  }
}

const NOTHING: LeafSums = { count: 0, membership: 0n, contentHigh: 0n, contentLow: 0n }

function addNaively(leaves: NaiveLeaves, branches: BranchSet, entry: TreeEntry): void {
  const place = placeOf(leafOf(entry.id, branches))
  let sums = leaves.get(place) ?? NOTHING
  const membership = membershipOf(hashId(entry.id))
  if (entry.digest !== undefined) sums = plus(sums, itemSums(membership, entry.digest), 1n)
  if (entry.previousDigest !== undefined) sums = plus(sums, itemSums(membership, entry.previousDigest), -1n)
  if (isEqual(sums, NOTHING)) leaves.delete(place)
  else leaves.set(place, sums)
}

function itemSums(membership: bigint, digest: Uint8Array): LeafSums {
  const halves = new DataView(digest.buffer, digest.byteOffset, digest.byteLength)
  return { count: 1, membership, contentHigh: halves.getBigUint64(0), contentLow: halves.getBigUint64(8) }
}

function plus(a: LeafSums, b: LeafSums, sign: 1n | -1n): LeafSums {
  return {
    count: (a.count + Number(sign) * b.count) >>> 0,
    membership: BigInt.asUintN(64, a.membership + sign * b.membership),
    contentHigh: BigInt.asUintN(64, a.contentHigh + sign * b.contentHigh),
    contentLow: BigInt.asUintN(64, a.contentLow + sign * b.contentLow),
  }
}

function isEqual(a: LeafSums, b: LeafSums): boolean {
  return (
    a.count === b.count &&
    a.membership === b.membership &&
    a.contentHigh === b.contentHigh &&
    a.contentLow === b.contentLow
  )
}

function placeOf({ branch, bucket }: LeafAddress): number {
  return branch * 65_536 + bucket
}

function ascending(a: number, b: number): number {
  return a - b
}

function shuffled<T>(random: SeededRandom, list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, order: random.fraction() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value)
}

/**
 * What the proof costs: a row digest and a tree update beside the SHA-256 they contain, one update and the new root
 * beside a tree that has to be built again, and a diff by number of differences.
 *
 * Rows are 100 bytes of value under ids like `user.123456`, digests keyed as by default: 168 bytes to hash.
 */
import { hash } from 'node:crypto'
import { defineCase, defineReport, type ComparedCase, type ReportCase } from '@se/bench'
import { createBranchSet } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { MerkleTree } from 'merkletreejs'
import {
  createRowDigester,
  diff,
  DigestTree,
  treeSource,
  type DigestedRow,
  type TreeEntry,
} from '../src/index.ts'
import { createRowEncoder } from '../src/row-digest.ts'

export const area = 'merkle'

const VALUE_BYTES = 100
/** Entries given to one `apply`: the engine's largest batch. */
const BATCH = 1_000
const KEY = Uint8Array.from({ length: 16 }, (_, index) => index)
const BRANCHES = createBranchSet(['user.', 'order.'])

export const cases: readonly (ComparedCase | ReportCase)[] = [
  defineCase({
    case: 'merkle.update.1M',
    unit: 'updates/s',
    better: 'higher',
    setup: async () => {
      const items = 1_000_000
      const digester = createRowDigester(KEY)
      let tree = new DigestTree(BRANCHES)
      const batchesMs: Record<'ours' | 'bare', number[]> = { ours: [], bare: [] }
      return {
        ours: () => {
          tree = new DigestTree(BRANCHES)
          return batchesPerSecond(items, batchesMs.ours, makeRows, (rows) => {
            tree.apply(
              rows.map((row) => ({ id: row.id, previousDigest: undefined, digest: digester.digest(row) })),
            )
          })
        },
        against: {
          'bare sha256 of the same bytes': () =>
            batchesPerSecond(
              items,
              batchesMs.bare,
              (first, count) => encodeRows(makeRows(first, count)),
              (encoded) => {
                for (const bytes of encoded) hash('sha256', bytes, 'binary')
              },
            ),
        },
        notes: () => [
          `${items} items in the tree (${tree.count} counted), ${encodeRows(makeRows(items - 1, 1))[0]!.length} bytes hashed a row`,
          'both sides: input made just before it is used, in batches of 1,000 values of one buffer, outside the time that counts',
          'bare: the encodings lie ready, the hash comes back as the string that is cheapest on Node',
          `least disturbed tenth of the batches, a row: ours ${tenthNs(batchesMs.ours)} ns, bare ${tenthNs(batchesMs.bare)} ns`,
        ],
      }
    },
  }),
  defineCase({
    case: 'merkle.update-one-and-root.100k',
    unit: 'us',
    better: 'lower',
    setup: async () => {
      const items = 100_000
      const updates = 20_000
      const rows = makeRows(0, items)
      const digester = createRowDigester(KEY)
      const digests = rows.map((row) => digester.digest(row))
      const tree = new DigestTree(BRANCHES)
      tree.apply(rows.map(({ id }, index) => ({ id, previousDigest: undefined, digest: digests[index] })))
      const leaves = digests.map((digest) => Buffer.from(digest))
      const sha256 = (data: Buffer) => hash('sha256', data, 'buffer')
      let time = 2e15
      let roots = 0
      return {
        ours: () => {
          const startedMs = performance.now()
          for (let update = 0; update < updates; update++) {
            const index = (update * 7_919) % items
            const row = rows[index]!
            const digest = digester.digest({ ...row, stamp: { time: time++, instance: 1 } })
            tree.apply([{ id: row.id, previousDigest: digests[index], digest }])
            digests[index] = digest
            roots += tree.root().length
          }
          return ((performance.now() - startedMs) * 1e3) / updates
        },
        against: {
          'merkletreejs rebuild': () => {
            const index = (time * 31) % items
            leaves[index] = Buffer.from(
              digester.digest({ ...rows[index]!, stamp: { time: time++, instance: 2 } }),
            )
            const startedMs = performance.now()
            roots += new MerkleTree(leaves, sha256).getHexRoot().length
            return (performance.now() - startedMs) * 1e3
          },
        },
        notes: () => [
          `ours: a row digest, an update and a root each (${roots > 0 ? 'roots were read' : 'no root'}); ${items} items`,
          "merkletreejs is given the digests as its leaves and Node's own SHA-256",
        ],
      }
    },
  }),
  defineReport({
    case: 'merkle.tree',
    report: async () => ({
      columns: ['items', 'root', 'update', 'clone', 'all pages'],
      rows: [10_000, 1_000_000].map((items) => treeFigures(items)),
      notes: [
        'update: one entry of a known digest, in batches of 1,000; all pages: encoded, as for storing the whole tree',
      ],
    }),
  }),
  defineReport({
    case: 'merkle.diff.1M',
    report: async () => ({
      columns: ['differences', 'found', 'round trips', 'bytes read', 'CPU of both sides'],
      rows: await diffFigures(1_000_000, [0, 1, 10, 100, 1_000, 10_000]),
      notes: [
        '10^6 items on each side, changed values; median CPU of 9 runs, in one process, both sides included',
      ],
    }),
  }),
]

/** Values are parts of one buffer, as they come in a packet: a thousand small ones to free would be the bench's garbage, not the tree's. */
function makeRows(first: number, count: number): DigestedRow[] {
  const values = new Uint8Array(count * VALUE_BYTES)
  return Array.from({ length: count }, (_, offset) => ({
    id: `user.${first + offset}`,
    stamp: { time: 1e15 + first + offset, instance: 1 },
    state: 'default',
    contentType: 'application/json',
    bytes: values.subarray(offset * VALUE_BYTES, (offset + 1) * VALUE_BYTES).fill(first + offset),
  }))
}

function encodeRows(rows: readonly DigestedRow[]): Uint8Array[] {
  const encoder = createRowEncoder(KEY)
  return rows.map((row) => encoder.encode(row).slice())
}

/** Nanoseconds a row in a batch that only a tenth of all were faster than: what other work on the machine hardly touched. */
function tenthNs(batchesMs: readonly number[]): number {
  const sorted = batchesMs.toSorted((a, b) => a - b)
  return Math.round((sorted[Math.floor(sorted.length / 10)]! * 1e6) / BATCH)
}

/** Makes a batch, then times the work on it, until all items are through. */
function batchesPerSecond<Batch>(
  items: number,
  batchesMs: number[],
  make: (first: number, count: number) => Batch,
  work: (batch: Batch) => void,
): number {
  let workedMs = 0
  for (let first = 0; first < items; first += BATCH) {
    const batch = make(first, BATCH)
    const startedMs = performance.now()
    work(batch)
    const batchMs = performance.now() - startedMs
    batchesMs.push(batchMs)
    workedMs += batchMs
  }
  return (items * 1e3) / workedMs
}

function perSecond(items: number, work: () => void): number {
  const startedMs = performance.now()
  work()
  return (items * 1e3) / (performance.now() - startedMs)
}

/** Entries of rows that nobody digested: their digests are random, which is what digests look like. */
function makeEntries(items: number): TreeEntry[] {
  const random = seededRandom(2)
  const pool = random.bytes(items * 16)
  return Array.from({ length: items }, (_, index) => ({
    id: `${index % 2 === 0 ? 'user' : 'order'}.${index}`,
    previousDigest: undefined,
    digest: pool.slice(index * 16, index * 16 + 16),
  }))
}

function treeFigures(items: number): (string | number)[] {
  const entries = makeEntries(items)
  const updateNs = medianOf(9, () => {
    const fresh = new DigestTree(BRANCHES)
    return 1e9 / perSecond(items, () => applyInBatches(fresh, entries))
  })
  const tree = new DigestTree(BRANCHES)
  applyInBatches(tree, entries)
  const roots = 100_000
  const rootNs = medianOf(9, () => {
    return (
      1e9 /
      perSecond(roots, () => {
        for (let round = 0; round < roots; round++) tree.root()
      })
    )
  })
  const cloneMs = medianOf(9, () => 1e3 / perSecond(1, () => void tree.clone()))
  const pagesMs = medianOf(9, () => 1e3 / perSecond(1, () => void [...tree.pages()]))
  return [
    items.toLocaleString('en'),
    `${Math.round(rootNs)} ns`,
    `${Math.round(updateNs)} ns`,
    `${cloneMs.toFixed(2)} ms`,
    `${pagesMs.toFixed(2)} ms`,
  ]
}

async function diffFigures(items: number, counts: readonly number[]): Promise<(string | number)[][]> {
  const entries = makeEntries(items)
  const remote = new DigestTree(BRANCHES)
  applyInBatches(remote, entries)
  const figures: (string | number)[][] = []
  for (const count of counts) {
    const local = remote.clone()
    const step = Math.floor(items / Math.max(count, 1))
    for (let difference = 0; difference < count; difference++) {
      const { id, digest } = entries[difference * step]!
      local.apply([{ id, previousDigest: digest, digest: digest!.map((byte) => byte ^ 0xff) }])
    }
    const times: number[] = []
    let found = await diff(treeSource(local), treeSource(remote))
    for (let round = 0; round < 9; round++) {
      const before = process.cpuUsage()
      found = await diff(treeSource(local), treeSource(remote))
      const { user, system } = process.cpuUsage(before)
      times.push((user + system) / 1e3)
    }
    figures.push([
      count.toLocaleString('en'),
      `${found.different.length.toLocaleString('en')} leaves`,
      found.roundTrips,
      found.remoteBytes.toLocaleString('en'),
      `${times.sort((a, b) => a - b)[4]!.toFixed(2)} ms`,
    ])
  }
  return figures
}

function applyInBatches(tree: DigestTree, entries: readonly TreeEntry[]): void {
  for (let at = 0; at < entries.length; at += BATCH) tree.apply(entries.slice(at, at + BATCH))
}

function medianOf(rounds: number, sample: () => number): number {
  const values = Array.from({ length: rounds }, sample).sort((a, b) => a - b)
  return values[rounds >> 1]!
}

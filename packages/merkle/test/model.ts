import type { BranchSet, Stamp } from '@se/core'
import type { SeededRandom } from '@se/core/testing'
import { DigestTree, type RowDigester, type TreeEntry } from '../src/index.ts'

/** A live row of the model. */
export interface ModelRow {
  readonly stamp: Stamp
  readonly state: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

export type ModelRows = Map<string, ModelRow>

/** Ids that share prefixes, contain separators and every width of UTF-8. */
export const ID_STEMS = [
  'user.',
  'user.admin.',
  'order.',
  'order',
  'x',
  'a.b..c/',
  'straße.',
  '日本.',
  '🗝.',
] as const

export function randomId(random: SeededRandom, below: number): string {
  return `${random.pick(ID_STEMS)}${random.below(below)}`
}

export function randomRow(random: SeededRandom, time: number): ModelRow {
  return {
    stamp: { time, instance: 1 + random.below(3) },
    state: random.pick(['default', 'active', '']),
    contentType: random.pick(['application/json', 'application/octet-stream']),
    bytes: random.bytes(random.below(40)),
  }
}

/** The tree of a set of rows, made anew: what every other way of getting there must equal. */
export function treeFromScratch(rows: ModelRows, branches: BranchSet, digester: RowDigester): DigestTree {
  const tree = new DigestTree(branches)
  for (const [id, row] of rows) {
    tree.apply([{ id, previousDigest: undefined, digest: digester.digest({ id, ...row }) }])
  }
  return tree
}

/** Everything a tree shows, as text: all levels, bit for bit. */
export function portrait(tree: DigestTree): string {
  const leaves = [...tree.leaves()].map(({ branch, bucket, sums }) => `${branch}/${bucket}: ${show(sums)}`)
  const pages = [...tree.pages()].map(
    ({ branch, page, bytes }) => `${branch}/${page}: ${Buffer.from(bytes).toString('hex')}`,
  )
  const branches = tree.branches.prefixes.map((name) => `${name}: ${tree.branch(name).root}`)
  return [tree.root(), show(tree.rootSums()), ...branches, ...leaves, ...pages].join('\n')
}

/** Writes to the model and to the entry that tells of it, as a ledger does. */
export function write(
  rows: ModelRows,
  id: string,
  row: ModelRow | undefined,
  digester: RowDigester,
): TreeEntry {
  const before = rows.get(id)
  if (row === undefined) rows.delete(id)
  else rows.set(id, row)
  return {
    id,
    previousDigest: before && digester.digest({ id, ...before }),
    digest: row && digester.digest({ id, ...row }),
  }
}

function show(sums: object): string {
  return JSON.stringify(sums, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value))
}

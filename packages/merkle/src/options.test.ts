import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { createBranchSet, fieldsMarkdown, type FieldTable } from '@se/core'
import { optionsContract, optionsTableIn } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import {
  addLeaves,
  createRowDigester,
  diff,
  DigestTree,
  loadTree,
  memoryLeafStore,
  treeSource,
} from './index.ts'
import { DIFF_FIELDS, DIGESTER_FIELDS, TREE_FIELDS } from './options.ts'

/** Goal: no word is taken that nobody understands, and nobody has to guess what a tree holds. Method: every options object there is. */

const branches = createBranchSet(['user.', 'order.'])
const tree = new DigestTree(branches)
tree.apply([
  { id: 'user.a', previousDigest: undefined, digest: new Uint8Array(16).fill(1) },
  { id: 'b', previousDigest: undefined, digest: new Uint8Array(16).fill(2) },
])
const source = treeSource(tree)

const calls: [name: string, table: FieldTable, call: (given: object) => Promise<unknown>][] = [
  ['new DigestTree', TREE_FIELDS, async (given) => new DigestTree(branches, given)],
  ['loadTree', TREE_FIELDS, (given) => loadTree(source, branches, given)],
  ['createRowDigester', DIGESTER_FIELDS, async (given) => createRowDigester(undefined, given)],
  ['diff', DIFF_FIELDS, (given) => diff(source, source, given)],
]

describe.each(calls)('options of %s [P77]', (_, table, call) => {
  for (const { title, run } of optionsContract(table, call)) it(title, run)
})

it('a tree is made of a branch set, not of a list of prefixes [P77]', async () => {
  const refusal = expect.objectContaining({ code: 'SE_INVALID_INPUT', field: 'branches' })
  expect(() => new DigestTree(['user.'] as never)).toThrow(refusal)
  expect(() => memoryLeafStore(['user.'] as never)).toThrow(refusal)
  await expect(loadTree(source, ['user.'] as never)).rejects.toThrow(refusal)
})

describe('what people see [P77]', () => {
  it('of a tree is its figures, in JSON and on the console', () => {
    expect(JSON.parse(JSON.stringify(tree))).toEqual({
      count: 2,
      membership: String(tree.membership),
      root: tree.root(),
      branches: [
        { name: '', count: 1, root: tree.branch('').root },
        { name: 'user.', count: 1, root: tree.branch('user.').root },
      ],
    })
    expect(inspect(tree)).toMatch(/^DigestTree \{\n {2}count: 2,\n {2}membership: \d+n,\n {2}root: '/)
  })

  it('of sums in JSON is all four, wherever they come from', () => {
    const [leaf] = tree.leaves()
    const { sums } = tree.branch('')
    const shown = {
      count: 1,
      membership: String(sums.membership),
      contentHigh: String(0x02_02_02_02_02_02_02_02n),
      contentLow: String(0x02_02_02_02_02_02_02_02n),
    }
    expect(JSON.parse(JSON.stringify({ sums, leaf }))).toEqual({
      sums: shown,
      leaf: { ...leaf, sums: shown },
    })
    for (const each of [tree.rootSums(), tree.leaf(0, 0), addLeaves(sums, sums)]) {
      expect(() => JSON.stringify(each)).not.toThrow()
    }
  })
})

it.each(Object.entries({ DigestTree: TREE_FIELDS, createRowDigester: DIGESTER_FIELDS, diff: DIFF_FIELDS }))(
  'the README has the table of the options of %s as the code has it [P77]',
  (name, table) => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    expect(optionsTableIn(readme, name)).toBe(fieldsMarkdown(table))
  },
)

/** Goal: what a comparison of the tree is taken for. Method: a table of findings. */
import { createBranchSet } from '@se/core'
import { leafOf } from '@se/merkle'
import { expect, it } from 'vitest'
import { judgeTree, type TreeEvidence } from './tree-judgement.ts'

const branches = createBranchSet(['user.'])
const clean: TreeEvidence = {
  gap: undefined,
  differing: [],
  changedIds: [],
  comparedWith: 'the rows',
  branches,
}
const leaf = leafOf('user.alice', branches)
const other = { branch: 0, bucket: 7 }
const named = { kind: 'leaf', branch: 'user.', bucket: leaf.bucket, what: 'the tree and the rows differ' }
const changed = { kind: 'id', id: 'user.alice', what: expect.stringContaining('behind the engine') }

it.each<[string, Partial<TreeEvidence>, isEqual: boolean, because: string | RegExp, differences: unknown[]]>([
  ['nothing differs', {}, true, 'equals the rows', []],
  ['they stand at no common cut', { gap: 'pruned', differing: [leaf] }, false, 'pruned', []],
  ['a leaf differs', { differing: [leaf] }, false, /^1 difference, first leaf user\.#\d+$/, [named]],
  [
    'the row in the leaf was changed: it names the leaf',
    { differing: [leaf], changedIds: ['user.alice'] },
    false,
    '1 difference, first user.alice',
    [changed],
  ],
  [
    'another leaf differs too',
    { differing: [other, leaf], changedIds: ['user.alice'] },
    false,
    '2 differences, first user.alice',
    [changed, { ...named, branch: '', bucket: 7 }],
  ],
])('the tree where %s', (_, evidence, isEqual, because, differences) => {
  const judged = judgeTree({ ...clean, ...evidence })
  expect(judged.isEqual).toBe(isEqual)
  expect(judged.because).toMatch(because)
  expect(judged.differences).toEqual(differences)
})

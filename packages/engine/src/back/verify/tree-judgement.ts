import type { BranchSet, LeafAddress } from '@se/core'
import { leafOf } from '@se/merkle'
import { leafDifference, nameOf, type Difference } from '../../seam/view-report.ts'

/** What a comparison of the tree has found. */
export interface TreeEvidence {
  /** Why the two could not be brought to one cut. */
  readonly gap: string | undefined
  readonly differing: readonly LeafAddress[]
  /** Rows whose bytes do not give the digest beside them. */
  readonly changedIds: readonly string[]
  /** What the tree was compared with, for people. */
  readonly comparedWith: string
  readonly branches: BranchSet
}

export interface TreeJudgement {
  readonly isEqual: boolean
  readonly because: string
  readonly differences: readonly Difference[]
}

/** Whether the tree is right, and what is wrong. A leaf is not named where the row in it is that was changed. Pure. */
export function judgeTree(evidence: TreeEvidence): TreeJudgement {
  const { gap, differing, changedIds, comparedWith, branches } = evidence
  const differences: Difference[] = changedIds.map((id) => ({
    kind: 'id',
    id,
    what: 'the row does not give its digest: it was changed behind the engine',
  }))
  if (gap !== undefined) return { isEqual: false, because: gap, differences }
  const named = new Set(changedIds.map((id) => keyOf(leafOf(id, branches))))
  for (const leaf of differing) {
    if (!named.has(keyOf(leaf)))
      differences.push(leafDifference(leaf, branches, `the tree and ${comparedWith} differ`))
  }
  const [first] = differences
  if (first === undefined) return { isEqual: true, because: `equals ${comparedWith}`, differences }
  const count = differences.length === 1 ? '1 difference' : `${differences.length} differences`
  return { isEqual: false, because: `${count}, first ${nameOf(first)}`, differences }
}

function keyOf({ branch, bucket }: LeafAddress): string {
  return `${branch}#${bucket}`
}

import { covers, type Cut, type LeafAddress } from '@se/core'
import { differingLeaves, DigestTree, leafOf } from '@se/merkle'
import { leafDifference, nameOf, reportOn, type Difference, type ViewReport } from '../../seam/view-report.ts'
import { rowsBetween } from '../net.ts'
import type { BackVerifyPorts } from './ports.ts'
import type { Scan } from './scan-rows.ts'

export async function verifyTree(
  ports: Pick<BackVerifyPorts, 'archive' | 'follower' | 'branches'>,
  scan: Scan | undefined,
): Promise<ViewReport> {
  const { follower, archive, branches } = ports
  let other: { tree: DigestTree; cut: Cut; name: string }
  if (scan === undefined) {
    const stored = await archive.readTree()
    const tree = new DigestTree(branches)
    for (const { branch, page, bytes } of stored.pages) tree.setPage(branch, page, bytes)
    other = { tree, cut: stored.cut, name: 'the pages in the archive' }
  } else {
    other = { ...scan, name: 'the rows' }
  }
  const { gap, differing, expected, digest } = await compareAligned(ports, other)
  const differences: Difference[] = (scan?.changedIds ?? []).map((id) => ({
    kind: 'id',
    id,
    what: 'the row does not give its digest: it was changed behind the engine',
  }))
  if (gap === undefined) {
    const named = new Set((scan?.changedIds ?? []).map((id) => keyOf(leafOf(id, branches))))
    for (const leaf of differing) {
      if (!named.has(keyOf(leaf)))
        differences.push(leafDifference(leaf, branches, `the tree and ${other.name} differ`))
    }
  }
  const [first] = differences
  const because =
    gap ??
    (first === undefined
      ? `equals ${other.name}`
      : `${differences.length === 1 ? '1 difference' : `${differences.length} differences`}, first ${nameOf(first)}`)
  if (gap !== undefined || first !== undefined) follower.distrust(because)
  // The rows are the truth: a tree that equals what they give is right, also where a difference was found before.
  else if (scan !== undefined) follower.vouch(because)
  return reportOn('tree', follower.cut, {
    isTrusted: gap === undefined && first === undefined && follower.treeTrust.isTrusted,
    because: first === undefined && !follower.treeTrust.isTrusted ? follower.treeTrust.because : because,
    digest,
    expected,
    differences,
    repaired: 0,
  })
}

/** Two trees at one cut. */
interface Aligned {
  /** Why they cannot be brought to one cut. */
  readonly gap: string | undefined
  readonly differing: readonly LeafAddress[]
  readonly expected: string
  readonly digest: string
}

/** Moves a tree that was read elsewhere to the views' cut, and compares in the same turn, as the views move at any other time. */
async function compareAligned(
  { follower, archive }: Pick<BackVerifyPorts, 'follower' | 'archive'>,
  other: { readonly tree: DigestTree; readonly cut: Cut },
): Promise<Aligned> {
  const roots = () => ({ expected: other.tree.root(), digest: follower.tree.root() })
  for (;;) {
    await follower.catchUp()
    const tail = await archive.readTail(other.cut)
    if (tail.kind === 'gap') {
      return { gap: `the ledger between the two cuts is gone: ${tail.because}`, differing: [], ...roots() }
    }
    // A catch-up may have gone past the tail meanwhile; then read it again.
    if (!covers(tail.heads.cut, follower.cut)) continue
    for (const row of rowsBetween(tail.rows, other.cut, follower.cut)) other.tree.apply(row.entries)
    return { gap: undefined, differing: [...differingLeaves(follower.tree, other.tree)], ...roots() }
  }
}

function keyOf({ branch, bucket }: LeafAddress): string {
  return `${branch}#${bucket}`
}

import { covers, type Cut, type LeafAddress } from '@se/core'
import { differingLeaves, DigestTree } from '@se/merkle'
import type { TreeVerified } from '../../seam/messages.ts'
import { reportOn, type RowDigest } from '../../seam/view-report.ts'
import { rowsBetween } from '../net.ts'
import type { BackVerifyPorts } from './ports.ts'
import { scanRows } from './scan-rows.ts'
import { judgeTree } from './tree-judgement.ts'

/**
 * Compares the tree with the archive's pages, or where it is deep with what the rows themselves give.
 *
 * @param visit gets all rows that have a value, where the comparison is deep; the next are read when it is done
 */
export async function verifyTree(
  ports: BackVerifyPorts,
  isDeep: boolean,
  visit: (rows: readonly RowDigest[]) => Promise<void>,
): Promise<TreeVerified> {
  const { follower, branches } = ports
  const scan = isDeep ? await scanRows(ports, visit) : undefined
  const { gap, differing, expected, digest } = await compareAligned(ports, scan ?? (await readPages(ports)))
  const { isEqual, because, differences } = judgeTree({
    gap,
    differing,
    changedIds: scan?.changedIds ?? [],
    comparedWith: scan === undefined ? 'the pages in the archive' : 'the rows',
    branches,
  })
  if (!isEqual) follower.distrust(because)
  // The rows are the truth: a tree that equals what they give is right, also where a difference was found before.
  else if (scan !== undefined) follower.vouch(because)
  const { treeTrust } = follower
  const tree = reportOn('tree', follower.cut, {
    isTrusted: isEqual && treeTrust.isTrusted,
    because: isEqual && !treeTrust.isTrusted ? treeTrust.because : because,
    digest,
    expected,
    differences,
    repaired: 0,
  })
  return { tree, scan: scan && { rowsRead: scan.rowsRead, suspects: scan.suspects } }
}

async function readPages({
  archive,
  branches,
}: Pick<BackVerifyPorts, 'archive' | 'branches'>): Promise<{ readonly tree: DigestTree; readonly cut: Cut }> {
  const { pages, cut } = await archive.readTree()
  const tree = new DigestTree(branches)
  for (const { branch, page, bytes } of pages) tree.setPage(branch, page, bytes)
  return { tree, cut }
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

import { TierMisconfigured, TierUnavailable } from '@se/core'
import { leafOf } from '@se/merkle'
import {
  leafDifference,
  reportOn,
  type Difference,
  type ViewReport,
  type WrongCopy,
} from '../../seam/view-report.ts'
import type { Trust } from '../../seam/trust.ts'
import type { CacheView } from '../cache-view.ts'
import type { BackVerifyPorts } from './ports.ts'

export interface CacheVerification {
  readonly isRepair: boolean
  /** Entries that were found to be wrong, row by row. */
  readonly wrongEntries: readonly WrongCopy[]
}

/** @returns `undefined`: there is no cache */
export async function verifyCache(
  ports: Pick<BackVerifyPorts, 'cacheView' | 'follower' | 'branches'>,
  verification: CacheVerification,
): Promise<ViewReport | undefined> {
  const { cacheView } = ports
  if (cacheView === undefined) return undefined
  try {
    return await compareCache(ports, cacheView, verification)
  } catch (error) {
    // The cache may be lost at any time: that is a finding, not a failure of the comparison.
    if (!(error instanceof TierUnavailable || error instanceof TierMisconfigured)) throw error
    return reportOn('cache', ports.follower.cut, {
      isTrusted: false,
      because: `the cache does not answer: ${error.message}`,
      digest: '',
      expected: ports.follower.tree.root(),
      differences: [],
      repaired: 0,
    })
  }
}

async function compareCache(
  { follower, branches }: Pick<BackVerifyPorts, 'follower' | 'branches'>,
  cacheView: CacheView,
  { isRepair, wrongEntries }: CacheVerification,
): Promise<ViewReport> {
  const outcome = await cacheView.synchronise({ repair: isRepair })
  const repairedEntries =
    isRepair && wrongEntries.length > 0
      ? await cacheView.invalidate(wrongEntries.map(({ id }) => leafOf(id, branches)))
      : 0
  const roots = await cacheView.readRoots()
  const differences: Difference[] = [
    ...outcome.invalidatedLeaves.map((leaf) =>
      leafDifference(leaf, branches, 'the receipt differs from the tree'),
    ),
    ...wrongEntries.map(({ id, what }): Difference => ({ kind: 'id', id, what })),
  ]
  const repaired = isRepair ? outcome.invalidatedLeaves.length + repairedEntries : 0
  const isTrusted = follower.treeTrust.isTrusted && outcome.unsettled === 0 && repaired >= differences.length
  return reportOn('cache', follower.cut, {
    isTrusted,
    because: judgement(follower.treeTrust, outcome.unsettled, differences.length, repaired),
    digest: roots.cache ?? '',
    expected: roots.archive,
    differences,
    repaired,
  })
}

/** Why the cache is trusted or not: the first that holds. */
function judgement(tree: Trust, unsettled: number, differences: number, repaired: number): string {
  if (!tree.isTrusted) return `the tree is untrusted: ${tree.because}`
  if (unsettled > 0)
    return `${unsettled} stripes cannot be compared: they have no receipt, or stand in another history`
  return differences > repaired ? `${differences} differences` : 'every receipt equals the tree'
}

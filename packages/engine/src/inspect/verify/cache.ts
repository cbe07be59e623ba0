import { TierMisconfigured, TierUnavailable } from '@se/core'
import { leafOf } from '@se/merkle'
import type { VerifyCall } from '../../call-options.ts'
import type { CacheView } from '../../back/cache-view.ts'
import type { VerifyPorts } from './ports.ts'
import { leafDifference, report, type Difference, type ViewReport } from './report.ts'
import type { Scan } from './scan-rows.ts'

export async function verifyCache(
  ports: VerifyPorts,
  cacheView: CacheView,
  options: VerifyCall,
  scan: Scan | undefined,
): Promise<ViewReport> {
  try {
    return await compareCache(ports, cacheView, options, scan)
  } catch (error) {
    // The cache may be lost at any time: that is a finding, not a failure of the comparison.
    if (!(error instanceof TierUnavailable || error instanceof TierMisconfigured)) throw error
    return report('cache', ports, {
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
  ports: VerifyPorts,
  cacheView: CacheView,
  options: VerifyCall,
  scan: Scan | undefined,
): Promise<ViewReport> {
  const { follower, branches } = ports
  const isRepair = options.repair
  const outcome = await cacheView.synchronise({ repair: isRepair })
  const wrongEntries = scan?.cacheDifferences ?? []
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
  return report('cache', ports, {
    isTrusted,
    because: !follower.treeTrust.isTrusted
      ? `the tree is untrusted: ${follower.treeTrust.because}`
      : outcome.unsettled > 0
        ? `${outcome.unsettled} stripes cannot be compared: they have no receipt, or stand in another history`
        : differences.length > repaired
          ? `${differences.length} differences`
          : 'every receipt equals the tree',
    digest: roots.cache ?? '',
    expected: roots.archive,
    differences,
    repaired,
  })
}

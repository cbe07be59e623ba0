import type { VerifyCall } from '../../call-options.ts'
import { membershipText } from '../../views/filter-view.ts'
import type { VerifyPorts } from './ports.ts'
import { report, type ViewReport } from './report.ts'

export async function verifyFilter(ports: VerifyPorts, options: VerifyCall): Promise<ViewReport> {
  const { follower, filter } = ports
  await follower.catchUp()
  const before = filter.trust
  let repaired = 0
  if (!before.isTrusted && options.repair && follower.treeTrust.isTrusted) {
    await follower.rebuildFilter()
    repaired = filter.trust.isTrusted ? 1 : 0
  }
  const trust = filter.trust
  return report('filter', ports, {
    isTrusted: trust.isTrusted,
    because: trust.isTrusted ? 'count and sum of id hashes equal the tree' : trust.because,
    digest: filter.digest,
    expected: membershipText(follower.tree),
    differences: [],
    repaired,
  })
}

import type { VerifyCall } from '../../call-options.ts'
import { reportOn, type ViewReport } from '../../seam/view-report.ts'
import { membershipText } from '../../views/filter-view.ts'
import type { VerifyPorts } from './ports.ts'

export async function verifyFilter(
  { back, followed, filter }: Pick<VerifyPorts, 'back' | 'followed' | 'filter'>,
  options: VerifyCall,
): Promise<ViewReport> {
  await back.ask('catch-up', {})
  let repaired = 0
  if (!filter.trust.isTrusted && options.repair && followed.tree.trust.isTrusted) {
    await back.ask('rebuild-filter', {})
    repaired = filter.trust.isTrusted ? 1 : 0
  }
  const { trust } = filter
  return reportOn('filter', followed.cut, {
    isTrusted: trust.isTrusted,
    because: trust.isTrusted ? 'count and sum of id hashes equal the tree' : trust.because,
    digest: filter.digest,
    expected: membershipText(followed.tree),
    differences: [],
    repaired,
  })
}

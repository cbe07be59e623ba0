import { nameOf, type VerifyOptions, type VerifyReport } from '@se/engine'
import type { Checks } from '../checks.ts'
import type { DemoEngine } from '../demo-engine.ts'
import { formatCount, formatDuration } from '../format.ts'
import type { Output } from '../output.ts'

/** Runs `verify` and tells what it compared and found. */
export async function showVerification(
  demo: DemoEngine,
  out: Output,
  checks: Checks,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const report = await verifyAndShow(demo, out, options)
  for (const { view, isTrusted, because } of report.views)
    checks.that(isTrusted, `the ${view} is trusted`, because)
  return report
}

/** The same, where distrust is what is expected. */
export async function verifyAndShow(
  { engine }: DemoEngine,
  out: Output,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const report = await engine.verify(options)
  for (const view of report.views) {
    out.line(`${view.view}: ${view.isTrusted ? `trusted at cut ${view.cut}` : `untrusted: ${view.because}`}`)
    out.line(`  its digest     ${view.digest}`)
    out.line(`  it must be     ${view.expected}`)
    if (view.isTrusted) out.line(`  compared       ${view.because}`)
    for (const difference of view.differences)
      out.line(`  differs        ${nameOf(difference)}: ${difference.what}`)
  }
  const rows = report.isDeep ? `, ${formatCount(report.rowsRead)} rows digested anew` : ''
  out.line(`verified in ${formatDuration(report.durationMs)}${rows}`)
  return report
}

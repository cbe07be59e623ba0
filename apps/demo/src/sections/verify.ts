import { nameOf, type VerifyOptions, type VerifyReport } from '@se/engine'
import type { Checks } from '../checks.ts'
import type { DemoEngine } from '../demo-engine.ts'
import { formatCount, formatDuration } from '../format.ts'
import type { Output } from '../output.ts'

/** Runs `verify`, tells what it compared and found, and checks that every view is trusted. */
export async function requireTrust(
  demo: DemoEngine,
  out: Output,
  checks: Checks,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const report = await showVerify(demo, out, options)
  for (const { view, isTrusted, because } of report.views)
    checks.that(isTrusted, `the ${view} is trusted`, because)
  return report
}

/** Runs `verify`, and tells what it compared and found; whether that is as it should be, the caller checks. */
export async function showVerify(
  { engine }: DemoEngine,
  out: Output,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const report = await engine.verify(options)
  for (const view of report.views) {
    out.line(`${view.view}: ${view.isTrusted ? `trusted at cut ${view.cut}` : `untrusted: ${view.because}`}`)
    // An empty first column: the rows stand a step to the right of their view.
    out.table([
      ['', 'its digest', view.digest],
      ['', 'it must be', view.expected],
      ...(view.isTrusted ? [['', 'compared', view.because]] : []),
      ...view.differences.map((difference) => ['', 'differs', `${nameOf(difference)}: ${difference.what}`]),
    ])
  }
  const rows = report.isDeep ? `, ${formatCount(report.rowsRead)} rows digested anew` : ''
  out.line(`verified in ${formatDuration(report.durationMs)}${rows}`)
  return report
}

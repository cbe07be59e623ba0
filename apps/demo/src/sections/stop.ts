import type { StopReport } from '@se/engine'
import type { Checks } from '../checks.ts'
import type { DemoEngine } from '../demo-engine.ts'
import { formatBytes, formatCount, formatDuration } from '../format.ts'
import type { Output } from '../output.ts'

/** Stops the engine and tells how. */
export async function stopEngine(
  { engine, metrics }: DemoEngine,
  out: Output,
  checks: Checks,
): Promise<StopReport> {
  const report = await engine.stop()
  const { filterSnapshot } = report
  out.line(
    filterSnapshot === undefined
      ? 'filter snapshot: none was written, the filter is not trusted'
      : `filter snapshot: ${formatCount(filterSnapshot.entries)} entries, ${formatBytes(filterSnapshot.bytes)}`,
  )
  out.line(`items left in the log: ${formatCount(report.itemsLeftInLog)}`)
  out.line(`state: ${engine.phase}, after ${formatDuration(report.durationMs)}`)
  checks.equal(report.itemsLeftInLog, 0, 'everything acknowledged is in the archive')
  checks.that(filterSnapshot !== undefined, 'the filter is saved')
  for (const { step, error } of report.problems) {
    checks.that(false, `${step} ends well`, error.message)
  }
  await metrics.shutdown()
  return report
}

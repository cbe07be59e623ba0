import type { Checks } from '../checks.ts'
import { formatCount } from '../format.ts'
import type { Output } from '../output.ts'

/** The last words. @returns the exit code: 1 when a check has failed */
export function concludeRun(out: Output, checks: Checks): 0 | 1 {
  const { failures, count } = checks
  if (failures.length === 0) {
    out.section(`Done: all ${formatCount(count)} checks hold`)
    return 0
  }
  out.section(`${formatCount(failures.length)} of ${formatCount(count)} checks failed`)
  for (const failure of failures) out.line(failure)
  return 1
}

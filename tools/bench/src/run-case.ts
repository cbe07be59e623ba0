/**
 * Runs one case in this process and sends its outcome to the parent: `node run-case.ts FILE CASE DEADLINE_MS`.
 */
import type { ReportTable } from './case.ts'
import { loadBenchFile } from './load-bench-file.ts'
import { measureCase, type CaseResult } from './measure.ts'

export type CaseOutcome =
  | { readonly kind: 'compared'; readonly result: CaseResult }
  | { readonly kind: 'report'; readonly case: string; readonly table: ReportTable }

const [file, name, deadline] = process.argv.slice(2)
if (file === undefined || name === undefined || process.send === undefined) {
  throw new Error('run-case.ts is started by cli.ts')
}
const { cases } = await loadBenchFile(file)
const found = cases.find((one) => one.case === name)
if (found === undefined) throw new Error(`${file} has no case ${name}`)
const outcome: CaseOutcome =
  'report' in found
    ? { kind: 'report', case: found.case, table: await found.report() }
    : { kind: 'compared', result: await measureCase(found, Number(deadline), Date.now) }
process.send(outcome, () => process.exit(0))

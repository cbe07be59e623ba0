/**
 * Runs cases of one file in this process, one after the other, and sends the parent the outcome of each:
 * `node run-cases.ts FILE DEADLINE_MS CASE…`.
 */
import type { ReportTable } from './case.ts'
import { loadBenchFile } from './load-bench-file.ts'
import { measureCase, type CaseResult } from './measure.ts'

export type CaseOutcome =
  | { readonly kind: 'compared'; readonly case: string; readonly result: CaseResult }
  | { readonly kind: 'report'; readonly case: string; readonly table: ReportTable }
  /** The time limit came before its turn. */
  | { readonly kind: 'left out'; readonly case: string }

const [file, deadline, ...names] = process.argv.slice(2)
if (file === undefined || deadline === undefined || process.send === undefined) {
  throw new Error('run-cases.ts is started by child.ts')
}
const { cases } = await loadBenchFile(file)
for (const [index, name] of names.entries()) {
  const outcome =
    index > 0 && Date.now() > Number(deadline)
      ? ({ kind: 'left out', case: name } as const)
      : await run(name, Number(deadline))
  await new Promise<void>((resolve, reject) => {
    process.send?.(outcome, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })
}
// A case may have left a connection open; nobody waits for it.
process.exit(0)

async function run(name: string, deadlineMs: number): Promise<CaseOutcome> {
  const found = cases.find((one) => one.case === name)
  if (found === undefined) throw new Error(`${file} has no case ${name}`)
  process.stderr.write(`${name} …\n`)
  return 'report' in found
    ? { kind: 'report', case: name, table: await found.report() }
    : { kind: 'compared', case: name, result: await measureCase(found, deadlineMs, Date.now) }
}

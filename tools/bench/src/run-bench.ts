import { globSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { groupByProcess, runInChild, type CaseEnd } from './child.ts'
import type { Goal } from './goals.ts'
import { loadBenchFile } from './load-bench-file.ts'
import type { CaseResult } from './measure.ts'
import { formatResults, formatTable, formatVerdicts } from './table.ts'

/** One area takes at most this long; cases not begun by then are named and left out. */
const AREA_MS_MAX = 12 * 60_000

const root = fileURLToPath(new URL('../../..', import.meta.url))

export interface BenchOptions {
  /** How the names of the cases begin; '' for all. */
  readonly only: string
  /** Where the results go, absolute. */
  readonly json: string | undefined
  readonly goals: readonly Goal[] | undefined
}

export interface BenchOutcome {
  /** Cases and reports that were run, or crashed, or had no time left. */
  readonly begun: number
  /** Every name there is. */
  readonly names: readonly string[]
  readonly crashes: readonly string[]
}

/**
 * Runs the cases of packages/*, apps/* and tools/* whose names start with `only`, each in a process of its own unless it shares one, and
 * prints what they measured. It reports: a slow result is a result.
 */
export async function runBench({ only, json, goals }: BenchOptions): Promise<BenchOutcome> {
  const results: CaseResult[] = []
  const crashes: string[] = []
  const names: string[] = []
  const areaDeadlines = new Map<string, number>()
  let begun = 0
  const take = (end: CaseEnd, area: string): void => {
    begun++
    switch (end.kind) {
      case 'compared':
        results.push(end.result)
        break
      case 'report':
        console.log(`\n${end.case}\n${formatTable(end.table.columns, end.table.rows)}`)
        for (const note of end.table.notes ?? []) console.log(`  ${note}`)
        break
      case 'left out':
        console.log(`${end.case}: not run, area ${area} has used its ${AREA_MS_MAX / 60_000} minutes`)
        break
      case 'crashed':
        crashes.push(`${end.case}: ${end.because}`)
    }
  }

  for (const file of globSync('{packages,apps,tools}/*/bench/**/*.bench.ts', { cwd: root }).toSorted()) {
    const absolute = path.join(root, file)
    const loaded = await loadBenchFile(absolute).catch((error: unknown) => {
      crashes.push(`${file}: ${String(error)}`)
      return undefined
    })
    if (loaded === undefined) continue
    const { area, cases } = loaded
    names.push(...cases.map((one) => one.case))
    for (const together of groupByProcess(cases.filter((one) => one.case.startsWith(only)))) {
      const deadline = areaDeadlines.get(area) ?? Date.now() + AREA_MS_MAX
      areaDeadlines.set(area, deadline)
      await runInChild(absolute, together, deadline, (end) => take(end, area))
    }
  }

  if (results.length > 0) console.log(`\n${formatResults(results)}`)
  for (const { case: name, notes } of results) for (const note of notes) console.log(`  ${name}: ${note}`)
  if (goals !== undefined) {
    const lines = formatVerdicts(goals, results)
    if (lines.length > 0) console.log(`\n${lines.join('\n')}`)
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`)
  return { begun, names, crashes }
}

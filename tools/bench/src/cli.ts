/**
 * npm run bench [-- --only PREFIX] [--json FILE] [--goals FILE]
 *
 * Runs the cases of packages/*, apps/* and tools/* whose names start with PREFIX, each in a process of its own unless it shares one, and
 * prints what they measured. It reports: a slow result is a result. It fails (exit 1) only when a bench crashes.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { groupByProcess, runInChild, type CaseEnd } from './child.ts'
import { parseGoals } from './goals.ts'
import { loadBenchFile } from './load-bench-file.ts'
import type { CaseResult } from './measure.ts'
import { formatResults, formatTable, formatVerdicts } from './table.ts'

/** One area takes at most this long; cases not begun by then are named and left out. */
const AREA_MS_MAX = 12 * 60_000

const root = fileURLToPath(new URL('../../..', import.meta.url))
const userPath = (file: string) => path.resolve(process.env.INIT_CWD ?? process.cwd(), file)

const { values, goals } = readCommandLine()

const results: CaseResult[] = []
const crashes: string[] = []
const areaDeadlines = new Map<string, number>()

for (const file of globSync('{packages,apps,tools}/*/bench/**/*.bench.ts', { cwd: root }).toSorted()) {
  const absolute = path.join(root, file)
  const loaded = await loadBenchFile(absolute).catch((error: unknown) => {
    crashes.push(`${file}: ${String(error)}`)
    return undefined
  })
  if (loaded === undefined) continue
  const { area } = loaded
  for (const names of groupByProcess(loaded.cases.filter((one) => one.case.startsWith(values.only)))) {
    const deadline = areaDeadlines.get(area) ?? Date.now() + AREA_MS_MAX
    areaDeadlines.set(area, deadline)
    await runInChild(absolute, names, deadline, (end) => take(end, area))
  }
}

if (results.length > 0) console.log(`\n${formatResults(results)}`)
for (const { case: name, notes } of results) for (const note of notes) console.log(`  ${name}: ${note}`)
if (goals !== undefined) {
  const lines = formatVerdicts(goals, results)
  if (lines.length > 0) console.log(`\n${lines.join('\n')}`)
}
if (values.json !== undefined) writeFileSync(userPath(values.json), `${JSON.stringify(results, null, 2)}\n`)
if (results.length === 0 && crashes.length === 0) console.log(`no compared case starts with '${values.only}'`)
for (const crash of crashes) console.error(`crashed: ${crash}`)
process.exitCode = crashes.length > 0 ? 1 : 0

function take(end: CaseEnd, area: string): void {
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

/** Ends the program with one sentence and the usage when the command line is wrong: a stack trace helps nobody there. */
function readCommandLine() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', default: '' },
        json: { type: 'string' },
        goals: { type: 'string' },
      },
    })
    return { values, goals: values.goals === undefined ? undefined : readGoals(values.goals) }
  } catch (error) {
    console.error(
      `${(error as Error).message}\nusage: npm run bench [-- --only PREFIX] [--json FILE] [--goals FILE]`,
    )
    process.exit(1)
  }
}

function readGoals(file: string) {
  try {
    return parseGoals(readFileSync(userPath(file), 'utf8'))
  } catch (error) {
    throw new Error(`--goals: ${(error as Error).message}`, { cause: error })
  }
}

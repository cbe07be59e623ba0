/**
 * npm run bench [-- --only PREFIX] [--json FILE] [--goals FILE]
 *
 * Runs the cases of packages/*, apps/* and tools/* whose names start with PREFIX, each in a process of its own, and prints what they
 * measured. It reports: a slow result is a result. It fails (exit 1) only when a bench crashes.
 */
import { fork } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseGoals } from './goals.ts'
import { loadBenchFile } from './load-bench-file.ts'
import type { CaseResult } from './measure.ts'
import type { CaseOutcome } from './run-case.ts'
import { formatResults, formatTable, formatVerdicts } from './table.ts'

/** One area takes at most this long; cases not begun by then are named and left out. */
const AREA_MS_MAX = 12 * 60_000
/** What a case that does not look at the clock gets on top before it is ended and counted as crashed. */
const GRACE_MS = 60_000

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
  for (const { case: name } of loaded?.cases ?? []) {
    if (loaded === undefined || !name.startsWith(values.only)) continue
    const deadline = areaDeadlines.get(loaded.area) ?? Date.now() + AREA_MS_MAX
    areaDeadlines.set(loaded.area, deadline)
    if (Date.now() > deadline) {
      console.log(`${name}: not run, area ${loaded.area} has used its ${AREA_MS_MAX / 60_000} minutes`)
      continue
    }
    process.stderr.write(`${name} …\n`)
    const outcome = await runInChild(absolute, name, deadline)
    if (typeof outcome === 'string') crashes.push(`${name}: ${outcome}`)
    else if (outcome.kind === 'compared') results.push(outcome.result)
    else {
      console.log(`\n${outcome.case}\n${formatTable(outcome.table.columns, outcome.table.rows)}`)
      for (const note of outcome.table.notes ?? []) console.log(`  ${note}`)
    }
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

/** @returns the outcome, or in words why there is none */
function runInChild(file: string, name: string, deadline: number): Promise<CaseOutcome | string> {
  return new Promise((resolve) => {
    const child = fork(
      fileURLToPath(new URL('./run-case.ts', import.meta.url)),
      [file, name, String(deadline)],
      {
        execArgv: ['--conditions=@se/source', '--expose-gc'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    )
    let outcome: CaseOutcome | undefined
    const timer = setTimeout(() => child.kill('SIGKILL'), deadline + GRACE_MS - Date.now())
    child.on('message', (message) => (outcome = message as CaseOutcome))
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve(error.message)
    })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      resolve(outcome ?? (signal === null ? `exit code ${code}` : `ended by ${signal}`))
    })
  })
}

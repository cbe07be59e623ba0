/**
 * npm test [-- ARGUMENTS OF nx run-many]
 *
 * Brings the test servers up once, runs every project's tests, adds up their reports. The last line is always
 * `N passed, N failed, N skipped`; the exit code is 0 only when nothing failed.
 */
import { existsSync, globSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { readCommandLine, type Program } from '@se/core/node'
import { acquireTestServices } from '@se/testkit/services'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { runNx, workspaceRoot } from './run-process.ts'
import { addUpReports, formatTotals, type VitestReport } from './test-report.ts'

const reportDirectory = path.join(workspaceRoot, 'reports', 'vitest')

/** Projects run side by side; each uses up to two workers. */
const PARALLEL = 2

/**
 * Nx keeps the results of equal inputs for all clones of a repository together: a run in a fresh clone would print what another one had
 * found, under another Node, with other seeds, at another time.
 */
const NO_CACHE = ['--skip-nx-cache']

const program = {
  name: 'npm test --',
  summary:
    'Every test, with the servers they need: one Redis and one MariaDB for the run. The last line is always `N passed, N failed, N skipped`.',
  options: {},
  passesOnTo: 'nx run-many',
} as const satisfies Program
const { rest: nxArguments } = readCommandLine(program, WORKSPACE_MANIFEST)
rmSync(reportDirectory, { recursive: true, force: true })
const troubles: string[] = []
let isStarted = false
try {
  const services = await acquireTestServices()
  try {
    isStarted = true
    const { exitCode } = await runNx(
      [
        'run-many',
        '-t',
        'test',
        `--parallel=${PARALLEL}`,
        '--output-style=static',
        ...NO_CACHE,
        ...nxArguments,
      ],
      services.env,
    )
    if (exitCode !== 0) troubles.push(`nx ended with exit code ${exitCode}`)
  } finally {
    await services.release()
  }
} catch (error) {
  troubles.push(error instanceof Error ? error.message : String(error))
}

const reports: Record<string, VitestReport> = {}
for (const file of existsSync(reportDirectory) ? readdirSync(reportDirectory) : []) {
  const text = readFileSync(path.join(reportDirectory, file), 'utf8')
  try {
    reports[path.basename(file, '.json')] = JSON.parse(text) as VitestReport
  } catch {
    troubles.push(`${file} is cut off: its project was ended while it wrote its report`)
  }
}
// Which projects a selection should have run is Nx's secret; without one, it is all of them.
if (isStarted && nxArguments.length === 0) {
  for (const config of globSync('{packages,apps,tools}/*/vitest.config.ts', { cwd: workspaceRoot })) {
    const project = path.basename(path.dirname(config))
    if (reports[project] === undefined) troubles.push(`${project} ended without a report`)
  }
}
const totals = addUpReports(reports)
// A mistyped selection runs nothing, and Nx calls that a success.
if (troubles.length === 0 && totals.passed + totals.failed === 0) {
  troubles.push(`no test was run: ${nxArguments.join(' ')}`)
}
for (const title of totals.skippedTitles) console.log(`skipped  ${title}`)
for (const title of totals.failedTitles) console.log(`failed   ${title}`)
for (const trouble of troubles) console.log(`failed   ${trouble}`)

// A project that crashes before it can report, or servers that do not come up, must not read as 0 failed.
const failed = Math.max(totals.failed, troubles.length > 0 ? 1 : 0)
process.exitCode = failed > 0 ? 1 : 0
console.log(formatTotals({ ...totals, failed }))

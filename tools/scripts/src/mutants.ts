/** npm run mutants: applies each mutant of *\/*\/mutants.ts to a copy of the workspace and runs the test named with it. */
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { endOnMistake, readCommandLine, WrongCommandLine, type Program } from '@se/core/node'
import { acquireTestServices } from '@se/testkit/services'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { applyMutant, outcomeOf, parseMutants, type Mutant, type Outcome } from './mutation.ts'
import { packageBin, runNode, workspaceRoot } from './run-process.ts'
import type { VitestReport } from './test-report.ts'
import { copyWorkspace } from './workspace-copy.ts'

/** Longest time of a test on the undamaged code, ms. */
const UNDAMAGED_MS_MAX = 600_000
/** A mutant may loop for ever. Its test may take so many times as long as on the undamaged code, and so much more, ms; then it counts as failed. */
const DAMAGED_FACTOR = 3
const DAMAGED_MS_MORE = 60_000

const program = {
  name: 'npm run mutants --',
  summary:
    'Plants each bug of */*/mutants.ts in a copy of the workspace and runs the test named with it. A mutant is killed when that test fails, alive when it passes. Exit 1 when one is alive, cannot be applied, or its test does not pass undamaged.',
  options: {
    only: { type: 'text', value: 'PACKAGE', default: '*', meaning: 'Those of one package, app or tool.' },
    match: {
      type: 'text',
      value: 'TEXT',
      default: '',
      meaning: 'Those whose label, as printed, has this text.',
    },
  },
} as const satisfies Program
const {
  values: { only, match },
} = readCommandLine(program, WORKSPACE_MANIFEST)
const LISTS = '{packages,apps,tools}'
const lists = globSync(`${LISTS}/${only}/mutants.ts`, { cwd: workspaceRoot }).toSorted()
if (lists.length === 0) {
  const packages = globSync(`${LISTS}/*/mutants.ts`, { cwd: workspaceRoot }).map((file) =>
    path.basename(path.dirname(file)),
  )
  endOnMistake(
    program,
    new WrongCommandLine(
      `--only: no package '${only}' has mutants; there are ${packages.toSorted().join(', ')}`,
    ),
  )
}
const copy = copyWorkspace('se-mutants-')
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const services = await acquireTestServices()
const undamaged = new Map<string, Run>()
let bad = 0
let killed = 0
try {
  for (const listFile of lists) {
    const directory = path.dirname(listFile)
    const loaded = (await import(pathToFileURL(path.join(workspaceRoot, listFile)).href)) as {
      mutants?: unknown
    }
    for (const mutant of parseMutants(loaded.mutants, listFile)) {
      const label = `${directory}/${mutant.file}: ${firstLine(mutant.find)} -> ${firstLine(mutant.replace)}`
      if (!label.includes(match)) continue
      const beganMs = performance.now()
      const { fate, note } = await tryMutant(directory, mutant)
      if (fate === 'killed') killed++
      else bad++
      const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1)
      console.log(`${fate.padEnd(7)} ${label}  (${seconds} s; ${note})`)
    }
  }
} finally {
  await services.release()
}
console.log(`${killed} killed, ${bad} alive or invalid`)
process.exitCode = bad > 0 || killed === 0 ? 1 : 0

interface Run {
  readonly outcome: Outcome
  readonly tookMs: number
}

interface Fate {
  readonly fate: 'killed' | 'alive' | 'invalid'
  readonly note: string
}

async function tryMutant(directory: string, mutant: Mutant): Promise<Fate> {
  const file = path.join(copy, directory, mutant.file)
  if (!existsSync(file)) return { fate: 'invalid', note: `there is no ${mutant.file}` }
  const source = readFileSync(file, 'utf8')
  let damaged: string
  try {
    damaged = applyMutant(source, mutant)
  } catch (error) {
    return { fate: 'invalid', note: error instanceof Error ? error.message : String(error) }
  }
  const key = JSON.stringify([directory, mutant.test, mutant.title])
  const { outcome: before, tookMs } =
    undamaged.get(key) ?? (await runTest(directory, mutant, UNDAMAGED_MS_MAX))
  undamaged.set(key, { outcome: before, tookMs })
  if (before.kind === 'failed')
    return { fate: 'invalid', note: `${mutant.test} fails undamaged: ${before.by}` }
  if (before.kind === 'nothing-ran') return { fate: 'invalid', note: `${mutant.test}: ${before.because}` }
  writeFileSync(file, damaged)
  try {
    const { outcome } = await runTest(directory, mutant, DAMAGED_FACTOR * tookMs + DAMAGED_MS_MORE)
    if (outcome.kind === 'failed') return { fate: 'killed', note: outcome.by }
    if (outcome.kind === 'passed') return { fate: 'alive', note: `${mutant.test} passes` }
    return { fate: 'invalid', note: outcome.because }
  } finally {
    writeFileSync(file, source)
  }
}

async function runTest(directory: string, mutant: Mutant, timeoutMs: number): Promise<Run> {
  const report = path.join(copy, 'mutant-report.json')
  rmSync(report, { force: true })
  const title = mutant.title === undefined ? [] : ['-t', mutant.title]
  const root = path.join(copy, directory)
  const beganMs = performance.now()
  await runNode(
    packageBin('vitest'),
    [
      'run',
      '--root',
      root,
      mutant.test,
      ...title,
      '--bail=1',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { cwd: copy, quiet: true, timeoutMs, env: services.env },
  )
  const written = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as VitestReport) : undefined
  return { outcome: outcomeOf(written), tookMs: performance.now() - beganMs }
}

function firstLine(text: string): string {
  const [line = '', ...more] = text.split('\n')
  return JSON.stringify(more.length > 0 ? `${line} …` : line)
}

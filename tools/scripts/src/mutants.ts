/** npm run mutants: applies each mutant of packages/*\/mutants.ts to a copy of the workspace and runs the test named with it. */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { endOnMistake, readCommandLine, WrongCommandLine, type Program } from '@se/core/node'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { applyMutant, parseMutants, type Mutant } from './mutation.ts'
import { packageBin, runNode, workspaceRoot } from './run-process.ts'
import type { VitestReport } from './test-report.ts'

/** A mutant may loop for ever; a test ended by this counts as failed. */
const TEST_MS_MAX = 120_000

const program = {
  name: 'npm run mutants --',
  summary:
    'Plants each bug of packages/*/mutants.ts in a copy of the workspace and runs the test named with it. A mutant is killed when that test fails, alive when it passes. Exit 1 when one is alive, cannot be applied, or its test does not pass undamaged.',
  options: { only: { type: 'text', value: 'PACKAGE', default: '*', meaning: 'Those of one package.' } },
} as const satisfies Program
const {
  values: { only },
} = readCommandLine(program, WORKSPACE_MANIFEST)
const lists = globSync(`packages/${only}/mutants.ts`, { cwd: workspaceRoot }).toSorted()
if (lists.length === 0) {
  const packages = globSync('packages/*/mutants.ts', { cwd: workspaceRoot }).map((file) =>
    path.basename(path.dirname(file)),
  )
  endOnMistake(
    program,
    new WrongCommandLine(
      `--only: no package '${only}' has mutants; there are ${packages.toSorted().join(', ')}`,
    ),
  )
}
const copy = copyWorkspace()
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const undamaged = new Map<string, boolean>()
let bad = 0
let killed = 0
for (const listFile of lists) {
  const directory = path.dirname(listFile)
  const loaded = (await import(pathToFileURL(path.join(workspaceRoot, listFile)).href)) as {
    mutants?: unknown
  }
  for (const mutant of parseMutants(loaded.mutants, listFile)) {
    const label = `${directory}/${mutant.file}: ${firstLine(mutant.find)} -> ${firstLine(mutant.replace)}`
    const fate = await tryMutant(directory, mutant)
    if (fate === 'killed') killed++
    else bad++
    console.log(`${fate.padEnd(7)} ${label}`)
  }
}
console.log(`${killed} killed, ${bad} alive or invalid`)
process.exitCode = bad > 0 || killed === 0 ? 1 : 0

async function tryMutant(directory: string, mutant: Mutant): Promise<string> {
  const file = path.join(copy, directory, mutant.file)
  if (!existsSync(file)) return `invalid (there is no ${mutant.file})`
  const source = readFileSync(file, 'utf8')
  let damaged: string
  try {
    damaged = applyMutant(source, mutant)
  } catch (error) {
    return `invalid (${error instanceof Error ? error.message : String(error)})`
  }
  const key = JSON.stringify([directory, mutant.test, mutant.title])
  if (!undamaged.has(key)) undamaged.set(key, await passes(directory, mutant))
  if (undamaged.get(key) !== true) return `invalid (${mutant.test} does not pass undamaged)`
  writeFileSync(file, damaged)
  try {
    return (await passes(directory, mutant)) ? 'alive' : 'killed'
  } finally {
    writeFileSync(file, source)
  }
}

/** Whether the named test runs and passes; a pattern that selects no test does not pass. */
async function passes(directory: string, mutant: Mutant): Promise<boolean> {
  const report = path.join(copy, 'mutant-report.json')
  rmSync(report, { force: true })
  const title = mutant.title === undefined ? [] : ['-t', mutant.title]
  const { exitCode } = await runNode(
    packageBin('vitest'),
    [
      'run',
      '--root',
      path.join(copy, directory),
      mutant.test,
      ...title,
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { cwd: copy, quiet: true, timeoutMs: TEST_MS_MAX },
  )
  if (exitCode !== 0 || !existsSync(report)) return false
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as VitestReport
  return testResults.some(({ assertionResults }) =>
    assertionResults.some(({ status }) => status === 'passed'),
  )
}

/**
 * Tracked and new files, with node_modules put together from links. The links to the workspace's own packages are made anew: the
 * installed ones lead back to the originals, and a mutant would not be seen across packages.
 */
function copyWorkspace(): string {
  const target = mkdtempSync(path.join(tmpdir(), 'se-mutants-'))
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: workspaceRoot,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  })
  for (const file of listing.split('\0')) {
    const source = path.join(workspaceRoot, file)
    if (file !== '' && existsSync(source)) cpSync(source, path.join(target, file))
  }
  const modules = path.join(workspaceRoot, 'node_modules')
  mkdirSync(path.join(target, 'node_modules', '@se'), { recursive: true })
  for (const name of readdirSync(modules)) {
    if (name !== '@se') symlinkSync(path.join(modules, name), path.join(target, 'node_modules', name))
  }
  for (const manifest of globSync('{packages,apps,tools}/*/package.json', { cwd: target })) {
    const { name } = JSON.parse(readFileSync(path.join(target, manifest), 'utf8')) as { name: string }
    symlinkSync(path.join(target, path.dirname(manifest)), path.join(target, 'node_modules', name))
    const nested = path.join(path.dirname(manifest), 'node_modules')
    if (existsSync(path.join(workspaceRoot, nested))) {
      symlinkSync(path.join(workspaceRoot, nested), path.join(target, nested))
    }
  }
  return target
}

function firstLine(text: string): string {
  const [line = '', ...more] = text.split('\n')
  return JSON.stringify(more.length > 0 ? `${line} …` : line)
}

/** npm run check: what can be said within two minutes about what changed against main, uncommitted work included. */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import path from 'node:path'
import { readCommandLine, type Program } from '@se/core/node'
import { acquireTestServices } from '@se/testkit/services'
import { planCheck } from './check-plan.ts'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { packageBin, runNode, runNx, workspaceRoot, type ProcessResult } from './run-process.ts'

const program = {
  name: 'npm run check --',
  summary:
    'Form, lint and types of what changed against main, uncommitted work included, and the tests of each changed project that reach a changed file; then the arrows between files, and the promises and pitfalls no test carries. `npm test` runs all tests.',
  options: {},
} as const satisfies Program
readCommandLine(program, WORKSPACE_MANIFEST)

function git(...parameters: string[]): string[] {
  const output = execFileSync('git', parameters, { cwd: workspaceRoot, encoding: 'utf8' })
  return output.split('\0').filter((file) => file !== '')
}

const base = execFileSync('git', ['merge-base', 'main', 'HEAD'], {
  cwd: workspaceRoot,
  encoding: 'utf8',
}).trim()
const changed = [
  ...git('diff', '--name-only', '-z', base),
  ...git('ls-files', '--others', '--exclude-standard', '-z'),
]
const projects = globSync('{packages,apps,tools}/*/vitest.config.ts', { cwd: workspaceRoot }).map((file) =>
  path.dirname(file).replaceAll(path.sep, '/'),
)
const plan = planCheck(
  [...new Set(changed)].filter((file) => existsSync(path.join(workspaceRoot, file))).toSorted(),
  projects,
)

const failures: string[] = []

/** Runs one part of the check, and says how it went. */
async function step(name: string, run: () => Promise<ProcessResult>): Promise<void> {
  const startMs = performance.now()
  const { exitCode } = await run()
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1)
  console.log(`${exitCode === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  if (exitCode !== 0) failures.push(name)
}

const inWorkspace = (files: readonly string[]) => files.map((file) => path.join(workspaceRoot, file))
const { formatted, linted, tested } = plan

if (formatted.length > 0) {
  await step(`form of ${formatted.length} changed files`, () =>
    runNode(packageBin('prettier'), [
      '--check',
      '--ignore-unknown',
      '--log-level=warn',
      ...inWorkspace(formatted),
    ]),
  )
}
await step('types of everything', async () => {
  const sources = await runNode(packageBin('typescript', 'tsc'), ['-b'])
  const settings = await runNode(packageBin('typescript', 'tsc'), ['-p', 'tsconfig.config.json'])
  return sources.exitCode === 0 ? settings : sources
})
if (linted.length > 0) {
  await step(`lint of ${linted.length} changed sources`, async () => {
    // Leaves the graph of projects where the rule of boundaries looks for it.
    const graph = await runNx(['show', 'projects'], {}, { quiet: true })
    if (graph.exitCode !== 0) return graph
    return runNode(packageBin('eslint'), ['--no-warn-ignored', ...inWorkspace(linted)])
  })
}
// For the tests of whichever project needs them.
const services = await acquireTestServices()
try {
  for (const { project, files } of tested) {
    const which = files.length === 0 ? ['run'] : ['related', '--run', ...inWorkspace(files)]
    await step(`tests of ${project}${files.length === 0 ? '' : ' that reach a changed file'}`, () =>
      runNode(packageBin('vitest'), ['--root', project, ...which], { env: services.env }),
    )
  }
  await step('imports', () =>
    runNode(packageBin('vitest'), ['--root', 'tools/system-tests', 'run', 'src/imports.test.ts'], {
      env: services.env,
    }),
  )
} finally {
  await services.release()
}
await step('promises and pitfalls', () => runNode('tools/scripts/src/check-promises.ts', []))

if (failures.length > 0) console.error(`Failed: ${failures.join(', ')}.`)
process.exitCode = failures.length > 0 ? 1 : 0

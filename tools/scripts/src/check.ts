/** npm run check: lint, types and tests of what changed against main, uncommitted work included; then the list of promises. */
import { acquireTestServices } from '@se/testkit/services'
import { readCommandLine, type Program } from '@se/core/node'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { packageBin, runNode, runNx } from './run-process.ts'

const program = {
  name: 'npm run check --',
  summary:
    'Lint, types and tests of what changed against main, uncommitted work included; then the promises and pitfalls no test carries.',
  options: {},
  passesOnTo: 'nx affected',
} as const satisfies Program
const { rest } = readCommandLine(program, WORKSPACE_MANIFEST)

const services = await acquireTestServices()
try {
  const affected = await runNx(
    [
      'affected',
      '-t',
      'lint',
      'typecheck',
      'test',
      '--base=main',
      '--parallel=2',
      '--output-style=static',
      ...rest,
    ],
    services.env,
  )
  const settings = await runNode(packageBin('typescript', 'tsc'), ['-p', 'tsconfig.config.json'])
  const promises = await runNode('tools/scripts/src/check-promises.ts', [])
  process.exitCode = [affected, settings, promises].some(({ exitCode }) => exitCode !== 0) ? 1 : 0
} finally {
  await services.release()
}

/** npm run check: lint, types and tests of what changed against main, uncommitted work included; then the list of promises. */
import { acquireTestServices } from '@se/testkit/services'
import { packageBin, runNode, runNx } from './run-process.ts'

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
      ...process.argv.slice(2),
    ],
    services.env,
  )
  const settings = await runNode(packageBin('typescript', 'tsc'), ['-p', 'tsconfig.config.json'])
  const promises = await runNode('tools/scripts/src/check-promises.ts', [])
  process.exitCode = [affected, settings, promises].some(({ exitCode }) => exitCode !== 0) ? 1 : 0
} finally {
  await services.release()
}

// Goal: a package's tests get servers once per run; without them they are listed as skipped, with the reason.
// Method: a whole Vitest run in a process of its own, whose report is read.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

interface Report {
  readonly numPassedTests: number
  readonly numPendingTests: number
  readonly success: boolean
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

const root = join(import.meta.dirname, '..', 'test', 'vitest-run')
const vitest = join(import.meta.dirname, '../../../node_modules/vitest/vitest.mjs')

async function runInner(env: Record<string, string>): Promise<Report> {
  const cleanEnv = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('SE_') && !name.startsWith('VITEST')),
  )
  const options = { env: { ...cleanEnv, ...env }, cwd: root }
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [vitest, 'run', '--root', root], options)
    return JSON.parse(stdout) as Report
  } catch (error) {
    return JSON.parse((error as { stdout: string }).stdout) as Report
  }
}

test('servers are started for the run', async () => {
  const report = await runInner({})
  expect(report.success).toBe(true)
  expect(report.numPassedTests).toBe(3)
})

test('a server that is missing skips its tests and says why; a surrounding run is not repeated', async () => {
  const report = await runInner({
    SE_TEST_RUN: '0badcafe',
    SE_TEST_SQL_SKIP_REASON: 'none for miles',
    SE_TEST_REDIS_SKIP_REASON: 'sold out',
    SE_TEST_GALERA_SKIP_REASON: 'none fits',
  })
  expect(report.success).toBe(true)
  expect(report.numPassedTests).toBe(0)
  expect(report.numPendingTests).toBe(3)
  const titles = report.testResults.flatMap((file) => file.assertionResults.map((result) => result.fullName))
  expect(titles).toContain('on SQL (skipped, no sql server: none for miles) answers')
  expect(titles).toContain('on Redis (skipped, no redis server: sold out) answers')
  expect(titles).toContain('on Galera (skipped, no Galera cluster: none fits) can be started')
})

test('SE_REQUIRE_SERVERS=1 makes that a failure', async () => {
  const report = await runInner({ SE_TEST_RUN: '0badcafe', SE_REQUIRE_SERVERS: '1' })
  expect(report.success).toBe(false)
  expect(report.testResults[0]?.message).toMatch(/SE_REQUIRE_SERVERS=1, but there is no sql server/)
})

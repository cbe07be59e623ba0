// Goal: `npm run services` leaves servers up for other processes, and takes down exactly those.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { connectRedis } from './services/connect.ts'
import { reapStaleDirectories } from './services/private-directory.ts'
import { identifyProcess } from './services/process-identity.ts'

const directory = mkdtempSync(join(tmpdir(), 'services-command-'))
const env = { ...process.env, SE_SERVICES_STATE: join(directory, 'deep', 'state.json') }

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function services(...args: string[]): Promise<Outcome> {
  const file = join(import.meta.dirname, 'cli.ts')
  try {
    const run = await promisify(execFile)(process.execPath, ['--conditions=@se/source', file, ...args], {
      env,
    })
    return { code: 0, ...run }
  } catch (error) {
    return error as Outcome
  }
}

afterEach(async () => {
  await services('down')
  rmSync(directory, { recursive: true, force: true })
})

/** A dozen processes and three servers come up one after the other: a few seconds, and many where others are at work. */
const COMMANDS_MS = 180_000

test('up, up again, status, down', { timeout: COMMANDS_MS }, async () => {
  expect((await services('status')).code).toBe(1)
  const up = await services('up')
  expect(up.code).toBe(0)
  expect(up.stdout).toMatch(/^export SE_TEST_SQL_URL=mysql:\S+\nexport SE_TEST_REDIS_URL=redis:\S+\n$/)
  expect((await services('up')).stdout).toBe(up.stdout)

  const status = await services('status')
  expect(status.code).toBe(0)
  const pids = [...status.stdout.matchAll(/pid (\d+)/g)].map((match) => Number(match[1]))
  const data = [...status.stdout.matchAll(/data in (\S+)/g)].map((match) => match[1] ?? '')
  expect(pids).toHaveLength(2)
  reapStaleDirectories()
  for (const pid of pids) expect(identifyProcess(pid)).toBeDefined()

  // One dies by itself: the next `up` replaces it and keeps the other.
  process.kill(pids[1] ?? 0, 'SIGKILL')
  const again = await services('up')
  expect(again.stdout.split('\n')[0]).toBe(up.stdout.split('\n')[0])
  const redisUrl = again.stdout.trim().split('SE_TEST_REDIS_URL=')[1] ?? ''
  ;(await connectRedis(redisUrl)).disconnect()

  expect((await services('down')).code).toBe(0)
  expect(identifyProcess(pids[0] ?? 0)).toBeUndefined()
  for (const one of data) expect(existsSync(one)).toBe(false)
  await expect(connectRedis(redisUrl)).rejects.toThrow()
  expect((await services('status')).code).toBe(1)
})

test('explains itself when called wrongly', async () => {
  const outcome = await services('sideways')
  expect(outcome.code).toBe(1)
  expect(outcome.stderr).toContain("Unknown command 'sideways'; there are up, down, status")
  expect((await services('up', '--bogus')).stderr).toContain("Unknown option '--bogus'")
  expect((await services('up', 'down')).stderr).toContain("Unexpected argument 'down'")
})

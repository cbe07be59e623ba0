import { execFile, execFileSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { TestServerUnavailable } from '../errors.ts'
import { canConnect } from './connect.ts'
import { endAtExit } from './end-at-exit.ts'
import { findBinary } from './find-binary.ts'
import { PRIVATE_DATABASE } from './mariadb.ts'
import type { RunningServer } from './running-server.ts'

const run = promisify(execFile)
const INFO_WITHIN_MS = 5_000
const PULL_WITHIN_MS = 10 * 60_000
const READY_WITHIN_MS = 120_000
const READY_POLL_MS = 100

const RECIPES = {
  redis: { image: 'redis:7', port: 6379, arguments: ['--save', '', '--appendonly', 'no'], environment: [] },
  sql: {
    image: 'mysql:8.4',
    port: 3306,
    arguments: [],
    environment: ['-e', 'MYSQL_ALLOW_EMPTY_PASSWORD=1', '-e', `MYSQL_DATABASE=${PRIVATE_DATABASE}`],
  },
} as const

/** Why containers cannot be run here, or undefined when a Docker engine answers. */
export async function whyNoDocker(): Promise<string | undefined> {
  if (findBinary('docker') === undefined) return 'no docker'
  try {
    await run('docker', ['info'], { timeout: INFO_WITHIN_MS })
    return undefined
  } catch {
    return 'no Docker engine answers'
  }
}

/**
 * Runs the server's official image, its port published on 127.0.0.1 only.
 *
 * Tests drive this with a stand-in for the `docker` command: there is no engine on the machine it was written on.
 *
 * @throws TestServerUnavailable when the container does not come up; nothing is left running then
 */
export async function startContainer(
  kind: 'redis' | 'sql',
  options: { readonly isDetached: boolean },
): Promise<RunningServer> {
  const recipe = RECIPES[kind]
  const { stdout } = await run(
    'docker',
    ['run', '--detach', '--rm', '--publish', `127.0.0.1::${recipe.port}`, '--label', 'se-testkit']
      .concat(recipe.environment)
      .concat(recipe.image, recipe.arguments),
    { timeout: PULL_WITHIN_MS },
  )
  const container = stdout.trim()
  const disarm = options.isDetached
    ? undefined
    : endAtExit(() => {
        execFileSync('docker', ['rm', '--force', container], { stdio: 'ignore' })
      })
  async function stop(): Promise<void> {
    disarm?.()
    await removeContainer(container)
  }

  try {
    const published = await run('docker', ['port', container, String(recipe.port)])
    const port = Number(/:(\d+)\s*$/m.exec(published.stdout)?.[1])
    const url =
      kind === 'redis' ? `redis://127.0.0.1:${port}` : `mysql://root@127.0.0.1:${port}/${PRIVATE_DATABASE}`
    const deadline = performance.now() + READY_WITHIN_MS
    while ((await canConnect(kind, url)) !== undefined) {
      if (performance.now() > deadline) {
        throw new TestServerUnavailable(`container ${recipe.image}: no answer within ${READY_WITHIN_MS} ms`)
      }
      await delay(READY_POLL_MS)
    }
    return { url, where: { container }, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Ends and removes a container; one that is gone already is fine. */
export async function removeContainer(container: string): Promise<void> {
  await run('docker', ['rm', '--force', container])
}

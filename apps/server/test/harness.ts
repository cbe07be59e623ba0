import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startKillableProcess, type KillableProcess } from '@se/testkit'
import { pino } from 'pino'
import { parseServerConfig } from '../src/config.ts'
import { serve, type RunningServer } from '../src/serve.ts'

/** A directory of one test's own. */
export interface TestDirectory {
  readonly path: string
  remove(): Promise<void>
}

export async function testDirectory(): Promise<TestDirectory> {
  const directory = await mkdtemp(path.join(tmpdir(), 'se-server-'))
  return { path: directory, remove: () => rm(directory, { recursive: true, force: true }) }
}

/** A server in this process, on a free port, configured as by the environment. */
export function serveHere(environment: Readonly<Record<string, string>>): Promise<RunningServer> {
  return serve(
    parseServerConfig({ PORT: '0', SE_STOP_MS: '5000', ...environment }),
    pino({ level: 'silent' }),
  )
}

/** `src/main.ts` as a process of its own. */
export function startServer(environment: Readonly<Record<string, string>>): KillableProcess {
  return startKillableProcess({
    file: new URL('../src/main.ts', import.meta.url),
    // Nothing of the surrounding run may decide where its data lies.
    env: { PORT: '0', HOST: '', SE_SQL_URL: '', SE_REDIS_URL: '', SE_LOG_LEVEL: '', ...environment },
  })
}

/** Where it listens, once the engine is ready. */
export async function readyUrl(server: KillableProcess): Promise<string> {
  const { url } = JSON.parse(await server.waitForLine('"event":"listening"')) as { url: string }
  await server.waitForLine('"event":"started"')
  return url
}

export function itemUrl(server: string, id: string): string {
  return `${server}/items/${encodeURIComponent(id)}`
}

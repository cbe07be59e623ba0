import { TestServerUnavailable } from '../errors.ts'
import { canConnect } from './connect.ts'
import { reapStaleDirectories } from './private-directory.ts'
import { GALERA_VARIABLE } from './galera.ts'
import type { ServerKind } from './running-server.ts'
import { createInstaller, findOrInstall, startAny, type TestKind } from './start-any.ts'
import { dropDatabasesOfRun, dropPrefix, prefixOfRun, RUN_VARIABLE, testRun } from './unique.ts'

/** A server to test against, or why there is none. */
export type TestServer = { readonly url: string } | { readonly skipped: string }

/** The replication library to start clusters with, or why none can be started. */
export type TestGalera = { readonly provider: string } | { readonly skipped: string }

export interface TestServices {
  /**
   * What the processes that run the tests must find in their environment: SE_TEST_SQL_URL or
   * SE_TEST_SQL_SKIP_REASON, SE_TEST_REDIS_URL or SE_TEST_REDIS_SKIP_REASON, SE_TEST_GALERA_PROVIDER or
   * SE_TEST_GALERA_SKIP_REASON, and SE_TEST_RUN.
   */
  readonly env: Readonly<Record<string, string>>
  readonly sql: TestServer
  readonly redis: TestServer
  /** Nothing is started: a cluster is the caller's own, see `startPrivateGalera`. */
  readonly galera: TestGalera
  /** Ends the servers started; on servers that were given, removes what the run created. Call it in any case. */
  release(): Promise<void>
}

export interface AcquireOptions {
  /** Gets each line worth showing, e.g. the command that installs. Default: standard error. */
  readonly print?: (line: string) => void
  /** What is wanted; the others are reported as skipped. Default: all. */
  readonly kinds?: readonly TestKind[]
}

const given = {
  sql: { urlVariable: 'SE_TEST_SQL_URL', skipVariable: 'SE_TEST_SQL_SKIP_REASON' },
  redis: { urlVariable: 'SE_TEST_REDIS_URL', skipVariable: 'SE_TEST_REDIS_SKIP_REASON' },
} as const

/**
 * Finds or starts the servers that tests need. In order, for each: the url in the environment; a program on this
 * machine, started privately; on Debian as root, the program after installing it; a container; none.
 *
 * Call it once per run, and hand `env` to the processes that run tests. Tests that kill, empty or fill a server start
 * their own with `startPrivateRedis` and `startPrivateMariaDb`; all others take `uniqueDatabase` and `uniquePrefix`.
 *
 * @throws TestServerUnavailable when a server given by url does not answer, or, with SE_REQUIRE_SERVERS=1, when one is missing
 */
export async function acquireTestServices(options: AcquireOptions = {}): Promise<TestServices> {
  const print = options.print ?? ((line: string) => process.stderr.write(`${line}\n`))
  const wanted = options.kinds ?? (['sql', 'redis', 'galera'] as const)
  const run = testRun()
  const releases: (() => Promise<void>)[] = []
  reapStaleDirectories()

  async function release(): Promise<void> {
    const results = await Promise.allSettled(releases.splice(0).map((one) => one()))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  const urlGiven = (kind: ServerKind) => process.env[given[kind].urlVariable] ?? ''
  const toStart = wanted.filter((kind) => kind === 'galera' || urlGiven(kind) === '')
  const install = createInstaller(toStart, print)

  async function acquire(kind: ServerKind): Promise<TestServer> {
    const url = urlGiven(kind)
    if (url !== '') {
      const reason = await canConnect(kind, url)
      if (reason !== undefined) {
        throw new TestServerUnavailable(`the server of ${given[kind].urlVariable} does not answer: ${reason}`)
      }
      releases.push(() => removeOfRun(kind, url, run))
      return { url }
    }
    if (!wanted.includes(kind)) return { skipped: 'not asked for' }
    const result = await startAny(kind, install, { isDetached: false })
    if ('skipped' in result) return skip(`${kind} server`, result)
    releases.push(() => result.stop())
    return { url: result.url }
  }

  async function acquireGalera(): Promise<TestGalera> {
    if (!wanted.includes('galera')) return { skipped: 'not asked for' }
    const found = await findOrInstall('galera', install)
    return typeof found === 'string' ? { provider: found } : skip('Galera cluster', found)
  }

  try {
    const [sql, redis, galera] = await allOrFirstFailure([acquire('sql'), acquire('redis'), acquireGalera()])
    const galeraEnv: Record<string, string> =
      'provider' in galera
        ? { [GALERA_VARIABLE]: galera.provider }
        : { SE_TEST_GALERA_SKIP_REASON: galera.skipped }
    return {
      env: { ...envOf('sql', sql), ...envOf('redis', redis), ...galeraEnv, [RUN_VARIABLE]: run },
      sql,
      redis,
      galera,
      release,
    }
  } catch (error) {
    await release().catch(() => undefined)
    throw error
  }
}

async function removeOfRun(kind: ServerKind, url: string, run: string): Promise<void> {
  if (kind === 'sql') await dropDatabasesOfRun(url, run)
  else await dropPrefix(url, prefixOfRun(run))
}

function skip<T extends { readonly skipped: string }>(what: string, result: T): T {
  if (process.env['SE_REQUIRE_SERVERS'] !== '1') return result
  throw new TestServerUnavailable(`SE_REQUIRE_SERVERS=1, but there is no ${what}: ${result.skipped}`)
}

/** Unlike Promise.all, waits for all even if one fails, so that nothing starts up behind the caller's back. */
async function allOrFirstFailure<A, B, C>(
  promises: readonly [Promise<A>, Promise<B>, Promise<C>],
): Promise<[A, B, C]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}

function envOf(kind: ServerKind, server: TestServer): Record<string, string> {
  return 'url' in server
    ? { [given[kind].urlVariable]: server.url }
    : { [given[kind].skipVariable]: server.skipped }
}

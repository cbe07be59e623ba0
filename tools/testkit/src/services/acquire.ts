import { TestServerUnavailable } from '../errors.ts'
import { canConnect } from './connect.ts'
import { installDebianPackages, whyNotInstallable } from './debian-install.ts'
import { startContainer, whyNoDocker } from './docker.ts'
import { findSqlServer, startPrivateMariaDb } from './mariadb.ts'
import { reapStaleDirectories } from './private-directory.ts'
import { findRedisServer, startPrivateRedis } from './redis.ts'
import { dropDatabasesOfRun, dropPrefix, prefixOfRun, runVariable, testRun } from './unique.ts'

/** A server to test against, or why there is none. */
export type TestServer = { readonly url: string } | { readonly skipped: string }

export interface TestServices {
  /**
   * What the processes that run the tests must find in their environment: SE_TEST_SQL_URL or
   * SE_TEST_SQL_SKIP_REASON, SE_TEST_REDIS_URL or SE_TEST_REDIS_SKIP_REASON, and SE_TEST_RUN.
   */
  readonly env: Readonly<Record<string, string>>
  readonly sql: TestServer
  readonly redis: TestServer
  /** Ends the servers started; on servers that were given, removes what the run created. Call it in any case. */
  release(): Promise<void>
}

export interface AcquireOptions {
  /** Gets each line worth showing, e.g. the command that installs. Default: standard error. */
  readonly print?: (line: string) => void
  /** Which servers are wanted; the others are reported as skipped. Default: both. */
  readonly kinds?: readonly ServerKind[]
}

export type ServerKind = 'sql' | 'redis'

interface Running {
  readonly url: string
  stop(): Promise<void>
}

const kinds = {
  sql: {
    urlVariable: 'SE_TEST_SQL_URL',
    skipVariable: 'SE_TEST_SQL_SKIP_REASON',
    debianPackage: 'mariadb-server',
    find: findSqlServer,
    start: startPrivateMariaDb,
    dropOfRun: dropDatabasesOfRun,
  },
  redis: {
    urlVariable: 'SE_TEST_REDIS_URL',
    skipVariable: 'SE_TEST_REDIS_SKIP_REASON',
    debianPackage: 'redis-server',
    find: findRedisServer,
    start: startPrivateRedis,
    dropOfRun: async (url: string, run: string) => {
      await dropPrefix(url, prefixOfRun(run))
    },
  },
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
  const wanted = options.kinds ?? (['sql', 'redis'] as const)
  const run = testRun()
  const releases: (() => Promise<void>)[] = []
  reapStaleDirectories()

  async function release(): Promise<void> {
    const results = await Promise.allSettled(releases.splice(0).map((one) => one()))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async function acquire(kind: ServerKind, install: () => Promise<string | undefined>): Promise<TestServer> {
    const given = process.env[kinds[kind].urlVariable]
    if (given !== undefined && given !== '') {
      const reason = await canConnect(kind, given)
      if (reason !== undefined) {
        throw new TestServerUnavailable(`the server of ${kinds[kind].urlVariable} does not answer: ${reason}`)
      }
      releases.push(() => kinds[kind].dropOfRun(given, run))
      return { url: given }
    }
    if (!wanted.includes(kind)) return { skipped: 'not asked for' }
    const result = await startAny(kind, install)
    if ('skipped' in result) {
      if (process.env['SE_REQUIRE_SERVERS'] === '1') {
        throw new TestServerUnavailable(`SE_REQUIRE_SERVERS=1, but there is no ${kind} server: ${result.skipped}`)
      }
      return result
    }
    releases.push(() => result.stop())
    return { url: result.url }
  }

  try {
    const install = onceFor(wanted, print)
    const [sql, redis] = await allOrFirstFailure([acquire('sql', install), acquire('redis', install)])
    return { env: { ...envOf('sql', sql), ...envOf('redis', redis), [runVariable]: run }, sql, redis, release }
  } catch (error) {
    await release().catch(() => undefined)
    throw error
  }
}

/** Installs what is missing of all wanted servers in one go, however many ask. */
function onceFor(wanted: readonly ServerKind[], print: (line: string) => void): () => Promise<string | undefined> {
  let installing: Promise<string | undefined> | undefined
  return () => {
    const missing = wanted.filter((kind) => {
      const isGiven = (process.env[kinds[kind].urlVariable] ?? '') !== ''
      return !isGiven && kinds[kind].find() === undefined
    })
    installing ??= installDebianPackages(
      missing.map((kind) => kinds[kind].debianPackage),
      print,
    )
    return installing
  }
}

async function startAny(
  kind: ServerKind,
  install: () => Promise<string | undefined>,
): Promise<Running | { readonly skipped: string }> {
  const reasons: string[] = []
  if (kinds[kind].find() === undefined) {
    const forbidden = whyNotInstallable()
    const failure = forbidden ?? (await install())
    reasons.push(`no ${kind} server program on this machine`)
    if (failure !== undefined) reasons.push(failure)
  }
  if (kinds[kind].find() !== undefined) {
    try {
      return await kinds[kind].start()
    } catch (error) {
      reasons.push(messageOf(error))
    }
  }
  const noDocker = await whyNoDocker()
  if (noDocker === undefined) {
    try {
      return await startContainer(kind)
    } catch (error) {
      reasons.push(messageOf(error))
    }
  } else {
    reasons.push(noDocker)
  }
  return { skipped: reasons.join('; ') }
}

/** Unlike Promise.all, waits for all even if one fails, so that nothing starts up behind the caller's back. */
async function allOrFirstFailure<A, B>(promises: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}

function envOf(kind: ServerKind, server: TestServer): Record<string, string> {
  return 'url' in server
    ? { [kinds[kind].urlVariable]: server.url }
    : { [kinds[kind].skipVariable]: server.skipped }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

// Goal: every way to come by a server, in the promised order, and nothing of it left after release.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startKillableProcess } from '../process-killer.ts'
import { connectRedis, connectSql } from './connect.ts'
import { findBinary } from './find-binary.ts'
import { findFreePort } from './free-port.ts'
import { identifyProcess } from './process-identity.ts'
import {
  acquireTestServices,
  dropPrefix,
  startPrivateMariaDb,
  startPrivateRedis,
  TestServerUnavailable,
  uniqueDatabase,
  uniquePrefix,
} from './index.ts'

vi.mock('./find-binary.ts', async (load) => {
  const original = await load<typeof import('./find-binary.ts')>()
  return { findBinary: vi.fn(original.findBinary) }
})
const realFindBinary = (await vi.importActual<typeof import('./find-binary.ts')>('./find-binary.ts'))
  .findBinary

/** As on a machine without server programs. */
function hideServers(): void {
  vi.mocked(findBinary).mockImplementation((...names: readonly string[]) =>
    names.some((name) => /redis|valkey|mariadb|mysqld|wsrep/.test(name))
      ? undefined
      : realFindBinary(...names),
  )
}

const undo: (() => void | Promise<void>)[] = []

beforeEach(() => {
  for (const name of [
    'SE_TEST_SQL_URL',
    'SE_TEST_REDIS_URL',
    'SE_TEST_GALERA_PROVIDER',
    'SE_TEST_RUN',
    'SE_REQUIRE_SERVERS',
    'SE_NO_INSTALL',
  ]) {
    vi.stubEnv(name, undefined)
  }
})

afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
  vi.unstubAllEnvs()
  vi.mocked(findBinary).mockImplementation(realFindBinary)
})

async function acquire(): Promise<{
  services: Awaited<ReturnType<typeof acquireTestServices>>
  printed: string[]
}> {
  const printed: string[] = []
  const services = await acquireTestServices({ print: (line) => printed.push(line) })
  undo.push(() => services.release())
  return { services, printed }
}

function urlOf(server: { readonly url: string } | { readonly skipped: string }): string {
  if ('skipped' in server) throw new Error(`skipped: ${server.skipped}`)
  return server.url
}

describe('with server programs on this machine', () => {
  test('starts private servers, different ones each time, and ends them on release', async () => {
    const { services: first } = await acquire()
    const { services: second } = await acquire()
    expect(first.env).toEqual({
      SE_TEST_SQL_URL: urlOf(first.sql),
      SE_TEST_REDIS_URL: urlOf(first.redis),
      SE_TEST_GALERA_PROVIDER: expect.stringMatching(/libgalera_smm/) as string,
      SE_TEST_RUN: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
    })
    expect(urlOf(second.sql)).not.toBe(urlOf(first.sql))
    expect(urlOf(second.redis)).not.toBe(urlOf(first.redis))

    const redis = await connectRedis(urlOf(first.redis))
    const info = await redis.info('server')
    redis.disconnect()
    const pid = Number(/process_id:(\d+)/.exec(info)?.[1])
    expect(identifyProcess(pid)).toBeDefined()
    await first.release()
    expect(identifyProcess(pid)).toBeUndefined()
    await expect(connectRedis(urlOf(first.redis))).rejects.toThrow()
    await expect(connectSql(urlOf(first.sql))).rejects.toThrow()
    ;(await connectSql(urlOf(second.sql))).destroy()
    ;(await connectRedis(urlOf(second.redis))).disconnect()
  })

  test('starts only what is asked for', async () => {
    const services = await acquireTestServices({ kinds: ['redis'] })
    undo.push(() => services.release())
    expect(services.sql).toEqual({ skipped: 'not asked for' })
    expect(services.galera).toEqual({ skipped: 'not asked for' })
    expect(services.env['SE_TEST_SQL_SKIP_REASON']).toBe('not asked for')
    expect(urlOf(services.redis)).toMatch(/^redis:/)
  })
})

describe('with urls in the environment', () => {
  test('uses those servers and leaves nothing there that the run created, also by a killed process', async () => {
    const [sql, redis] = await Promise.all([startPrivateMariaDb(), startPrivateRedis()])
    undo.push(() => Promise.all([sql.stop(), redis.stop()]).then(() => undefined))
    vi.stubEnv('SE_TEST_SQL_URL', sql.url)
    vi.stubEnv('SE_TEST_REDIS_URL', redis.url)
    const keys = await connectRedis(redis.url)
    undo.push(() => {
      keys.disconnect()
    })
    await keys.set('somebody-elses', 'key')

    const { services } = await acquire()
    expect(services.sql).toEqual({ url: sql.url })
    expect(services.redis).toEqual({ url: redis.url })
    const child = startKillableProcess({
      file: new URL('../../test/children/leave-behind.ts', import.meta.url),
      env: services.env,
    })
    const left = JSON.parse((await child.waitForLine('left')).slice('left '.length)) as {
      name: string
      key: string
    }
    await child.kill()
    const own = await uniqueDatabase(sql.url)
    expect(await databases(sql.url)).toEqual(expect.arrayContaining([left.name, own.name]))
    expect(await keys.exists(left.key)).toBe(1)

    await services.release()
    const remaining = await databases(sql.url)
    expect(remaining).toContain('se_test')
    expect(remaining.filter((name) => name.startsWith('se_test_'))).toEqual([])
    expect(await keys.keys('*')).toEqual(['somebody-elses'])
  })

  test('fails when a given server does not answer, without telling its password', async () => {
    vi.stubEnv('SE_TEST_SQL_URL', 'mysql://user:secret-word@127.0.0.1:1/db')
    const failure: unknown = await acquireTestServices().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(TestServerUnavailable)
    expect(String(failure)).toMatch(/SE_TEST_SQL_URL does not answer/)
    expect(String(failure)).not.toContain('secret-word')
  })
})

describe('without server programs', () => {
  beforeEach(() => {
    hideServers()
    vi.stubEnv('SE_NO_INSTALL', '1')
  })

  test('skips with all reasons, and prints and installs nothing', async () => {
    vi.stubEnv('DOCKER_HOST', 'unix:///no/such/engine')
    const { services, printed } = await acquire()
    expect(services.redis).toEqual({
      skipped: expect.stringMatching(/no redis server program.*SE_NO_INSTALL=1 forbids.*ocker/) as string,
    })
    expect(services.env['SE_TEST_SQL_SKIP_REASON']).toMatch(/no sql server program/)
    expect(services.env).not.toHaveProperty('SE_TEST_SQL_URL')
    expect(services.env['SE_TEST_GALERA_SKIP_REASON']).toMatch(/no Galera.*SE_NO_INSTALL=1 forbids/)
    expect(services.env).not.toHaveProperty('SE_TEST_GALERA_PROVIDER')
    expect(printed).toEqual([])
  })

  test('fails instead with SE_REQUIRE_SERVERS=1', async () => {
    vi.stubEnv('DOCKER_HOST', 'unix:///no/such/engine')
    vi.stubEnv('SE_REQUIRE_SERVERS', '1')
    await expect(acquireTestServices()).rejects.toThrow(/SE_REQUIRE_SERVERS=1, but there is no sql server/)
    await expect(acquireTestServices({ kinds: ['galera'] })).rejects.toThrow(/there is no Galera cluster/)
  })

  // No engine here, so a stand-in for the command, which runs the image's program itself: what is tested is the dialogue.
  test('runs a container where a Docker engine answers, and removes it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stand-in-for-docker-'))
    undo.push(() => {
      rmSync(directory, { recursive: true })
    })
    writeFileSync(
      join(directory, 'docker'),
      dockerStandIn(directory, realFindBinary('redis-server') ?? '', await findFreePort()),
    )
    chmodSync(join(directory, 'docker'), 0o755)
    vi.stubEnv('PATH', `${directory}:${process.env['PATH'] ?? ''}`)

    const services = await acquireTestServices({ kinds: ['redis'] })
    undo.push(() => services.release())
    const client = await connectRedis(urlOf(services.redis))
    expect(await client.ping()).toBe('PONG')
    client.disconnect()
    await services.release()
    await expect(connectRedis(urlOf(services.redis))).rejects.toThrow()
  })
})

describe('unique names', () => {
  test('databases and prefixes are empty, distinct, and dropped one by one, also where one looks like a pattern [P20]', async () => {
    const { services } = await acquire()
    const [first, second] = await Promise.all([
      uniqueDatabase(urlOf(services.sql)),
      uniqueDatabase(urlOf(services.sql)),
    ])
    expect(new URL(first.url).pathname).toBe(`/${first.name}`)
    const connection = await connectSql(first.url)
    await connection.query('CREATE TABLE only_here (id INT)')
    connection.destroy()
    await first.drop()
    await first.drop()
    await expect(connectSql(first.url)).rejects.toThrow(/Unknown database/)
    ;(await connectSql(second.url)).destroy()

    // A character that means something in a pattern must not reach other keys.
    const prefix = `${uniquePrefix()}[a]*:`
    expect(uniquePrefix()).not.toBe(uniquePrefix())
    expect(uniquePrefix()).not.toMatch(/[{}]/)
    const client = await connectRedis(urlOf(services.redis))
    await client.mset(
      Object.fromEntries(Array.from({ length: 2_500 }, (_, index) => [`${prefix}${index}`, 'x'])),
    )
    await client.set(prefix.replace('[a]*', 'ab'), 'kept')
    expect(await dropPrefix(urlOf(services.redis), prefix)).toBe(2_500)
    expect(await client.dbsize()).toBe(1)
    client.disconnect()
  })
})

async function databases(url: string): Promise<string[]> {
  const connection = await connectSql(url)
  const [rows] = await connection.query('SHOW DATABASES')
  connection.destroy()
  return (rows as { Database: string }[]).map((row) => row.Database)
}

function dockerStandIn(directory: string, redisServer: string, port: number): string {
  return `#!/bin/sh
case "$1" in
  info) exit 0 ;;
  run)
    while [ "$1" != redis:7 ]; do shift; done
    shift
    ${redisServer} --port ${port} --bind 127.0.0.1 --dir ${directory} "$@" >/dev/null 2>&1 &
    echo $! ;;
  port) echo 127.0.0.1:${port} ;;
  rm) kill -9 "$3" ;;
esac
`
}

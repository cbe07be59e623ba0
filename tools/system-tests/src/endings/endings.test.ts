/**
 * Goal: what is awaited ends with an answer, and the process with it: never in the middle, and never not at all [W10, P70, P71].
 * Method: bare scripts in processes of their own, on servers that are refused, swallow what is sent, or are stopped by SIGSTOP.
 */
import { startFaultProxy, type FaultProxy } from '@se/testkit/fault-proxy'
import {
  startPrivateMariaDb,
  startPrivateRedis,
  uniqueDatabase,
  uniquePrefix,
  type PrivateServer,
} from '@se/testkit/services'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { describeWithServer } from '@se/testkit/vitest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  ordinaryUser,
  runScript,
  scriptDirectory,
  type RunOptions,
  type RunningScript,
} from './run-script.ts'
import type { ScriptSettings } from './script.ts'

/** What a process needs to load and to end on a machine that does other things too, ms. */
const SLACK_MS = 15_000

let proxy: FaultProxy | undefined
let directories: { remove(): void }[] = []
let scripts: RunningScript[] = []
afterEach(async () => {
  for (const script of scripts) script.signal('SIGKILL')
  scripts = []
  await proxy?.close()
  proxy = undefined
  for (const directory of directories) directory.remove()
  directories = []
})

function newDirectory(options: RunOptions = {}): string {
  const directory = scriptDirectory(options.user)
  directories.push(directory)
  return directory.path
}

function run(task: string, settings: ScriptSettings, options: RunOptions = {}): RunningScript {
  const script = runScript(task, settings, options)
  scripts.push(script)
  return script
}

async function through(url: string): Promise<string> {
  const target = new URL(url)
  proxy = await startFaultProxy({ targetPort: Number(target.port || 3306) })
  target.hostname = '127.0.0.1'
  target.port = String(proxy.port)
  return target.href
}

/** A port on which somebody accepts and never says a word. */
async function silentServer(): Promise<{ readonly port: number; close(): void }> {
  const server: Server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, close: () => void server.close() }
}

describe('a start', () => {
  it('on a port where nobody listens says so, and the process ends [P70]', async () => {
    const script = run('start', {
      logDirectory: newDirectory(),
      archive: 'mysql://root@127.0.0.1:1/x',
      timeoutMs: 5_000,
    })
    expect(await script.heard('start')).toMatchObject({ outcome: 'SE_TIER_UNAVAILABLE' })
    expect(await script.heard('phase')).toMatchObject({ phase: 'Failed' })
    expect(await script.ended).toMatchObject({ code: 7 })
    expect(script.said.at(-1)).toEqual({ what: 'end of main' })
  })

  it('waits for a server as long as it was told, and the process does not end meanwhile [P70]', async () => {
    const script = run('start', {
      logDirectory: newDirectory(),
      archive: 'mysql://root@127.0.0.1:1/x',
      waitForMs: 2_000,
    })
    const { tookMs, outcome } = await script.heard('start')
    expect(outcome).toBe('SE_TIER_UNAVAILABLE')
    expect(tookMs).toBeGreaterThanOrEqual(1_900)
    expect(await script.ended).toMatchObject({ code: 7 })
  })

  it('on a port where nobody answers ends by its limit [P70, P79]', async () => {
    const silent = await silentServer()
    const script = run('start', {
      logDirectory: newDirectory(),
      archive: `mysql://root@127.0.0.1:${silent.port}/x`,
      timeoutMs: 1_000,
    })
    const { outcome } = await script.heard('start')
    expect(outcome).toMatch(/^SE_(DEADLINE_EXCEEDED|TIER_UNAVAILABLE)$/)
    expect(await script.ended).toMatchObject({ code: 7 })
    silent.close()
  })
})

describe('without a server', () => {
  it('an engine on SQLite that was stopped keeps no process alive [P70]', async () => {
    const directory = newDirectory()
    const script = run('stop', { logDirectory: `${directory}/log`, archive: `sqlite:${directory}/a.sqlite` })
    await script.heard('waiting')
    script.go()
    expect(await script.heard('stopped')).toMatchObject({ itemsLeftInLog: 0, itemsLost: 0, isLocked: false })
    expect(await script.ended).toMatchObject({ code: 7 })
  })
})

describeWithServer('sql', 'with MariaDB', (sqlUrl) => {
  const CALLS = [
    ...['submit', 'delete', 'get', 'getMany', 'contains', 'explain', 'verify', 'roots', 'retryParked'],
    ...['dropParked', 'log', 'flush'],
  ]
  /** They need nothing of the archive, or say themselves that it does not answer. */
  const ANSWERED = ['explain', 'retryParked', 'dropParked', 'log']

  async function expectAllToEnd(script: RunningScript, timeoutMs: number): Promise<void> {
    for (const call of CALLS) {
      const { outcome, tookMs } = await script.heard(call)
      if (!ANSWERED.includes(call)) expect(outcome, call).toMatch(/^SE_(DEADLINE_EXCEEDED|TIER_UNAVAILABLE)$/)
      expect(tookMs, call).toBeLessThan(timeoutMs + 2_000)
    }
    expect(await script.heard('log')).toMatchObject({ outcome: 'ok' })
    expect(await script.heard('stopped')).toMatchObject({ itemsLeftInLog: 2, itemsLost: 0, isLocked: false })
    expect(await script.ended).toMatchObject({ code: 7 })
    expect(script.said.at(-1)).toEqual({ what: 'end of main' })
  }

  it.each(['refuse', 'blackHole'] as const)(
    'every call ends with an answer of its own, and the process by itself, once the network does %s [W10, P70, P71]',
    async (fault) => {
      const database = await uniqueDatabase(sqlUrl)
      const archive = await through(database.url)
      const script = run('calls', { logDirectory: newDirectory(), archive, timeoutMs: 700 })
      await script.heard('waiting')
      if (fault === 'refuse') await proxy!.refuse()
      else proxy!.blackHole()
      script.go()
      await expectAllToEnd(script, 700)
      await database.drop()
    },
  )

  it('a loader whose archive is away ends with its own error, not in the middle [P70]', async () => {
    const database = await uniqueDatabase(sqlUrl)
    const archive = await through(database.url)
    const script = run('load', {
      logDirectory: newDirectory(),
      archive,
      pendingItemsMax: 50,
      timeoutMs: 2_000,
    })
    await script.heard('waiting')
    await proxy!.refuse()
    script.go()
    expect(await script.heard('load failed')).toMatchObject({
      accepted: 50,
      outcome: 'SE_DEADLINE_EXCEEDED',
    })
    expect(await script.heard('stopped')).toMatchObject({ itemsLeftInLog: 50, isLocked: false })
    expect(await script.ended).toMatchObject({ code: 9 })
    await database.drop()
  })

  const user = ordinaryUser()
  it.skipIf(user === undefined)('the same as an ordinary user [P70]', async () => {
    const database = await uniqueDatabase(sqlUrl)
    const archive = await through(database.url)
    const options = { user: user! }
    const script = run('calls', { logDirectory: newDirectory(options), archive, timeoutMs: 500 }, options)
    await script.heard('waiting')
    await proxy!.refuse()
    script.go()
    await expectAllToEnd(script, 500)
    await database.drop()
  })

  it('a start that failed is repeated by the same engine, archive and cache included [P70]', async () => {
    const database = await uniqueDatabase(sqlUrl)
    const archive = await through(database.url)
    await proxy!.refuse()
    const script = run('start again', { logDirectory: newDirectory(), archive, timeoutMs: 5_000 })
    expect(await script.heard('start')).toMatchObject({ outcome: 'SE_TIER_UNAVAILABLE' })
    await script.heard('waiting')
    await proxy!.resume()
    script.go()
    expect(await script.ended).toMatchObject({ code: 7 })
    expect(script.said.filter(({ what }) => what === 'start').map(({ outcome }) => outcome)).toEqual([
      'SE_TIER_UNAVAILABLE',
      'ok',
    ])
    expect(script.said.find(({ what }) => what === 'stopped')).toMatchObject({ itemsLeftInLog: 0 })
    await database.drop()
  })

  describeWithServer('redis', 'and Redis', (redisUrl) => {
    it('a start that failed after the cache was there is repeated, and takes the cache in [P70]', async () => {
      const database = await uniqueDatabase(sqlUrl)
      const archive = await through(database.url)
      await proxy!.refuse()
      const settings = { logDirectory: newDirectory(), archive, redisUrl, redisPrefix: uniquePrefix() }
      const script = run('start again', { ...settings, timeoutMs: 5_000 })
      await script.heard('waiting')
      await proxy!.resume()
      script.go()
      expect(await script.heard('status')).toMatchObject({ backendHealthy: { mysql: true, redis: true } })
      expect(await script.ended).toMatchObject({ code: 7 })
      await database.drop()
    })
  })
})

describe('servers that are stopped', () => {
  let sql: PrivateServer
  let redis: PrivateServer
  beforeAll(async () => {
    ;[sql, redis] = await Promise.all([startPrivateMariaDb(), startPrivateRedis()])
  }, 120_000)
  afterAll(async () => {
    await Promise.all([sql?.stop(), redis?.stop()])
  })
  beforeEach(() => {
    sql.resume()
    redis.resume()
  })
  afterEach(() => {
    sql.resume()
    redis.resume()
  })

  it.each([
    ['MariaDB', () => [sql]],
    ['Redis', () => [redis]],
    ['MariaDB and Redis', () => [sql, redis]],
  ] as const)(
    'a stop while %s stands still ends in time, loses nothing, and leaves no handle [P1, P70]',
    async (_, servers) => {
      const logDirectory = newDirectory()
      const settings = { logDirectory, archive: sql.url, redisUrl: redis.url, redisPrefix: uniquePrefix() }
      const script = run('stop', { ...settings, timeoutMs: 4_000 })
      await script.heard('waiting')
      await Promise.all(servers().map((server) => server.pause()))
      script.go()
      const stopped = await script.heard('stopped')
      expect(stopped['tookMs']).toBeLessThan(4_000 + 1_000)
      expect(stopped).toMatchObject({ itemsLost: 0, isLocked: false })
      if (servers().includes(sql)) expect(stopped).toMatchObject({ itemsLeftInLog: 1 })
      const { code, tookMs } = await script.ended
      expect(code).toBe(7)
      expect(tookMs).toBeLessThan(4_000 + SLACK_MS)
      for (const server of servers()) server.resume()
      const again = run('calls', { ...settings, timeoutMs: 20_000 })
      await again.heard('waiting')
      again.go()
      expect(await again.heard('submit')).toMatchObject({ outcome: 'ok' })
      expect(await again.ended).toMatchObject({ code: 7 })
    },
  )

  it('every call ends while MariaDB stands still [W10, P70]', async () => {
    const script = run('calls', { logDirectory: newDirectory(), archive: sql.url, timeoutMs: 700 })
    await script.heard('waiting')
    await sql.pause()
    script.go()
    expect(await script.heard('flush')).toMatchObject({ outcome: 'SE_DEADLINE_EXCEEDED' })
    expect(await script.heard('stopped')).toMatchObject({ itemsLost: 0, isLocked: false })
    expect(await script.ended).toMatchObject({ code: 7 })
  })

  it('a start waits for a server that comes up later', async () => {
    await sql.kill('SIGTERM')
    const script = run('start', { logDirectory: newDirectory(), archive: sql.url, waitForMs: 60_000 })
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(script.said).toEqual([])
    await sql.restart()
    expect(await script.heard('start')).toMatchObject({ outcome: 'ok' })
    expect(await script.ended).toMatchObject({ code: 7 })
  })

  it('a process that stood still for seconds fails no call and opens no breaker', async () => {
    const settings = { archive: sql.url, redisUrl: redis.url, redisPrefix: uniquePrefix() }
    const script = run('work', { logDirectory: newDirectory(), ...settings })
    await script.heard('waiting')
    for (const stallMs of [1_300, 2_500, 6_000]) {
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      script.signal('SIGSTOP')
      await new Promise((resolve) => setTimeout(resolve, stallMs))
      script.signal('SIGCONT')
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    script.go()
    const worked = await script.heard('worked')
    expect(worked).toMatchObject({ failureCount: 0, failures: [] })
    expect(worked['count']).toBeGreaterThan(20)
    expect(await script.ended).toMatchObject({ code: 7 })
  })
})

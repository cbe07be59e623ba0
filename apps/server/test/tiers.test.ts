/**
 * Goal: two servers over one MariaDB and one Redis see each other's writes and deletes, and an archive that is down is told
 * as such: not as absence, and not as a lost write.
 * Method: both servers in this process, each with a log of its own; the network to MariaDB runs through the fault proxy.
 */
import { CATALOG, scrapeName, type Instrument } from '@se/metrics'
import { startFaultProxy, type FaultProxy } from '@se/testkit/fault-proxy'
import { dropPrefix, uniqueDatabase, uniquePrefix, type UniqueDatabase } from '@se/testkit/services'
import { describeWithServer } from '@se/testkit/vitest'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RunningServer } from '../src/serve.ts'
import { itemUrl, readyUrl, serveHere, startServer, testDirectory, type TestDirectory } from './harness.ts'

/** Δ is 500 ms; the rest is for a machine that has other things to do. */
const SOON = { timeout: 10_000, interval: 25 }

describeWithServer('sql', 'servers on MariaDB', (sqlUrl) => {
  let database: UniqueDatabase
  let directories: TestDirectory[]
  let servers: RunningServer[]

  beforeEach(async () => {
    database = await uniqueDatabase(sqlUrl)
    directories = []
    servers = []
  })
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await Promise.all(directories.map((directory) => directory.remove()))
    await database.drop()
  })

  async function serveOn(environment: Readonly<Record<string, string>>): Promise<RunningServer> {
    const directory = await testDirectory()
    directories.push(directory)
    const server = await serveHere({ SE_SQL_URL: database.url, SE_DATA_DIR: directory.path, ...environment })
    servers.push(server)
    return server
  }

  const read = async (server: RunningServer, id: string) => {
    const response = await fetch(itemUrl(server.url, id))
    return response.status === 200 ? response.text() : response.status
  }

  const scrapeOf = async (server: RunningServer) => (await fetch(`${server.url}/metrics`)).text()

  async function seeEachOther(one: RunningServer, other: RunningServer): Promise<void> {
    expect(await read(other, 'user.alice')).toBe(404)
    const write = (body: string) =>
      fetch(`${itemUrl(one.url, 'user.alice')}?level=archive`, { method: 'PUT', body })
    expect((await write('first')).status).toBe(204)
    await vi.waitFor(async () => expect(await read(other, 'user.alice')).toBe('first'), SOON)
    expect((await write('second')).status).toBe(204)
    await vi.waitFor(async () => expect(await read(other, 'user.alice')).toBe('second'), SOON)
    await fetch(`${itemUrl(one.url, 'user.alice')}?level=archive`, { method: 'DELETE' })
    await vi.waitFor(async () => expect(await read(other, 'user.alice')).toBe(404), SOON)
  }

  it("see each other's writes, overwrites and deletes without a cache [R5, P15, P28]", async () => {
    await seeEachOther(await serveOn({}), await serveOn({}))
  })

  describeWithServer('redis', 'and Redis', (redisUrl) => {
    it("see each other's writes, overwrites and deletes through Redis [R5, P14, P15]", async () => {
      const prefix = uniquePrefix()
      const environment = { SE_REDIS_URL: redisUrl, SE_REDIS_PREFIX: prefix }
      const one = await serveOn(environment)
      const other = await serveOn(environment)
      await seeEachOther(one, other)
      await fetch(itemUrl(one.url, 'user.bob'), { method: 'PUT', body: 'through the log' })
      expect(await read(one, 'user.nobody')).toBe(404)
      const scrape = await scrapeOf(one)
      expect(scrape).toContain('sync_engine_backend_healthy{backend="redis"} 1')
      expect(scrape).toMatch(/sync_engine_items_written_total\{tier="L2"\} [1-9]/)
      // A healthy engine shows every metric there is; failures and retries are seen while the archive is away, below.
      const missing = Object.values<Instrument>(CATALOG)
        .map(scrapeName)
        .filter((name) => !new RegExp(`^${name}(_count)?[{ ]`, 'm').test(scrape))
      expect(missing).toEqual(['sync_engine_errors_total', 'sync_engine_retries_total'])
      await Promise.all(servers.splice(0).map((server) => server.stop()))
      expect(await dropPrefix(redisUrl, prefix)).toBeGreaterThan(0)
    })
  })

  describe('while the archive is away', () => {
    let proxy: FaultProxy

    beforeEach(async () => {
      proxy = await startFaultProxy({ targetPort: Number(new URL(database.url).port || 3306) })
    })
    afterEach(() => proxy.close())

    it('are not ready, say 503 and not 404, still take writes into the log, and lose none of them [R1, W1]', async () => {
      const through = new URL(database.url)
      through.hostname = '127.0.0.1'
      through.port = String(proxy.port)
      const server = await serveOn({ SE_SQL_URL: through.href })
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
      await fetch(`${itemUrl(server.url, 'old')}?level=archive`, { method: 'PUT', body: 'old' })

      await proxy.refuse()
      await vi.waitFor(async () => expect((await fetch(`${server.url}/readyz`)).status).toBe(503), SOON)
      expect((await fetch(`${server.url}/livez`)).status).toBe(200)
      expect((await fetch(itemUrl(server.url, 'new'), { method: 'PUT', body: 'new' })).status).toBe(204)
      expect(await read(server, 'new')).toBe('new')
      // Another process may have written it since: after Δ only the archive could say.
      await vi.waitFor(async () => {
        const response = await fetch(itemUrl(server.url, 'never-written'))
        expect(response.status).toBe(503)
        expect(response.headers.get('retry-after')).toBe('1')
        expect(await response.json()).toMatchObject({ error: { code: 'SE_TIER_UNAVAILABLE' } })
      }, SOON)
      await vi.waitFor(async () => {
        const scrape = await scrapeOf(server)
        expect(scrape).toContain('sync_engine_backend_healthy{backend="mysql"} 0')
        expect(scrape).toContain('sync_engine_pending_items 1')
        expect(scrape).toMatch(
          /^sync_engine_errors_total\{tier="L3",operation="batch_write",kind="SE_TIER_UNAVAILABLE"\} /m,
        )
        expect(scrape).toMatch(/^sync_engine_retries_total\{backend="mysql"\} /m)
      }, SOON)

      await proxy.resume()
      await vi.waitFor(async () => expect((await fetch(`${server.url}/readyz`)).status).toBe(200), SOON)
      await vi.waitFor(async () => expect(await read(server, 'never-written')).toBe(404), SOON)
      const second = await serveOn({})
      await vi.waitFor(async () => expect(await read(second, 'new')).toBe('new'), SOON)
      expect(await read(second, 'old')).toBe('old')
    })
  })

  it('print no password in any line from start to stop [P49]', async () => {
    const directory = await testDirectory()
    directories.push(directory)
    const wrong = new URL(database.url)
    wrong.password = 'hunter2-is-wrong'
    const refused = startServer({ SE_SQL_URL: wrong.href, SE_DATA_DIR: directory.path })
    expect(await refused.ended).toEqual({ code: 1, signal: null })
    expect(refused.lines.join('\n') + refused.stderr).not.toContain('hunter2')

    const { password } = new URL(database.url)
    const server = startServer({
      SE_SQL_URL: database.url,
      SE_REDIS_URL: 'redis://someone:hunter2@127.0.0.1:1',
      SE_DATA_DIR: directory.path,
      SE_LOG_LEVEL: 'trace',
    })
    await readyUrl(server)
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    const printed = server.lines.join('\n') + server.stderr
    expect(printed).not.toContain('hunter2')
    if (password !== '') expect(printed).not.toContain(password)
  })
})

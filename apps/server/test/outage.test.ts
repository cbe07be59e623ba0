/**
 * Goal: a database that dies, or stands still with its connections open, takes nothing from the clients but what only it can
 * give. Method: a MariaDB of its own under a server in this process, killed or frozen, and brought back.
 */
import { startPrivateMariaDb, type PrivateServer } from '@se/testkit/services'
import { describeWithServer } from '@se/testkit/vitest'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { RunningServer } from '../src/serve.ts'
import { itemUrl, serveHere, testDirectory, type TestDirectory } from './harness.ts'

/** The engine tells a caller after 30 s; the rest is for a machine that has other things to do. */
const TIMEOUT_MS = 240_000
const EVENTUALLY = { timeout: 120_000, interval: 50 }
/** At each level, while the database is away. */
const WRITES = 20

describeWithServer('sql', 'a server whose MariaDB is away', () => {
  let database: PrivateServer
  let directory: TestDirectory
  let server: RunningServer

  beforeEach(async () => {
    database = await startPrivateMariaDb()
    directory = await testDirectory()
    server = await serveHere({ SE_SQL_URL: database.url, SE_DATA_DIR: directory.path })
  })
  afterEach(async () => {
    await server.stop()
    await database.stop()
    await directory.remove()
  })

  const put = (id: string, level: string) =>
    fetch(`${itemUrl(server.url, id)}?level=${level}`, { method: 'PUT', body: `value of ${id}` })
  const get = (id: string) => fetch(itemUrl(server.url, id))

  async function expectUnavailable(response: Response): Promise<void> {
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(response.headers.get('retry-after')).toBe('1')
    const body: unknown = await response.json()
    expect(body).toEqual({ error: { code: expect.any(String), message: expect.any(String) } })
    expect(['SE_TIER_UNAVAILABLE', 'SE_DEADLINE_EXCEEDED']).toContain(
      (body as { error: { code: string } }).error.code,
    )
  }

  it.each([
    ['killed', () => database.kill(), () => database.restart()],
    ['frozen', () => database.pause(), async () => database.resume()],
  ] as const)(
    '%s: level archive is 503, level log is acknowledged, memory answers, and all is stored once it is back [W1] [R1]',
    { timeout: TIMEOUT_MS },
    async (_, takeAway, bringBack) => {
      expect((await put('before', 'archive')).status).toBe(204)
      expect(await (await get('before')).text()).toBe('value of before')

      await takeAway()
      const refused = Array.from({ length: WRITES }, (_, n) => put(`archive.${n}`, 'archive'))
      for (let n = 0; n < WRITES; n++) {
        expect((await put(`log.${n}`, 'log')).status).toBe(204)
        expect(await (await get(`log.${n}`)).text()).toBe(`value of log.${n}`)
      }
      for (const response of await Promise.all(refused)) await expectUnavailable(response)
      // By now older than Δ; what is here and waits for the archive is still the newest that this server knows.
      for (let n = 0; n < WRITES; n++) {
        expect(await (await get(`log.${n}`)).text()).toBe(`value of log.${n}`)
      }
      expect((await fetch(`${server.url}/readyz`)).status).toBe(503)

      await bringBack()
      await vi.waitFor(async () => expect((await fetch(`${server.url}/readyz`)).status).toBe(200), EVENTUALLY)
      await vi.waitFor(async () => expect((await put('after', 'archive')).status).toBe(204), EVENTUALLY)
      await vi.waitFor(
        async () =>
          expect(await (await fetch(`${server.url}/metrics`)).text()).toContain(
            'sync_engine_pending_items 0',
          ),
        EVENTUALLY,
      )
      // Another server, with a log of its own, finds it all in the archive.
      await server.stop()
      const other = await testDirectory()
      try {
        server = await serveHere({ SE_SQL_URL: database.url, SE_DATA_DIR: other.path })
        for (const id of ['before', 'after', ...Array.from({ length: WRITES }, (_, n) => `log.${n}`)]) {
          expect(await (await get(id)).text(), id).toBe(`value of ${id}`)
        }
      } finally {
        await server.stop()
        await other.remove()
      }
    },
  )
})

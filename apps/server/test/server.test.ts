/**
 * Goal: what goes in over HTTP comes out again, byte for byte, with its content type, stamp and version, also after a restart.
 * Method: the whole server in this process, on SQLite, over a real socket.
 */
import { parseStamp } from '@se/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunningServer } from '../src/serve.ts'
import { itemUrl, serveHere, testDirectory, type TestDirectory } from './harness.ts'

let directory: TestDirectory
let server: RunningServer

beforeEach(async () => {
  directory = await testDirectory()
  server = await serveHere({ SE_DATA_DIR: directory.path })
})
afterEach(async () => {
  await server.stop()
  await directory.remove()
})

const put = (
  id: string,
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
  query = '',
) => fetch(`${itemUrl(server.url, id)}${query}`, { method: 'PUT', body, headers })
const get = (id: string, headers: Record<string, string> = {}) => fetch(itemUrl(server.url, id), { headers })

describe('an item', () => {
  it.each([
    [
      'JSON with its spaces, key order and big numbers',
      '{"b" : 1,\n "a":12345678901234567890}',
      'application/json',
    ],
    ['text that says JSON and is not', '{"a":', 'application/json'],
    ['text with a charset', 'grüße', 'text/plain; charset=utf-8'],
    ['a form', 'a=1&b=2', 'application/x-www-form-urlencoded'],
    ['bytes that are not UTF-8', Buffer.from([0, 255, 254, 128, 13, 10]), 'image/png'],
    ['a type nobody knows', 'x', 'application/vnd.example+cbor; v=2'],
    ['nothing', '', 'text/plain'],
  ])('comes back as it went in, with its content type [R7, P16]: %s', async (_, body, contentType) => {
    const written = await put('user.alice', body, { 'content-type': contentType })
    expect(written.status).toBe(204)
    const read = await get('user.alice')
    expect(read.status).toBe(200)
    expect(Buffer.from(await read.arrayBuffer())).toEqual(Buffer.from(body))
    expect(read.headers.get('content-type')).toBe(contentType)
    expect(read.headers.get('etag')).toBe(written.headers.get('etag'))
  })

  it('is bytes when nobody says what it is', async () => {
    // `fetch` gives a Uint8Array no content type.
    await put('raw', new Uint8Array([1, 2, 3]))
    expect((await get('raw')).headers.get('content-type')).toBe('application/octet-stream')
  })

  it('has its stamp as ETag, and its version once the archive has accepted it', async () => {
    const first = await put('user.alice', 'one', {}, '?level=archive')
    const second = await put('user.alice', 'two', {}, '?level=archive')
    const read = await get('user.alice')
    expect(read.headers.get('etag')).toBe(second.headers.get('etag'))
    expect(read.headers.get('x-version')).toBe('2')
    const stampOf = (response: Response) => parseStamp(response.headers.get('etag')!.slice(1, -1))
    expect(stampOf(second).time).toBeGreaterThan(stampOf(first).time)
  })

  it('is not sent again to a client that has it', async () => {
    const etag = (await put('user.alice', 'one')).headers.get('etag')!
    const same = await get('user.alice', { 'if-none-match': `"0.1", W/${etag}` })
    expect(same.status).toBe(304)
    expect(await same.text()).toBe('')
    await put('user.alice', 'two')
    const changed = await get('user.alice', { 'if-none-match': etag })
    expect([changed.status, await changed.text()]).toEqual([200, 'two'])
  })

  it('is asked for by HEAD without its bytes', async () => {
    await put('user.alice', 'twelve bytes')
    const head = await fetch(itemUrl(server.url, 'user.alice'), { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '12', ''])
  })

  it('cannot make a browser run it as a page of this server', async () => {
    await put('page', '<script>alert(1)</script>', { 'content-type': 'text/html' })
    const { headers } = await get('page')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toBe('sandbox')
  })

  it('is gone after a delete, and a delete of nothing is no error', async () => {
    await put('user.alice', 'one')
    for (let times = 0; times < 2; times++) {
      const deleted = await fetch(itemUrl(server.url, 'user.alice'), { method: 'DELETE' })
      expect(deleted.status).toBe(204)
      const read = await get('user.alice')
      expect(read.status).toBe(404)
      expect(await read.json()).toMatchObject({ error: { code: 'SE_HTTP_ITEM_ABSENT' } })
    }
  })

  it.each(['memory', 'log', 'archive'])(
    'is readable as soon as it is acknowledged at level %s',
    async (level) => {
      expect((await put('user.alice', level, {}, `?level=${level}`)).status).toBe(204)
      expect(await (await get('user.alice')).text()).toBe(level)
    },
  )
})

describe('an id', () => {
  it.each(['a/b', 'ä.ö', '%', '?x=1#y', '..', 'user alice', '🐘', 'a'.repeat(255), 'é'.repeat(127)])(
    'may be any text of 1 to 255 bytes: %s',
    async (id) => {
      // A client's URL parser takes `..` for a step up unless both dots are escaped.
      const url = id === '..' ? `${server.url}/items/%2E%2E%2Fup` : itemUrl(server.url, id)
      expect((await fetch(url, { method: 'PUT', body: id })).status).toBe(204)
      expect(await (await fetch(url)).text()).toBe(id)
    },
  )

  it.each([
    ['empty', ''],
    ['over 255 bytes', 'a'.repeat(256)],
    ['over 255 bytes of UTF-8', 'é'.repeat(128)],
    ['longer than any route parameter usually is', 'a'.repeat(9_000)],
    ['with a control character', 'a\u0000b'],
  ])('is refused by name when it is %s', async (_, id) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await fetch(itemUrl(server.url, id), { method })
      expect(response.status, method).toBe(400)
      expect(await response.json()).toMatchObject({ error: { code: 'SE_INVALID_INPUT', field: 'id' } })
    }
  })
})

describe('operations', () => {
  it('say ready, with the cut at which each view is trusted', async () => {
    const response = await fetch(`${server.url}/readyz`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      ready: true,
      phase: 'Ready',
      trust: {
        tree: expect.stringMatching(/^trusted at cut/) as string,
        filter: expect.stringMatching(/^trusted at cut/) as string,
      },
    })
    expect((await fetch(`${server.url}/livez`)).status).toBe(200)
  })

  it('show what the engine does as Prometheus metrics, without any id [P48]', async () => {
    await put('user.alice', '1234567890', {}, '?level=archive')
    await get('user.alice')
    await get('user.nobody')
    const response = await fetch(`${server.url}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const text = await response.text()
    const valueOf = (series: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.slice(series.length + 1),
      )
    expect(valueOf('sync_engine_operations_total{tier="L1",operation="submit",status="success"}')).toBe(1)
    expect(valueOf('sync_engine_operations_total{tier="L1",operation="get",status="hit"}')).toBe(1)
    expect(valueOf('sync_engine_items_written_total{tier="L3"}')).toBe(1)
    expect(valueOf('sync_engine_bytes_written_total{tier="L3"}')).toBe(10)
    expect(valueOf('sync_engine_backend_healthy{backend="sqlite"}')).toBe(1)
    expect(valueOf('sync_engine_view_trusted{view="filter"}')).toBe(1)
    expect(valueOf('sync_engine_startup_seconds_count{phase="wal_init"}')).toBe(1)
    expect(text).not.toMatch(/alice|nobody/)
  })
})

describe('a restart', () => {
  it('finds everything acknowledged, and knows that the rest is absent', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `item.${index}`)
    await Promise.all(ids.map((id) => put(id, `value of ${id}`)))
    await fetch(itemUrl(server.url, 'item.7'), { method: 'DELETE' })
    await server.stop()
    server = await serveHere({ SE_DATA_DIR: directory.path })
    for (const id of ids) {
      const read = await get(id)
      if (id === 'item.7') expect(read.status).toBe(404)
      else expect(await read.text()).toBe(`value of ${id}`)
    }
    expect((await get('item.200')).status).toBe(404)
  })
})

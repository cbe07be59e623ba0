/**
 * Goal: a server that is told to stop, or is killed, has lost nothing it acknowledged; and it says why it does not start.
 * Method: the real process under concurrent writers, ended by a signal after a random number of acknowledgements, started
 * again on the same data; every acknowledged value is then asked for.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { seededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { itemUrl, readyUrl, startServer, testDirectory, type TestDirectory } from './harness.ts'

const WRITERS = 16

let directory: TestDirectory

beforeEach(async () => {
  directory = await testDirectory()
})
afterEach(() => directory.remove())

/**
 * Writes until the server does not take any more.
 *
 * @param onAcknowledged told how many writes have been acknowledged
 * @returns the acknowledged values by id; of an id overwritten, the newest acknowledged, and those in doubt after it
 */
async function writeUntilRefused(
  url: string,
  levels: readonly string[],
  onAcknowledged: (count: number) => void,
): Promise<{ acknowledged: Map<string, string>; inDoubt: Map<string, string> }> {
  const acknowledged = new Map<string, string>()
  const inDoubt = new Map<string, string>()
  let count = 0
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let round = 0; ; round++) {
        // Every other write overwrites the one before, so that an old value coming back would show.
        const id = `writer.${writer}.${round >> 1}`
        const value = `value ${round} of ${id}`
        inDoubt.set(id, value)
        const level = levels[round % levels.length]
        const response = await fetch(`${itemUrl(url, id)}?level=${level}`, {
          method: 'PUT',
          body: value,
        }).catch(() => undefined)
        if (response?.status !== 204) return
        acknowledged.set(id, value)
        inDoubt.delete(id)
        onAcknowledged(++count)
      }
    }),
  )
  return { acknowledged, inDoubt }
}

describe('nothing acknowledged is lost', () => {
  const random = seededRandom(seed())

  it.each([
    { signal: 'SIGTERM', levels: ['log', 'archive'], code: 0 },
    { signal: 'SIGINT', levels: ['log', 'archive'], code: 0 },
    { signal: 'SIGKILL', levels: ['log', 'archive'], code: null },
    // `memory` promises nothing after a kill, but an orderly stop is to lose nothing at all. By itself: a write at level
    // `archive` would take what is in memory along.
    { signal: 'SIGTERM', levels: ['memory'], code: 0 },
  ] as const)('by $signal under load, at levels $levels [W1, P1, P2]', async ({ signal, levels, code }) => {
    const server = startServer({ SE_DATA_DIR: directory.path })
    const url = await readyUrl(server)
    const signalAt = 50 + Math.floor(random.fraction() * 400)
    let ended: Promise<unknown> | undefined
    const { acknowledged, inDoubt } = await writeUntilRefused(url, levels, (count) => {
      if (count === signalAt) ended = server.kill(signal)
    })
    await ended
    expect(await server.ended).toMatchObject(code === null ? { signal } : { code })
    expect(acknowledged.size).toBeGreaterThan(signalAt / 2 - 1)
    if (code === 0) expect(JSON.parse(server.lines.at(-1)!)).toMatchObject({ event: 'stopped', problems: [] })

    const again = startServer({ SE_DATA_DIR: directory.path })
    const urlAgain = await readyUrl(again)
    for (const [id, value] of acknowledged) {
      const response = await fetch(itemUrl(urlAgain, id))
      const found = response.status === 200 ? await response.text() : response.status
      // A write that was cut off may have happened all the same; it is newer than the acknowledged one.
      if (found !== inDoubt.get(id)) expect(found, id).toBe(value)
    }
    expect(await again.kill('SIGTERM')).toEqual({ code: 0, signal: null })
  })
})

describe('a stop', () => {
  /** A request of which only the head has been sent, and which the server has begun to read: it says so. */
  async function beginPut(url: string): Promise<Socket> {
    const { port, hostname } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    const begun = new Promise((resolve) => socket.once('data', resolve))
    socket.write('PUT /items/slow HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n')
    expect(String(await begun)).toContain('100 Continue')
    return socket
  }

  it('cuts off a client that never ends its request, after SE_STOP_MS', async () => {
    const server = startServer({ SE_DATA_DIR: directory.path, SE_STOP_MS: '200' })
    const socket = await beginPut(await readyUrl(server))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    await closed
  })

  it('answers what is running, and does not wait for a client that then merely keeps its connection', async () => {
    // Both are longer than this test may take: SE_STOP_MS, and the 72 s for which a connection is kept alive.
    const server = startServer({ SE_DATA_DIR: directory.path, SE_STOP_MS: '600000' })
    const socket = await beginPut(await readyUrl(server))
    const ended = server.kill('SIGTERM')
    await server.waitForLine('"event":"stopping"')
    const answered = new Promise((resolve) => socket.once('data', resolve))
    socket.write('late')
    expect(String(await answered)).toMatch(/^HTTP\/1.1 204 /)
    expect(await ended).toEqual({ code: 0, signal: null })
    const again = startServer({ SE_DATA_DIR: directory.path })
    expect(await (await fetch(itemUrl(await readyUrl(again), 'slow'))).text()).toBe('late')
    await again.kill('SIGTERM')
  })

  it('ends once, however many signals come', async () => {
    const server = startServer({ SE_DATA_DIR: directory.path })
    await readyUrl(server)
    void server.kill('SIGTERM')
    void server.kill('SIGINT')
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(server.lines.filter((line) => line.includes('"event":"stopped"'))).toHaveLength(1)
  })
})

describe('a server that cannot start', () => {
  it.each([
    ['a variable is wrong', { PORT: 'http' }, 'SE_INVALID_CONFIG', 'PORT'],
    ['a url is wrong', { SE_SQL_URL: 'mysql://app:hunter2@' }, 'SE_INVALID_CONFIG', 'SE_SQL_URL'],
    [
      'nobody listens where the archive should be',
      { SE_SQL_URL: 'mysql://app:hunter2@127.0.0.1:1/items' },
      'SE_TIER_UNAVAILABLE',
      '',
    ],
  ])('exits with 1 and a reason without credentials [P49]: %s', async (_, environment, code, text) => {
    const server = startServer({ SE_DATA_DIR: directory.path, ...environment })
    expect(await server.ended).toEqual({ code: 1, signal: null })
    expect(JSON.parse(server.lines.at(-1)!)).toMatchObject({ event: 'not-started', code })
    expect(server.lines.at(-1)).toContain(text)
    expect(server.lines.join('\n') + server.stderr).not.toContain('hunter2')
  })

  it('exits with 1 when its port is taken, before it opens any data', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const server = startServer({ SE_DATA_DIR: directory.path, PORT: String(port) })
    expect(await server.ended).toEqual({ code: 1, signal: null })
    expect(server.lines.join('\n')).toContain('EADDRINUSE')
    expect(server.lines.join('\n')).not.toContain('start-step')
    other.close()
  })

  it('exits with 1 while another server has its data', async () => {
    const first = startServer({ SE_DATA_DIR: directory.path })
    await readyUrl(first)
    const second = startServer({ SE_DATA_DIR: directory.path })
    expect(await second.ended).toEqual({ code: 1, signal: null })
    expect(JSON.parse(second.lines.at(-1)!)).toMatchObject({ event: 'not-started', code: 'SE_LOG_LOCKED' })
    expect(await first.kill('SIGTERM')).toEqual({ code: 0, signal: null })
  })
})

/**
 * Goal: what a client is told about each way a request can go wrong, and that no id, header or method slips past.
 * Method: requests injected into the app; the engine is replaced, because most of these errors cannot be had from a healthy
 * one. What goes right is tested with a real engine (server.test.ts).
 */
import {
  ArchiveRefusedData,
  CorruptData,
  DeadlineExceeded,
  InstanceFenced,
  InvalidInput,
  TierMisconfigured,
  TierUnavailable,
  type StorageError,
} from '@se/core'
import { Backpressure, GAUGES_AT_REST, WrongPhase, type EngineStatus } from '@se/engine'
import { LogClosed, LogFailed, LogFull, RecordTooLarge } from '@se/wal'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { createApp } from '../src/app.ts'
import type { AppPorts, ServedEngine } from '../src/ports.ts'
import { readinessOf } from '../src/readiness.ts'

const STATUS: EngineStatus = {
  phase: 'Ready',
  failure: undefined,
  cut: undefined,
  isFresh: true,
  clock: undefined,
  trust: { filter: 'trusted at cut {}' },
  gauges: { ...GAUGES_AT_REST, backendHealthy: { sqlite: true } },
}

/** An engine of which every call fails with the error. */
function failing(error: unknown): ServedEngine {
  const fail = () => Promise.reject(error as Error)
  return { get: fail, submit: fail, delete: fail, status: () => STATUS }
}

async function appWith(ports: Partial<AppPorts>) {
  const lines: string[] = []
  const app = await createApp({
    engine: failing(new Error('not to be called')),
    archiveBackend: 'sqlite',
    metrics: { contentType: 'text/plain', scrape: () => Promise.resolve('up 1\n') },
    logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    isStopping: () => false,
    ...ports,
  })
  return { app, lines }
}

describe('a query', () => {
  it.each([
    ['PUT', '/items/a?levle=archive'],
    ['DELETE', '/items/a?level=log&force=1'],
    ['GET', '/items/a?level=log'],
  ] as const)('with a parameter that nobody reads is refused: %s %s [P77]', async (method, url) => {
    const { app } = await appWith({})
    const response = await app.inject({ method, url })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ error: { code: 'SE_INVALID_INPUT' } })
    expect(response.body).toMatch(/levle|force|level/)
  })
})

describe('a failing engine', () => {
  const cases: readonly [StorageError, number, string | undefined][] = [
    [new TierUnavailable('mysql did not answer'), 503, '1'],
    [new DeadlineExceeded('submit', 30_000), 503, '1'],
    [new TierMisconfigured('wrong password'), 503, undefined],
    [new WrongPhase('get', 'Starting'), 503, '1'],
    [new Backpressure('no space'), 503, '1'],
    [new LogFull('the log is full'), 503, '1'],
    [new LogFailed('a sync failed'), 503, undefined],
    [new LogClosed('closed'), 503, undefined],
    [new InstanceFenced('taken over'), 503, undefined],
    [new RecordTooLarge('too large'), 413, undefined],
    [new ArchiveRefusedData('refused'), 422, undefined],
    [new InvalidInput('id', 'must have at least 1 byte'), 400, undefined],
    [new InvalidInput('value', 'has 9 bytes, the limit is 8', { limit: 8, actual: 9 }), 413, undefined],
    [new CorruptData('a checksum differs'), 500, undefined],
  ]

  it.each(
    cases.map(([error, status, retryAfter]) => [error.message, { error, status, retryAfter }] as const),
  )(
    'is told by status, code and Retry-After, and never as absence [R1]: %s',
    async (_, { error, status, retryAfter }) => {
      const { app } = await appWith({ engine: failing(error) })
      for (const method of ['GET', 'PUT', 'DELETE'] as const) {
        const response = await app.inject({ method, url: '/items/user.alice' })
        expect(response.statusCode, method).toBe(status)
        expect(response.headers['retry-after'], method).toBe(retryAfter)
        expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
        const { error: told } = response.json<{ error: { code: string; field?: string } }>()
        expect(told.code).toBe(error.code)
        if (error instanceof InvalidInput) expect(told.field).toBe(error.field)
      }
    },
  )

  it('keeps the message of an error nobody planned for to the log: it may quote anything', async () => {
    const { app, lines } = await appWith({ engine: failing(new Error('secret of someone')) })
    const response = await app.inject({ method: 'GET', url: '/items/user.alice' })
    expect(response.statusCode).toBe(500)
    expect(response.json()).toEqual({
      error: { code: 'SE_HTTP_UNEXPECTED', message: 'the request failed for a reason of the server' },
    })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('secret of someone')
  })
})

describe('a request that cannot be taken', () => {
  const untouched = { code: 'SE_INVALID_INPUT' }

  it.each([
    ['an unknown level', { method: 'PUT', url: '/items/a?level=disk', body: 'x' }, 400, 'level'],
    ['an unknown level of a delete', { method: 'DELETE', url: '/items/a?level=disk' }, 400, 'level'],
    [
      'If-Match',
      { method: 'PUT', url: '/items/a', body: 'x', headers: { 'if-match': '"1.1"' } },
      400,
      'if-match',
    ],
    [
      'If-None-Match',
      { method: 'PUT', url: '/items/a', headers: { 'if-none-match': '*' } },
      400,
      'if-none-match',
    ],
    [
      'If-Match of a delete',
      { method: 'DELETE', url: '/items/a', headers: { 'if-match': '*' } },
      400,
      'if-match',
    ],
  ] as const)(
    'is refused before the engine is asked, naming the field: %s',
    async (_, request, status, field) => {
      const { app } = await appWith({})
      const response = await app.inject({ ...request })
      expect(response.statusCode).toBe(status)
      expect(response.json()).toMatchObject({ error: { ...untouched, field } })
    },
  )

  it('is refused when the body is over the limit, whether or not it says its length', async () => {
    const { app } = await appWith({ valueBytesMax: 8 })
    const said = await app.inject({ method: 'PUT', url: '/items/a', body: Buffer.alloc(9) })
    expect(said.statusCode).toBe(413)
    expect(said.json()).toMatchObject({ error: { code: 'SE_HTTP_BODY_TOO_LARGE', field: 'value' } })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as { port: number }
    const streamed = await fetch(`http://127.0.0.1:${port}/items/a`, {
      method: 'PUT',
      body: new Blob([new Uint8Array(9)]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(streamed.status).toBe(413)
    await app.close()
  })

  it.each([
    ['a path that is not UTF-8', 'GET', '/items/%E0%A4%A', 400],
    ['no such path', 'GET', '/item/a', 404],
    ['no such method', 'PATCH', '/items/a', 404],
    ['a slash that is not escaped', 'GET', '/items/a/b', 404],
  ] as const)('is told so with a code: %s', async (_, method, url, status) => {
    const { app } = await appWith({})
    const response = await app.inject({ method, url })
    expect(response.statusCode).toBe(status)
    expect(response.json()).toMatchObject({
      error: { code: expect.stringMatching(/^(SE_HTTP|FST)_/) as string },
    })
  })
})

describe('operations', () => {
  it('live while the engine is down: a restart would not help', async () => {
    const { app } = await appWith({ isStopping: () => true })
    expect((await app.inject('/livez')).statusCode).toBe(200)
  })

  it.each([
    ['Ready, archive answers', { phase: 'Ready', healthy: true, stopping: false }, true],
    ['Ready, archive does not', { phase: 'Ready', healthy: false, stopping: false }, false],
    ['starting', { phase: 'Starting', healthy: true, stopping: false }, false],
    ['failed', { phase: 'Failed', healthy: true, stopping: false }, false],
    ['asked to end', { phase: 'Ready', healthy: true, stopping: true }, false],
  ] as const)('are ready only when all of it holds: %s', async (_, { phase, healthy, stopping }, isReady) => {
    const status = {
      ...STATUS,
      phase,
      gauges: {
        ...STATUS.gauges,
        backendHealthy: { sqlite: healthy, redis: !healthy },
      },
    }
    expect(readinessOf(status, 'sqlite', stopping).isReady).toBe(isReady)
    const { app } = await appWith({
      engine: { ...failing(new Error('not asked')), status: () => status },
      isStopping: () => stopping,
    })
    const response = await app.inject('/readyz')
    expect(response.statusCode).toBe(isReady ? 200 : 503)
    expect(response.json()).toMatchObject({ ready: isReady, phase })
  })

  it('describe themselves, each route with what it may answer', async () => {
    const { app } = await appWith({})
    const document = (await app.inject('/openapi.json')).json<{
      paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
    }>()
    expect(Object.keys(document.paths).toSorted()).toEqual(['/items/{id}', '/livez', '/metrics', '/readyz'])
    expect(Object.keys(document.paths['/items/{id}'] ?? {}).toSorted()).toEqual(['delete', 'get', 'put'])
    expect(Object.keys(document.paths['/items/{id}']?.['put']?.responses ?? {})).toEqual([
      '204',
      '400',
      '413',
      '422',
      '503',
    ])
  })

  it('write no line for a request: it would hold the id', async () => {
    const { app, lines } = await appWith({ engine: failing(new TierUnavailable('down')) })
    await app.inject('/items/user.alice')
    expect(lines).toEqual([])
  })
})

// Goal: two processes that pick the same free port at the same time do not fail each other.
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { findRedisServer } from './redis.ts'
import { startServer } from './server-process.ts'

const squatter = createServer()

afterEach(() => {
  squatter.close()
})

test('takes another port when somebody was quicker on the first', async () => {
  await new Promise<void>((resolve) => squatter.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const taken = (squatter.address() as AddressInfo).port
  const asked: number[] = []
  const server = await startServer({
    name: 'redis',
    readyWithinMs: 10_000,
    url: (port) => `redis://127.0.0.1:${port}`,
    command: (_directory, port) => {
      asked.push(port)
      const used = asked.length === 1 ? taken : port
      return { file: findRedisServer() ?? '', args: ['--port', String(used), '--bind', '127.0.0.1'] }
    },
    isReady: async () => asked.length > 1,
  })
  await server.stop()
  expect(asked).toHaveLength(2)
  expect(asked[1]).not.toBe(asked[0])
  expect(server.port).toBe(asked[1])
})

test('gives up on a server that never answers, and ends it', async () => {
  const starting = startServer({
    name: 'mute',
    readyWithinMs: 50,
    url: () => '',
    command: () => ({ file: '/bin/sleep', args: ['1000'] }),
    isReady: async () => false,
  })
  await expect(starting).rejects.toThrow(/private mute: no answer on port \d+ within 50 ms/)
})

test('says so when the program cannot be run', async () => {
  const starting = startServer({
    name: 'absent',
    readyWithinMs: 50,
    url: () => '',
    command: () => ({ file: '/no/such/program', args: [] }),
    isReady: async () => false,
  })
  await expect(starting).rejects.toThrow(/cannot run \/no\/such\/program/)
})

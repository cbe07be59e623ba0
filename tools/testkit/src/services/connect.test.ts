// Goal: asking a server whether it is there leaves nothing that keeps the process alive.
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { timersLeft } from '../../test/timers-left.ts'
import { canConnect } from './connect.ts'

/** A port that nothing listens on. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test.each(['redis', 'sql'] as const)('a %s server that is not there leaves no timer behind', async (kind) => {
  const url = `${kind === 'sql' ? 'mysql://root@' : 'redis://'}127.0.0.1:${await closedPort()}`
  const left = await timersLeft(async () => {
    expect(await canConnect(kind, url)).not.toBeUndefined()
  })
  expect(left).toBe(0)
})

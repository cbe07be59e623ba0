import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { TestServerUnavailable } from '../errors.ts'

/** Redis Cluster's bus listens this far above the client port. */
export const CLUSTER_BUS_OFFSET = 10_000

const FIRST_PORT = 12_000
const LAST_PORT = 21_999
const ATTEMPTS_MAX = 200

/**
 * A port on 127.0.0.1 that nothing listens on, together with its Redis Cluster bus port.
 *
 * Not the system's choice (port 0): Linux hands those out from 32768 up, the same range outgoing connections
 * use, so a stopped server's port could be taken by a client before `restart()` comes back to it. Two processes
 * can still pick the same port at the same time; starting a server therefore retries on another one.
 */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    if ((await isFree(port)) && (await isFree(port + CLUSTER_BUS_OFFSET))) return port
  }
  throw new TestServerUnavailable(
    `no free port in ${FIRST_PORT}..${LAST_PORT} after ${ATTEMPTS_MAX} attempts`,
  )
}

/** So many different ports, each as {@link findFreePort} finds them. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await findFreePort())
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(false)
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}

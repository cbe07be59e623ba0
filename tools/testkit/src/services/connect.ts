import { Redis } from 'ioredis'
import { createConnection, type Connection } from 'mysql2/promise'

const CONNECT_WITHIN_MS = 5_000

/** A connection to the SQL server, for the testkit's own errands. The caller ends it. */
export function connectSql(url: string): Promise<Connection> {
  return createConnection({ uri: url, connectTimeout: CONNECT_WITHIN_MS })
}

/** A connection to the Redis, which fails rather than waits. The caller ends it ({@link endRedis}). */
export async function connectRedis(url: string): Promise<Redis> {
  const client = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    connectTimeout: CONNECT_WITHIN_MS,
    retryStrategy: () => null,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    endRedis(client)
    throw error
  }
  return client
}

/** Lets a connection go. For one that has ended, ioredis would wait 2 s for its end, in a timer that keeps the process alive. */
export function endRedis(client: Redis): void {
  if (client.status !== 'end') client.disconnect()
}

/** Undefined when the server behind the url answers a query, else why not. The reason never contains the url: it may hold a password. */
export async function canConnect(kind: 'redis' | 'sql', url: string): Promise<string | undefined> {
  try {
    if (kind === 'redis') {
      const client = await connectRedis(url)
      await client.ping().finally(() => {
        endRedis(client)
      })
    } else {
      const connection = await connectSql(url)
      await connection.query('SELECT 1').finally(() => {
        connection.destroy()
      })
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message || error.name : 'unknown failure'
  }
}

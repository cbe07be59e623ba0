import { Redis } from 'ioredis'
import { TestServerUnavailable } from '../errors.ts'
import { endRedis } from './connect.ts'
import { findBinary } from './find-binary.ts'
import { startServer, type PrivateServer } from './server-process.ts'

const READY_WITHIN_MS = 15_000
const ANSWER_WITHIN_MS = 1_000

export interface PrivateRedisOptions {
  /** Persist to an append-only file, synced on every write, so that `kill()` + `restart()` keeps the data. Default false. */
  readonly appendOnly?: boolean
  /** Further arguments of redis-server, e.g. `['--maxmemory', '8mb']`. They come last and win. */
  readonly args?: readonly string[]
  /** Fixed port; default: a free one. */
  readonly port?: number
  /** Keeps running after this process has ended. Default false. */
  readonly isDetached?: boolean
}

/** The Redis server program (or Valkey, its fork with the same protocol and options) on this machine. */
export function findRedisServer(): string | undefined {
  return findBinary('redis-server', 'valkey-server')
}

/**
 * Starts a Redis of one's own on 127.0.0.1, empty, without persistence unless asked for.
 *
 * @throws TestServerUnavailable when there is no redis-server, or it does not start
 */
export async function startPrivateRedis(options: PrivateRedisOptions = {}): Promise<PrivateServer> {
  const binary = findRedisServer()
  if (binary === undefined)
    throw new TestServerUnavailable('private redis: no redis-server on PATH or in /usr/sbin')
  return startServer({
    name: 'redis',
    ...(options.port === undefined ? {} : { port: options.port }),
    isDetached: options.isDetached ?? false,
    readyWithinMs: READY_WITHIN_MS,
    url: (port) => `redis://127.0.0.1:${port}`,
    command: (directory, port) => ({
      file: binary,
      args: [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''],
        ...(options.appendOnly === true
          ? ['--appendonly', 'yes', '--appendfsync', 'always']
          : ['--appendonly', 'no']),
        ...(options.args ?? []),
      ],
    }),
    isReady: (_directory, port, pid) => isReady(port, pid),
  })
}

/** Also asks for the pid: whoever else might listen on that port is not the server just started. */
async function isReady(port: number, pid: number): Promise<boolean> {
  const client = new Redis({
    port,
    host: '127.0.0.1',
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    connectTimeout: ANSWER_WITHIN_MS,
    commandTimeout: ANSWER_WITHIN_MS,
    retryStrategy: () => null,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const info = await client.info('server')
    const persistence = await client.info('persistence')
    return info.includes(`process_id:${pid}\r`) && persistence.includes('loading:0')
  } catch {
    return false
  } finally {
    endRedis(client)
  }
}

import { StorageError, TierUnavailable, type UnknownCause } from '@se/core'
import { Cluster, Redis } from 'ioredis'
import { Deadlines } from './deadlines.ts'
import type { ParsedOptions } from './options.ts'
import { FINISH, INVALIDATE, PUT, READ, SEAT } from './scripts.ts'

type ScriptCall = (keyCount: number, ...args: (string | Buffer | number)[]) => Promise<unknown>

/** What `defineCommand` adds to a client. Answers are bytes. */
interface Scripts {
  sePutBuffer: ScriptCall
  seFinishBuffer: ScriptCall
  seSeatBuffer: ScriptCall
  seInvalidateBuffer: ScriptCall
  seReadBuffer: ScriptCall
}

export type ScriptClient = (Redis | Cluster) & Scripts

const SCRIPTS = { sePut: PUT, seFinish: FINISH, seSeat: SEAT, seInvalidate: INVALIDATE, seRead: READ }

/** A client that reconnects by itself, and calls on it that end within a bound and fail with a typed error. */
export interface RedisConnection {
  readonly isCluster: boolean
  /** Connects. Waits for the first attempt and does not say how it ended: Redis may be down at start. */
  open(): Promise<void>
  close(): Promise<void>
  /**
   * Runs commands.
   *
   * @throws TierUnavailable when they were not all answered in time; see {@link unknownCauseOf}
   */
  run<T>(commands: (client: ScriptClient) => Promise<T>): Promise<T>
}

/**
 * Settings for a client that fails at once where Redis does not answer, instead of queueing [P46]: without
 * the offline queue a dead Redis is an error and not a hang, and a lost connection fails what was under way.
 * Late execution of a command that was given up is harmless: every script compares before it changes.
 *
 * Not ioredis' `commandTimeout`: {@link Deadlines} bounds every call, also on a caller's client and on a
 * Cluster that waits for its slots, and costs less.
 */
function clientOptions(options: ParsedOptions) {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: options.connectTimeoutMs,
    retryStrategy: (attempt: number) => reconnectDelayMs(attempt, options.random.fraction()),
  }
}

/** 50 ms doubled each time, at most 2 s, and half of it at random, so that processes do not come back in step. */
export function reconnectDelayMs(attempt: number, fraction: number): number {
  return Math.round(Math.min(50 * 2 ** (attempt - 1), 2_000) * (0.5 + fraction / 2))
}

function createClient(options: ParsedOptions): Redis | Cluster {
  const { target } = options
  if (target.kind === 'client') return target.client
  if (target.kind === 'standalone') return new Redis(target.url.href, clientOptions(options))
  const [first] = target.urls
  return new Cluster(
    target.urls.map((url) => ({ host: url.hostname, port: Number(url.port || 6379) })),
    {
      lazyConnect: true,
      enableOfflineQueue: false,
      slotsRefreshTimeout: options.connectTimeoutMs,
      clusterRetryStrategy: (attempt) => reconnectDelayMs(attempt, options.random.fraction()),
      redisOptions: {
        ...clientOptions(options),
        ...(first?.username ? { username: decodeURIComponent(first.username) } : {}),
        ...(first?.password ? { password: decodeURIComponent(first.password) } : {}),
        ...(first?.protocol === 'rediss:' ? { tls: {} } : {}),
      },
    },
  )
}

export function createConnection(options: ParsedOptions): RedisConnection {
  const client = createClient(options)
  const isOwn = options.target.kind !== 'client'
  for (const [name, lua] of Object.entries(SCRIPTS)) client.defineCommand(name, { lua })
  const onError = (error: Error) => options.onConnectionError(withoutCommand(error))
  // Without a listener ioredis prints to the console; with one a Redis that is down is nobody's crash.
  client.on('error', onError)

  const deadlines = new Deadlines(options.clock, options.commandTimeoutMs, {
    exceeded: () => unavailable('timeout', `no answer within ${options.commandTimeoutMs} ms`),
    translate: toUnavailable,
  })

  return {
    isCluster: client.isCluster,
    async open() {
      if (client.status === 'ready') return
      await new Promise<void>((resolve) => {
        const cancel = options.clock.setTimer(options.connectTimeoutMs, done)
        function done() {
          cancel()
          client.off('ready', done)
          client.off('close', done)
          resolve()
        }
        client.on('ready', done)
        client.on('close', done)
        if (client.status === 'wait') client.connect().catch(done)
      })
    },
    close() {
      if (isOwn) client.disconnect()
      else client.off('error', onError)
      return Promise.resolve()
    },
    run(commands) {
      if (client.status !== 'ready') {
        return Promise.reject(unavailable('disconnected', `the connection is in state ${client.status}`))
      }
      return deadlines.bound(commands(client as ScriptClient))
    },
  }
}

function unavailable(because: UnknownCause, message: string, cause?: unknown): TierUnavailable {
  return new TierUnavailable(`redis: ${message}`, { cause, details: { because } })
}

function toUnavailable(error: unknown): Error {
  // A bug of ours, or bytes in Redis that are not ours; no weather.
  if (error instanceof StorageError || error instanceof TypeError || error instanceof RangeError) return error
  const cause = withoutCommand(error)
  // A caller's client may have ioredis' own bound.
  return unavailable(cause.message === 'Command timed out' ? 'timeout' : 'disconnected', cause.message, cause)
}

/** Why a call failed with `TierUnavailable`; any other error is a bug and is thrown on. */
export function unknownCauseOf(error: unknown): UnknownCause {
  if (!(error instanceof TierUnavailable)) throw error
  return error.details['because'] as UnknownCause
}

/** ioredis hangs the command on its errors: values, ids, and for AUTH the password [P49]. */
function withoutCommand(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const clean = new Error(error.message)
  clean.name = error.name
  if (error.stack !== undefined) clean.stack = error.stack
  if ('code' in error) Object.assign(clean, { code: error.code })
  return clean
}

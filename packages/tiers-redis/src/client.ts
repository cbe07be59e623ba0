import { Cluster, Redis } from 'ioredis'
import type { ParsedOptions } from './options.ts'
import { ADVANCE, CLEAR, CREATE, INVALIDATE, PUT, READ, RENEW } from './scripts.ts'

type ScriptCall = (keyCount: number, ...args: (string | Buffer | number)[]) => Promise<unknown>

/** What `defineCommand` adds to a client. Answers are bytes. */
interface Scripts {
  sePutBuffer: ScriptCall
  seAdvanceBuffer: ScriptCall
  seCreateBuffer: ScriptCall
  seInvalidateBuffer: ScriptCall
  seRenewBuffer: ScriptCall
  seReadBuffer: ScriptCall
  seClearBuffer: ScriptCall
}

export type ScriptClient = (Redis | Cluster) & Scripts

const SCRIPTS = {
  sePut: PUT,
  seAdvance: ADVANCE,
  seCreate: CREATE,
  seInvalidate: INVALIDATE,
  seRenew: RENEW,
  seRead: READ,
  seClear: CLEAR,
}

/** Ending a connection in good order waits so long for the other side, which may hang, ms; then it is cut. */
const DISCONNECT_MS = 50
/** How often, and after how long, a Cluster is asked for its slots without a reason, ms. */
const SLOTS_REFRESH_MS = 5_000
/** Redirections that one command follows, and the pause before it is sent again where slots or nodes change, ms. */
const REDIRECTIONS_MAX = 5
const REDIRECTION_PAUSE_MS = 50

/** The client, or the caller's, with our scripts. Nothing is connected yet. */
export function createClient(options: ParsedOptions): ScriptClient {
  const client = plainClient(options)
  for (const [name, lua] of Object.entries(SCRIPTS)) client.defineCommand(name, { lua })
  return client as ScriptClient
}

function plainClient(options: ParsedOptions): Redis | Cluster {
  const { target } = options
  if (target.kind === 'client') return target.client
  if (target.kind === 'cluster') return createCluster(options, target)
  return new Redis({ ...target.server, ...clientOptions(options) })
}

function createCluster(
  options: ParsedOptions,
  target: Extract<ParsedOptions['target'], { kind: 'cluster' }>,
): Cluster {
  return new Cluster([...target.nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    slotsRefreshTimeout: options.connectTimeoutMs,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    maxRedirections: REDIRECTIONS_MAX,
    retryDelayOnClusterDown: REDIRECTION_PAUSE_MS,
    retryDelayOnFailover: REDIRECTION_PAUSE_MS,
    retryDelayOnTryAgain: REDIRECTION_PAUSE_MS,
    clusterRetryStrategy: (attempt) => reconnectDelayMs(attempt, options.random.fraction()),
    redisOptions: { ...clientOptions(options), ...target.credentials },
  })
}

/**
 * Settings for a client that fails at once where Redis does not answer, instead of queueing [P46]: without
 * the offline queue a dead Redis is an error and not a hang, and a lost connection fails what was under way.
 * Late execution of a command that was given up is harmless: every script compares before it changes.
 *
 * Not ioredis' `commandTimeout`: `Deadlines` bounds every call, also on a caller's client and on a
 * Cluster that waits for its slots, and costs less.
 */
function clientOptions(options: ParsedOptions) {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: options.connectTimeoutMs,
    disconnectTimeout: DISCONNECT_MS,
    // Redis before 7.2 counts each as an error, with each connection.
    disableClientInfo: true,
    retryStrategy: (attempt: number) => reconnectDelayMs(attempt, options.random.fraction()),
  }
}

/** 50 ms doubled each time, at most 2 s, and half of it at random, so that processes do not come back in step. */
export function reconnectDelayMs(attempt: number, fraction: number): number {
  return Math.round(Math.min(50 * 2 ** (attempt - 1), 2_000) * (0.5 + fraction / 2))
}

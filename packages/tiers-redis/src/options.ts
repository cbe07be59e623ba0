import {
  integerField,
  InvalidConfig,
  otherField,
  portField,
  readFields,
  stringField,
  stringsField,
  type Clock,
  type Random,
} from '@se/core'
import { systemClock, systemRandom } from '@se/core/node'
import type { Cluster, Redis } from 'ioredis'
import { refusalOfClient } from './client-options.ts'
import { checkPrefix, PREFIX_BYTES_MAX, PREFIX_DEFAULT } from './keys.ts'
import { parseNodes, parseServer, type ClusterTarget, type Server } from './target.ts'

/** Longest time to live, ms: ten years. */
const TTL_MS_MAX = 10 * 365 * 24 * 3_600_000
/** Largest value that is offered, bytes, unless another bound is given. */
const VALUE_BYTES_DEFAULT = 1024 * 1024
/** Redis' own limit of a string, bytes. */
const VALUE_BYTES_LIMIT = 512 * 1024 * 1024

/** Exactly one of `url`, `nodes` and `client` says where Redis is; defaults and ranges are in {@link OPTIONS}. */
export interface RedisCacheOptions {
  /** A standalone server: `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS. */
  readonly url?: string | undefined
  /** Redis Cluster: urls of some of its nodes; user and password are the same for all. */
  readonly nodes?: readonly string[] | undefined
  /**
   * A client of the caller's; the caller also ends it. It should have `enableOfflineQueue: false`, else a Redis that
   * is down costs `commandTimeoutMs` a call [P46]. Options that cannot be lived with are refused by name. Where the server
   * says that it is not the one to be asked (a primary that was demoted), the client is told to connect again.
   */
  readonly client?: Redis | Cluster | undefined
  /** Before every key: printable ASCII without spaces and braces. */
  readonly prefix?: string | undefined
  /** Time to live of an entry from its last put, ms. Default: none. Metas never expire. */
  readonly ttlMs?: number | undefined
  /** Larger values are not offered to Redis, bytes. */
  readonly valueBytesMax?: number | undefined
  /** A call that took this long has failed, ms. */
  readonly commandTimeoutMs?: number | undefined
  /** A connection that took this long to make has failed, ms; so long `open` waits. */
  readonly connectTimeoutMs?: number | undefined
  /** Hears of connections that failed or were lost, with the cause; reconnecting goes on by itself. */
  readonly onConnectionError?: ((error: Error) => void) | undefined
  /** Default: the machine's. */
  readonly clock?: CacheClock | undefined
  /** Source of epochs and tokens. Default: the operating system's. */
  readonly random?: Random | undefined
}

export type CacheClock = Pick<Clock, 'setTimer' | 'setBackgroundTimer' | 'monotonicMs'>

/** Where Redis is. */
export type RedisTarget =
  | { readonly kind: 'standalone'; readonly server: Server }
  | ({ readonly kind: 'cluster' } & ClusterTarget)
  | { readonly kind: 'client'; readonly client: Redis | Cluster }

export interface ParsedOptions {
  readonly target: RedisTarget
  readonly prefix: string
  readonly ttlMs: number | undefined
  readonly valueBytesMax: number
  readonly commandTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly onConnectionError: (error: Error) => void
  readonly clock: CacheClock
  readonly random: Random
}

const milliseconds = (meaning: string, fallback: number) =>
  integerField({ meaning, default: fallback, min: 1, max: 60_000 })

/** The table of {@link RedisCacheOptions}: it checks them, and the README prints it. */
export const OPTIONS = {
  url: stringField({
    meaning: 'a standalone server: `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS',
  }),
  nodes: stringsField({
    meaning: 'urls of some nodes of a Redis Cluster; user and password are the same for all',
  }),
  client: otherField<Redis | Cluster>({
    meaning: 'an ioredis client of yours, which you end; set `enableOfflineQueue: false` on it',
    what: 'a Redis or a Cluster of ioredis',
    accepts: (value) => typeof value === 'object' && value !== null,
  }),
  prefix: otherField<string, { readonly meaning: string; readonly default: string }>({
    meaning: 'before every key',
    what: `a string of at most ${PREFIX_BYTES_MAX} bytes, printable ASCII without spaces and braces`,
    default: PREFIX_DEFAULT,
    accepts: (value) => typeof value === 'string',
  }),
  ttlMs: integerField({
    meaning: 'time to live of an entry from its last put, ms; metas never expire',
    min: 1,
    max: TTL_MS_MAX,
  }),
  valueBytesMax: integerField({
    meaning: 'larger values are not offered to Redis, bytes',
    default: VALUE_BYTES_DEFAULT,
    min: 0,
    max: VALUE_BYTES_LIMIT,
  }),
  commandTimeoutMs: milliseconds('a call that took longer has failed, ms', 1_000),
  connectTimeoutMs: milliseconds('a connection that took longer has failed, ms; so long `open` waits', 2_000),
  onConnectionError: otherField<(error: Error) => void>({
    meaning:
      'hears of connections that failed or were lost, with the cause; without commands, values and passwords',
    what: 'a function',
    accepts: (value) => typeof value === 'function',
  }),
  clock: portField<CacheClock>({
    meaning: 'time, for tests',
    what: 'a Clock',
    methods: ['setTimer', 'setBackgroundTimer', 'monotonicMs'],
  }),
  random: portField<Random>({
    meaning: 'source of epochs and tokens, for tests',
    what: 'a Random',
    methods: ['bytes', 'fraction'],
  }),
}

/** @throws InvalidConfig naming the field; a url is never printed, it may hold a password */
export function parseOptions(options: RedisCacheOptions): ParsedOptions {
  const { url, nodes, client, clock, random, onConnectionError, ...rest } = readFields('', options, OPTIONS)
  checkPrefix(rest.prefix)
  return Object.freeze({
    ...rest,
    target: parseTarget({ url, nodes, client }),
    onConnectionError: onConnectionError ?? (() => undefined),
    clock: clock ?? systemClock,
    random: random ?? systemRandom,
  })
}

function parseTarget({
  url,
  nodes,
  client,
}: Pick<RedisCacheOptions, 'url' | 'nodes' | 'client'>): RedisTarget {
  const given = [url, nodes, client].filter((value) => value !== undefined).length
  if (given !== 1)
    throw new InvalidConfig('url', `exactly one of url, nodes and client must be given, not ${given}`)
  if (client !== undefined) {
    const refusal = refusalOfClient(client)
    if (refusal !== undefined) throw new InvalidConfig('client', refusal)
    return { kind: 'client', client }
  }
  if (url !== undefined) return { kind: 'standalone', server: parseServer('url', url) }
  return { kind: 'cluster', ...parseNodes(nodes!) }
}

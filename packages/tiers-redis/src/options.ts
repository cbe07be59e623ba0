import { config, InvalidConfig, type Clock, type Random } from '@se/core'
import { systemClock, systemRandom } from '@se/core/node'
import type { Cluster, Redis } from 'ioredis'
import { createCacheKeys, PREFIX_DEFAULT, type CacheKeys } from './keys.ts'

/** Longest time to live, ms: ten years. */
const TTL_MS_MAX = 10 * 365 * 24 * 3_600_000

/** Exactly one of `url`, `nodes` and `client` says where Redis is. */
export interface RedisCacheOptions {
  /** A standalone server: `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS. */
  readonly url?: string | undefined
  /** Redis Cluster: urls of some of its nodes; user and password are taken from the first. */
  readonly nodes?: readonly string[] | undefined
  /**
   * A client of the caller's, who also ends it. It should have `enableOfflineQueue: false`, else a Redis that
   * is down costs `commandTimeoutMs` a call [P46], and no `keyPrefix`, which is refused.
   */
  readonly client?: Redis | Cluster | undefined
  /** Before every key: printable ASCII without spaces and braces, 0 to 64 bytes. Default `se:`. */
  readonly prefix?: string | undefined
  /** Time to live of an entry from its last put, ms, 1 to ten years. Default: none. Metas never expire. */
  readonly ttlMs?: number | undefined
  /** A call that took this long has failed, ms, 1 to 60,000. Default 1,000. */
  readonly commandTimeoutMs?: number | undefined
  /** A connection that took this long to make has failed, ms, 1 to 60,000; so long `open` waits. Default 2,000. */
  readonly connectTimeoutMs?: number | undefined
  /** Hears of connections that failed or were lost; reconnecting goes on by itself. */
  readonly onConnectionError?: ((error: Error) => void) | undefined
  /** Default: the machine's. */
  readonly clock?: Pick<Clock, 'setTimer' | 'monotonicMs'> | undefined
  /** Source of epochs and tokens. Default: the operating system's. */
  readonly random?: Random | undefined
}

/** Where Redis is. */
export type RedisTarget =
  | { readonly kind: 'standalone'; readonly url: URL }
  | { readonly kind: 'cluster'; readonly urls: readonly URL[] }
  | { readonly kind: 'client'; readonly client: Redis | Cluster }

export interface ParsedOptions {
  readonly target: RedisTarget
  readonly keys: CacheKeys
  readonly ttlMs: number | undefined
  readonly commandTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly onConnectionError: (error: Error) => void
  readonly clock: Pick<Clock, 'setTimer' | 'monotonicMs'>
  readonly random: Random
}

const FIELDS = [
  'url',
  'nodes',
  'client',
  'prefix',
  'ttlMs',
  'commandTimeoutMs',
  'connectTimeoutMs',
  'onConnectionError',
  'clock',
  'random',
] as const

/** @throws InvalidConfig naming the field; a url is never printed, it may hold a password */
export function parseOptions(options: RedisCacheOptions): ParsedOptions {
  config.onlyFields('', options, FIELDS)
  return Object.freeze({
    target: parseTarget(options),
    keys: createCacheKeys(options.prefix ?? PREFIX_DEFAULT),
    ttlMs:
      options.ttlMs === undefined
        ? undefined
        : config.integer('ttlMs', options.ttlMs, { default: 0, min: 1, max: TTL_MS_MAX }),
    commandTimeoutMs: config.integer('commandTimeoutMs', options.commandTimeoutMs, {
      default: 1_000,
      min: 1,
      max: 60_000,
    }),
    connectTimeoutMs: config.integer('connectTimeoutMs', options.connectTimeoutMs, {
      default: 2_000,
      min: 1,
      max: 60_000,
    }),
    onConnectionError: options.onConnectionError ?? (() => undefined),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  })
}

function parseTarget({ url, nodes, client }: RedisCacheOptions): RedisTarget {
  const given = [url, nodes, client].filter((value) => value !== undefined).length
  if (given !== 1)
    throw new InvalidConfig('url', `exactly one of url, nodes and client must be given, not ${given}`)
  if (client !== undefined) {
    if (typeof client.options.keyPrefix === 'string' && client.options.keyPrefix !== '') {
      throw new InvalidConfig('client', 'must have no keyPrefix; use the option prefix')
    }
    return { kind: 'client', client }
  }
  if (url !== undefined) return { kind: 'standalone', url: parseUrl('url', url) }
  if (!Array.isArray(nodes) || nodes.length === 0)
    throw new InvalidConfig('nodes', 'must name at least one node')
  return { kind: 'cluster', urls: nodes.map((node: string, index) => parseUrl(`nodes[${index}]`, node)) }
}

function parseUrl(field: string, text: string): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    throw new InvalidConfig(field, 'must be of the form redis://[user:password@]host[:port][/database]')
  }
  if (!/^\/?\d{0,4}$/.test(url.pathname))
    throw new InvalidConfig(field, 'names a database that is not a number')
  for (const part of [url.username, url.password]) {
    if (!isPercentEncoded(part)) throw new InvalidConfig(field, 'has a % that begins no escape')
  }
  return url
}

function isPercentEncoded(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

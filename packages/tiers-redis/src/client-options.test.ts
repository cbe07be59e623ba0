/** Goal: a client that cannot serve is refused when the cache is made, by the name of its option, and no option is overlooked. */
import { InvalidConfig } from '@se/core'
import { Cluster, Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { CLUSTER_OPTIONS, REDIS_OPTIONS } from './client-options.ts'
import { redisCache, type RedisCacheOptions } from './index.ts'

const clients: (Redis | Cluster)[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect()
})

type Options = Record<string, unknown>

function redis(options: Options): Redis {
  const client = new Redis({ lazyConnect: true, ...options } as never)
  clients.push(client)
  return client
}

function cluster(options: Options): Cluster {
  const client = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true, ...options } as never)
  clients.push(client)
  return client
}

const refusal = (message: RegExp) =>
  expect.objectContaining({ field: 'client', message: expect.stringMatching(message) as string })

describe("a caller's client", () => {
  it.each<[string, Options]>([
    ['keyPrefix', { keyPrefix: 'x:' }],
    ['stringNumbers', { stringNumbers: true }],
    ['readOnly', { readOnly: true }],
    ['monitor', { monitor: true }],
    ['role', { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'main', role: 'slave' }],
  ])('is refused for its option %s', (name, options) => {
    expect(() => redisCache({ client: redis(options) })).toThrow(refusal(new RegExp(`${name}|monitor`)))
  })

  it.each<[string, Options]>([
    ['enableAutoPipelining', { enableAutoPipelining: true }],
    ['scaleReads', { scaleReads: 'slave' }],
    ['scaleReads', { scaleReads: 'all' }],
    ['scaleReads', { scaleReads: () => [] }],
    ['keyPrefix', { keyPrefix: 'x:' }],
    ['keyPrefix', { redisOptions: { keyPrefix: 'x:' } }],
    ['maxRedirections', { maxRedirections: 0 }],
    ['redisOptions.db', { redisOptions: { db: 3 } }],
    ['redisOptions.stringNumbers', { redisOptions: { stringNumbers: true } }],
  ])('of a Cluster is refused for its option %s: %o', (name, options) => {
    expect(() => redisCache({ client: cluster(options) })).toThrow(refusal(new RegExp(name)))
  })

  it('is refused if it is something else', () => {
    for (const client of [{}, { connect() {} }, new Map()]) {
      expect(() => redisCache({ client } as unknown as RedisCacheOptions)).toThrow(InvalidConfig)
    }
  })

  it('is taken with every other option', () => {
    const taken: (Redis | Cluster)[] = [
      redis({}),
      redis({ enableAutoPipelining: true, db: 3, protocol: 2, maxRetriesPerRequest: null }),
      redis({ replyMapping: 'resp3', commandTimeout: 5, reconnectOnError: () => 2 }),
      cluster({}),
      cluster({ natMap: {}, redisOptions: { password: 'x', db: 0 } }),
    ]
    for (const client of taken) expect(() => redisCache({ client })).not.toThrow()
  })

  it('has no option that the tables do not know: with a new release of ioredis somebody has to think', () => {
    expect(Object.keys(redis({}).options).filter((name) => !(name in REDIS_OPTIONS))).toEqual([])
    expect(
      Object.keys(cluster({}).options).filter(
        (name) => !(name in CLUSTER_OPTIONS) && name !== 'redisOptions',
      ),
    ).toEqual([])
  })
})

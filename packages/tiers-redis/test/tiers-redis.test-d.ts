/** The types of the public face, as an engine's owner sees them. Checked by the compiler; nothing here runs. */
import type { CacheTier, CompleteCacheTier, Lookup } from '@se/core'
import { redisCache, type RedisCache, type RedisCacheOptions } from '../src/index.ts'
import type { Cluster, Redis } from 'ioredis'
import { expectTypeOf } from 'vitest'

declare const client: Redis
declare const cluster: Cluster
const cache = redisCache({ url: 'redis://localhost', prefix: 'se:', ttlMs: 60_000 })

// It fits where the engine takes a cache, and explains its entries as not every cache does.
expectTypeOf(redisCache).parameters.toEqualTypeOf<[RedisCacheOptions]>()
expectTypeOf(cache).toEqualTypeOf<RedisCache>()
expectTypeOf(cache).toExtend<CacheTier>()
expectTypeOf(cache).toExtend<CompleteCacheTier>()
expectTypeOf(cache.get('id')).resolves.toEqualTypeOf<Lookup>()
expectTypeOf(cache.timeToLiveMs('id')).resolves.toEqualTypeOf<number | undefined>()
expectTypeOf(cache.keyOf('id')).toEqualTypeOf<string>()
expectTypeOf(cache.metaKeyOf(0)).toEqualTypeOf<string>()
expectTypeOf(cache.standKeyOf(0)).toEqualTypeOf<string>()
// @ts-expect-error how it fares is read
cache.health().damagedEntries = 0

// Where Redis is: a server, some nodes, or a client of the caller's of either kind.
redisCache({ nodes: ['redis://one', 'redis://two'] })
redisCache({ client })
redisCache({ client: cluster })
// @ts-expect-error nodes are a list
redisCache({ nodes: 'redis://one' })
// @ts-expect-error a client is an ioredis client, not where it is
redisCache({ client: 'redis://localhost' })

// Options that are not read are refused; one that may be left out may also be undefined, as from an environment.
redisCache({ url: process.env.SE_REDIS_URL, nodes: undefined, ttlMs: undefined })
// @ts-expect-error the unit is in the name
redisCache({ url: 'redis://localhost', ttl: 60 })
// @ts-expect-error the option is called `prefix`
redisCache({ url: 'redis://localhost', keyPrefix: 'se:' })
// @ts-expect-error a time is a number of ms
redisCache({ url: 'redis://localhost', commandTimeoutMs: '1s' })
redisCache({
  url: 'redis://localhost',
  onConnectionError: (error) => expectTypeOf(error).toEqualTypeOf<Error>(),
})
declare const options: RedisCacheOptions
// @ts-expect-error options are read once
options.prefix = 'other:'

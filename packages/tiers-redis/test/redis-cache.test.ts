import { encodeCut, TierUnavailable, type CachePut } from '@se/core'
import { stripeOfId, STRIPE_COUNT } from '@se/core/hash'
import { CacheModel, cutAt, linkOf, seededRandom } from '@se/core/testing'
import {
  dropPrefix,
  seed,
  startFaultProxy,
  startPrivateRedis,
  startPrivateRedisCluster,
  uniquePrefix,
} from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { redisCache, type RedisCache, type RedisCacheOptions } from '../src/index.ts'
import { createRedisHarness, reachable } from './harness.ts'

const BRANCHES = ['', 'user.']
const CUT = cutAt('0123456789abcdef0123456789abcdef', [[1, 1]])
const ID = 'user.alice'

const open: RedisCache[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => cache.close()))
})

async function connect(options: RedisCacheOptions): Promise<RedisCache> {
  // A busy machine is no fault.
  const cache = redisCache({ commandTimeoutMs: 10_000, ...options })
  open.push(cache)
  await cache.open({ branches: BRANCHES })
  return cache
}

async function seated(options: RedisCacheOptions): Promise<RedisCache> {
  const cache = await connect(options)
  await seatAll(cache)
  return cache
}

async function seatAll(cache: RedisCache): Promise<void> {
  const stripes = Array.from({ length: STRIPE_COUNT }, (_, stripe) => stripe)
  await Promise.all(stripes.map((stripe) => cache.createStripe(stripe, CUT, [])))
}

async function puts(
  cache: RedisCache,
  time: number,
  values: readonly [id: string, bytes: Uint8Array][],
): Promise<CachePut[]> {
  const permits = await cache.readPermits(values.map(([id]) => id))
  return values.map(([id, bytes], index) => ({
    write: { id, stamp: { time, instance: 1 }, state: 'default', contentType: 'application/json', bytes },
    version: 1,
    createdAtMs: 1,
    permit: permits[index],
    kind: 'write',
  }))
}

async function store(cache: RedisCache, time: number, id = ID): Promise<void> {
  expect(await cache.put(await puts(cache, time, [[id, Buffer.from(`"${time}"`)]]))).toEqual(['stored'])
}

async function timeIn(cache: RedisCache, id = ID): Promise<number | string> {
  const lookup = await cache.get(id)
  return lookup.kind === 'found' ? lookup.item.stamp.time : lookup.kind
}

describeWithServer('redis', 'redis cache on a shared server', (url) => {
  const prefix = uniquePrefix()
  let raw: Redis
  beforeAll(() => {
    raw = new Redis(url)
  })
  afterEach(() => dropPrefix(url, prefix))
  afterAll(() => raw.disconnect())

  it('[P12] [P51] keeps the rules in random schedules, on a real server', async () => {
    const value = seed('cache rules on Redis')
    const harness = createRedisHarness({ url, prefix }, raw, () => Promise.resolve())
    const model = await CacheModel.create(harness)
    const random = seededRandom(value)
    for (let schedule = 0; schedule < 30; schedule++) {
      expect(
        await model.run({ random, stepCount: 60 }),
        `seed ${value}, schedule ${schedule}`,
      ).toBeUndefined()
    }
    await harness.close()
  })

  it('the value of an entry begins behind a header of 40 bytes, for people who look', async () => {
    const cache = await seated({ url, prefix })
    await store(cache, 7)
    expect(cache.keyOf(ID)).toBe(`${prefix}{${String(stripeOfId(ID)).padStart(2, '0')}}i:${ID}`)
    expect(await raw.getrange(cache.keyOf(ID), 40, -1)).toBe('"7"')
    expect(await raw.hget(cache.metaKeyOf(stripeOfId(ID)), 'cut')).toBe(encodeCut(CUT))
  })

  it('leaves no key outside its prefix and its two shapes', async () => {
    const cache = await seated({ url, prefix })
    await store(cache, 7)
    const keys = await raw.keys(`${prefix}*`)
    expect(keys.filter((key) => !/\{[0-6]\d\}(m|i:.+)$/.test(key))).toEqual([])
    expect(keys).toHaveLength(STRIPE_COUNT + 1)
  })

  it('[W3] compares big entries by their head alone, in calls of bounded size', async () => {
    const cache = await seated({ url, prefix })
    const values = Array.from({ length: 300 }, (_, index): [string, Uint8Array] => [
      `user.${index}`,
      new Uint8Array(index === 0 ? 3_000_000 : 9_000).fill(index),
    ])
    expect(await cache.put(await puts(cache, 5, values))).toEqual(values.map(() => 'stored'))
    expect(await cache.put(await puts(cache, 4, values))).toEqual(values.map(() => 'skipped'))
    expect(await cache.put(await puts(cache, 6, values))).toEqual(values.map(() => 'stored'))
    const lookups = await cache.getMany(values.map(([id]) => id))
    lookups.forEach((lookup, index) => {
      if (lookup.kind !== 'found') return expect.unreachable(`${index} is ${lookup.kind}`)
      expect(Buffer.compare(lookup.item.bytes, values[index]![1])).toBe(0)
    })
  })

  it('takes what is no entry for a miss, and puts over it', async () => {
    const cache = await seated({ url, prefix })
    for (const junk of ['', '{"a":1}', 'x'.repeat(500), Buffer.from([0xe1, 0, 1, 2, 3])]) {
      await raw.set(cache.keyOf(ID), junk)
      expect(await timeIn(cache)).toBe('absent')
      await store(cache, 3)
      expect(await timeIn(cache)).toBe(3)
    }
  })

  it('takes a damaged meta for none, and makes it anew', async () => {
    const cache = await seated({ url, prefix })
    const stripe = stripeOfId(ID)
    const key = cache.metaKeyOf(stripe)
    const damages: (() => Promise<unknown>)[] = [
      () => raw.hdel(key, 'cut'),
      () => raw.hset(key, 'cut', 'nonsense'),
      () => raw.hset(key, 'epoch', 'short'),
      () => raw.hdel(key, 'revision'),
    ]
    for (const damage of damages) {
      await store(cache, 5)
      await damage()
      expect((await cache.readStripes())[stripe]).toBeUndefined()
      expect(await timeIn(cache)).toBe('unknown')
      expect(await cache.createStripe(stripe, CUT, [])).toBe(true)
      expect(await timeIn(cache)).toBe('absent')
    }
  })

  it('[P45] goes on when the server has forgotten its scripts', async () => {
    const cache = await seated({ url, prefix })
    await store(cache, 5)
    await raw.script('FLUSH')
    const many = Array.from({ length: 600 }, (_, index): [string, Uint8Array] => [
      `user.${index}`,
      Buffer.from('1'),
    ])
    expect(await cache.put(await puts(cache, 6, many))).toEqual(many.map(() => 'stored'))
    await raw.script('FLUSH')
    expect((await cache.readReceipt(3))?.leaves).toEqual([])
  })

  it('works on a client of the caller, and leaves it open', async () => {
    const client = new Redis(url, { enableOfflineQueue: false, lazyConnect: true })
    const cache = await seated({ client, prefix })
    await store(cache, 5)
    await cache.close()
    expect(await client.ping()).toBe('PONG')
    client.disconnect()
  })

  it('[P46] fails a call that is not answered in time, and not the next ones', async () => {
    const target = new URL(url)
    const proxy = await startFaultProxy({ targetHost: target.hostname, targetPort: Number(target.port) })
    const cache = await seated({ url: `redis://127.0.0.1:${proxy.port}`, prefix, commandTimeoutMs: 300 })
    await store(cache, 5)
    proxy.stall()
    expect(await cache.get(ID)).toMatchObject({ kind: 'unknown', because: 'timeout' })
    await expect(cache.readStripes()).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    await proxy.resume()
    await reachable(cache)
    expect(await timeIn(cache)).toBe(5)
    proxy.cut()
    await reachable(cache)
    expect(await timeIn(cache)).toBe(5)
    await proxy.close()
  })
})

describeWithServer('redis', 'redis cache on a server of its own', () => {
  it('[R1] opens while Redis is down, says unknown, and takes it in when it comes', async () => {
    const server = await startPrivateRedis()
    await server.kill()
    const errors: Error[] = []
    const cache = await connect({ url: server.url, onConnectionError: (error) => errors.push(error) })
    expect(errors.length).toBeGreaterThan(0)
    await expect(cache.readStripes()).rejects.toBeInstanceOf(TierUnavailable)
    expect(await timeIn(cache)).toBe('unknown')
    await server.restart()
    await reachable(cache)
    await seatAll(cache)
    await store(cache, 5)

    // Killed and back with nothing: the metas it knew are gone, and so is what they vouched for.
    await server.kill()
    expect(await cache.get(ID)).toMatchObject({ kind: 'unknown', because: 'disconnected' })
    await server.restart()
    await reachable(cache)
    expect(await cache.readStripes()).toEqual(Array(STRIPE_COUNT).fill(undefined))
    expect(await timeIn(cache)).toBe('unknown')
    await cache.close()
    expect(await cache.get(ID)).toMatchObject({ kind: 'unknown' })
    await server.stop()
  })

  it('[P49] with a wrong password it is unavailable, and tells it to nobody', async () => {
    const server = await startPrivateRedis()
    const raw = new Redis(server.url)
    await raw.config('SET', 'requirepass', 'right-secret')
    raw.disconnect()
    const told: unknown[] = []
    const wrong = new URL(server.url)
    wrong.username = 'default'
    wrong.password = 'wrong-secret'
    const cache = await connect({ url: wrong.href, onConnectionError: (error) => told.push(error) })
    await cache.readStripes().catch((error: unknown) => told.push(error))
    const lookup = await cache.get(ID)
    told.push(lookup)
    expect(told.length).toBeGreaterThan(1)
    for (const one of told) {
      expect(`${JSON.stringify(one, Object.getOwnPropertyNames(one))} ${String(one)}`).not.toContain('secret')
    }
    await server.stop()
  })

  it('a server out of memory refuses whole calls, and nothing goes back', async () => {
    const server = await startPrivateRedis({ args: ['--maxmemory-policy', 'noeviction'] })
    const raw = new Redis(server.url)
    const cache = await seated({ url: server.url })
    await store(cache, 5)
    await raw.config('SET', 'maxmemory', '1mb')
    const state = (await cache.readStripes())[stripeOfId(ID)]!
    const put = await puts(cache, 6, [[ID, Buffer.from('new')]])
    await expect(cache.put(put)).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    expect(await timeIn(cache)).toBe(5)
    // What matters can still be done where it takes nothing new: the older entry goes with the cut.
    await raw.config('SET', 'maxmemory', '0')
    const entry = {
      id: ID,
      stamp: { time: 6, instance: 1 },
      previousStamp: undefined,
      previousDigest: undefined,
    }
    const row = { instance: 1, sequence: 2, link: linkOf(1, 2), kind: 'batch', committedAtMs: 0 } as const
    const rows = [{ ...row, entries: [{ ...entry, digest: new Uint8Array(16) }] }]
    const to = cutAt(CUT.archiveId, [[1, 2]])
    expect(await cache.finishStripe(state, rows, to)).toEqual([ID])
    expect(await cache.put(put)).toEqual(['skipped'])
    raw.disconnect()
    await server.stop()
  })

  it('a server that evicts anything loses entries and metas, and answers nothing old', async () => {
    const server = await startPrivateRedis({ args: ['--maxmemory-policy', 'allkeys-random'] })
    const raw = new Redis(server.url)
    const cache = await seated({ url: server.url })
    const usedBytes = Number(/used_memory:(\d+)/.exec(await raw.info('memory'))?.[1])
    await raw.config('SET', 'maxmemory', String(usedBytes + 400_000))
    const value = new Uint8Array(2_000)
    for (let time = 1; time <= 12; time++) {
      await seatAll(cache)
      const ids = Array.from({ length: 300 }, (_, index): [string, Uint8Array] => [`user.${index}`, value])
      const outcomes = await cache.put(await puts(cache, time, ids))
      await cache.readStripes()
      const lookups = await cache.getMany(ids.map(([id]) => id))
      lookups.forEach((lookup, index) => {
        if (lookup.kind === 'found' && outcomes[index] !== 'unknown') {
          expect(lookup.item.stamp.time).toBe(time)
        }
      })
    }
    expect(await raw.info('stats')).not.toContain('evicted_keys:0\r')
    raw.disconnect()
    await server.stop()
  })
})

describe('what a cut-off connection leaves behind', () => {
  it('is said by its error: what it was, without the command', async () => {
    const cache = redisCache({ url: 'redis://127.0.0.1:1' })
    open.push(cache)
    const error = await cache.readStripes().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'SE_TIER_UNAVAILABLE', details: { because: 'disconnected' } })
  })
})

describeWithServer('redis', 'redis cache, cluster with replicas', () => {
  it('[P45] a promoted replica, which has none of the scripts, takes over', { timeout: 60_000 }, async () => {
    const cluster = await startPrivateRedisCluster({ replicasPerPrimary: 1 })
    const cache = await seated({ nodes: cluster.urls, commandTimeoutMs: 3_000 })
    const ids = Array.from({ length: 200 }, (_, index): [string, Uint8Array] => [
      `user.${index}`,
      Buffer.from('1'),
    ])
    await cache.put(await puts(cache, 5, ids))
    await cluster.waitForReplicas()
    await cluster.primaries[0]!.kill()
    const errors: unknown[] = []
    await vi.waitFor(
      async () => {
        const states = await cache.readStripes().catch((error: unknown) => {
          errors.push(error)
          throw error
        })
        expect(states.flatMap((state, stripe) => (state === undefined ? [stripe] : []))).toEqual([])
      },
      { timeout: 30_000, interval: 50 },
    )
    for (const error of errors) expect(error).toBeInstanceOf(TierUnavailable)
    expect(await cache.put(await puts(cache, 6, ids))).toEqual(ids.map(() => 'stored'))
    const times = (await cache.getMany(ids.map(([id]) => id))).map(
      (lookup) => lookup.kind === 'found' && lookup.item.stamp.time,
    )
    expect(times).toEqual(ids.map(() => 6))
    await cluster.stop()
  })
})

/** Goal: the cache keeps its promises on a server that others use too. */
import { encodeCut } from '@se/core'
import { STRIPE_COUNT, stripeOfId } from '@se/core/hash'
import { CACHE_CONTRACT_BIRTH_ID, CacheModel, seededRandom } from '@se/core/testing'
import { dropPrefix, seed, startFaultProxy, uniquePrefix } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRedisHarness, poll, reachable } from './harness.ts'
import { closeAfterEach, connect, CUT, ID, putsOf, seated, store, timeIn } from './kit.ts'

closeAfterEach()

describeWithServer('redis', 'redis cache on a shared server', (url) => {
  const prefix = uniquePrefix()
  let raw: Redis
  beforeAll(() => {
    raw = new Redis(url)
  })
  afterEach(() => dropPrefix(url, prefix))
  afterAll(() => raw.disconnect())

  it('keeps the rules in random schedules, on a real server [P12, P51]', async () => {
    const value = seed('cache rules on Redis')
    const none = () => Promise.reject(new Error('no faults here'))
    const harness = createRedisHarness({ url, prefix }, raw, { setReachable: none, failStripe: none })
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
    const birth = CACHE_CONTRACT_BIRTH_ID.slice(0, 8)
    expect(cache.keyOf(ID)).toBe(`${prefix}${birth}:{${String(stripeOfId(ID)).padStart(2, '0')}}i:${ID}`)
    expect(await raw.getrange(cache.keyOf(ID), 40, -5)).toBe('"7"')
    expect(await raw.hget(cache.metaKeyOf(stripeOfId(ID)), 'cut')).toBe(encodeCut(CUT))
  })

  it('leaves no key outside its prefix and its three shapes', async () => {
    const cache = await seated({ url, prefix })
    await store(cache, 7)
    const keys = await raw.keys(`${prefix}*`)
    expect(keys.filter((key) => !/\{[0-6]\d\}(m|s|i:.+)$/.test(key))).toEqual([])
    expect(keys).toHaveLength(2 * STRIPE_COUNT + 1)
  })

  it('compares big entries by their header alone, in calls of bounded size [W3]', async () => {
    const cache = await seated({ url, prefix, valueBytesMax: 4_000_000 })
    // One that is larger than a call, and above what is offered by default.
    const values = Array.from({ length: 300 }, (_, index): [string, Uint8Array] => [
      `user.${index}`,
      new Uint8Array(index === 0 ? 3_000_000 : 9_000).fill(index),
    ])
    expect(await cache.put(await putsOf(cache, 5, values))).toEqual(values.map(() => 'stored'))
    expect(await cache.put(await putsOf(cache, 4, values))).toEqual(values.map(() => 'skipped'))
    expect(await cache.put(await putsOf(cache, 6, values))).toEqual(values.map(() => 'stored'))
    const lookups = await cache.getMany(values.map(([id]) => id))
    lookups.forEach((lookup, index) => {
      if (lookup.kind !== 'found') return expect.unreachable(`${index} is ${lookup.kind}`)
      expect(Buffer.compare(lookup.item.bytes, values[index]![1])).toBe(0)
    })
  })

  it('takes what is no entry for a miss, and puts over it', async () => {
    const cache = await seated({ url, prefix })
    for (const junk of ['', '{"a":1}', 'x'.repeat(500), Buffer.from([0xe2, 0, 1, 2, 3])]) {
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
      () => raw.del(cache.standKeyOf(stripe)),
      () => raw.set(cache.standKeyOf(stripe), 'nonsense about the stand'),
      () => raw.setrange(cache.standKeyOf(stripe), 0, 'another!'),
    ]
    for (const damage of damages) {
      await store(cache, 5)
      await damage()
      expect((await cache.readStripes())[stripe]).toEqual({ kind: 'none' })
      expect(await cache.createStripe(stripe, CUT, [])).toMatchObject({ stripe })
      await poll(cache)
      expect(await timeIn(cache)).toBe('absent')
    }
  })

  it('goes on when the server has forgotten its scripts [P45]', async () => {
    const cache = await seated({ url, prefix })
    await store(cache, 5)
    await raw.script('FLUSH')
    const many = Array.from({ length: 600 }, (_, index): [string, Uint8Array] => [
      `user.${index}`,
      Buffer.from('1'),
    ])
    expect(await cache.put(await putsOf(cache, 6, many))).toEqual(many.map(() => 'stored'))
    await raw.script('FLUSH')
    expect((await cache.readReceipt(3))?.leaves).toEqual([])
  })

  it('fails a call that is not answered in time, and not the next ones [P46]', async () => {
    const target = new URL(url)
    const proxy = await startFaultProxy({ targetHost: target.hostname, targetPort: Number(target.port) })
    const cache = await seated({ url: `redis://127.0.0.1:${proxy.port}`, prefix, commandTimeoutMs: 300 })
    await store(cache, 5)
    proxy.stall()
    expect(await cache.get(ID)).toMatchObject({ kind: 'unknown', because: 'timeout' })
    await expect(cache.readStripes()).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    await proxy.resume()
    await reachable(cache)
    await poll(cache)
    expect(await timeIn(cache)).toBe(5)
    proxy.cut()
    await reachable(cache)
    expect(await timeIn(cache)).toBe(5)
    await proxy.close()
  })
})

describe('a cache that was never connected', () => {
  it('says so by its error: what it was, without the command', async () => {
    const cache = await connect({ url: 'redis://127.0.0.1:1' })
    const error = await cache.readStripes().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'SE_TIER_UNAVAILABLE', details: { because: 'disconnected' } })
    expect(String(error)).toContain('ECONNREFUSED')
  })
})

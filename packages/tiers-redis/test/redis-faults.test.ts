/** Goal: what befalls a server costs hits and time, and never an old answer. Method: servers of its own, and what is done to them. */
import { TierMisconfigured, TierUnavailable } from '@se/core'
import { STRIPE_COUNT, stripeOfId } from '@se/core/hash'
import { cutAt, linkOf } from '@se/core/testing'
import { startFaultProxy, startPrivateRedis, startPrivateRedisPair } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import type { RedisCache } from '../src/index.ts'
import { poll, reachable } from './harness.ts'
import { closeAfterEach, connect, CUT, ID, putsOf, seatAll, seated, store, timeIn } from './kit.ts'

closeAfterEach()

const NONE = Array<object>(STRIPE_COUNT).fill({ kind: 'none' })

/** Fails until the cache works again; tells how long that took, ms. */
async function workingAgain(cache: RedisCache, time: number): Promise<number> {
  const startedMs = performance.now()
  await vi.waitFor(
    async () => {
      await seatAll(cache)
      await store(cache, time)
    },
    { timeout: 20_000, interval: 20 },
  )
  return performance.now() - startedMs
}

describeWithServer('redis', 'a server that goes and comes', () => {
  it('opens while Redis is down, says unknown, and takes it in when it comes [R1]', async () => {
    const server = await startPrivateRedis()
    await server.kill()
    const errors: Error[] = []
    const cache = await connect({ url: server.url, onConnectionError: (error) => errors.push(error) })
    expect(errors[0]).toBeInstanceOf(TierUnavailable)
    expect(cache.health().failure?.message).toContain('ECONNREFUSED')
    await expect(cache.readStripes()).rejects.toBeInstanceOf(TierUnavailable)
    expect(await timeIn(cache)).toBe('unknown')
    await server.restart()
    await reachable(cache)
    expect(cache.health().failure).toBeUndefined()
    await seatAll(cache)
    await store(cache, 5)

    // Killed and back with nothing: the metas it knew are gone, and so is what they vouched for.
    await server.kill()
    expect(await cache.get(ID)).toMatchObject({ kind: 'unknown', because: 'disconnected' })
    await server.restart()
    await reachable(cache)
    expect(await cache.readStripes()).toEqual(NONE)
    expect(await timeIn(cache)).toBe('unknown')
    await cache.close()
    expect(await cache.get(ID)).toMatchObject({ kind: 'unknown' })
    await server.stop()
  })

  it('that hangs is left, and so is one that takes connections and says nothing [P69]', async () => {
    const [hung, other] = [await startPrivateRedis(), await startPrivateRedis()]
    const address = await startFaultProxy({ targetPort: hung.port })
    const url = `redis://127.0.0.1:${address.port}`
    const cache = await seated({ url, commandTimeoutMs: 300, connectTimeoutMs: 300 })
    await store(cache, 5)
    await hung.pause()
    // Nothing ends the connection but the cache itself, which then meets the same server again.
    expect(await cache.get(ID)).toMatchObject({ kind: 'unknown', because: 'timeout' })
    await vi.waitFor(() => expect(address.acceptedCount).toBeGreaterThan(2), { timeout: 10_000 })
    address.retarget(other.port)
    expect(await workingAgain(cache, 6)).toBeLessThan(5_000)
    hung.resume()
    await address.close()
    await Promise.all([hung.stop(), other.stop()])
  })

  it('that hangs keeps nobody who closes the cache, and no call that waits [P70]', async () => {
    const server = await startPrivateRedis()
    const cache = await seated({ url: server.url })
    await server.pause()
    const waiting = [cache.readStripes(), cache.put(await Promise.resolve([]))].map((call) =>
      call.catch(String),
    )
    const startedMs = performance.now()
    await cache.close()
    expect(await waiting[0]).toContain('closed')
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    await vi.waitFor(() => {
      const sockets = process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap')
      expect(sockets).toEqual([])
    })
    server.resume()
    await server.stop()
  })
})

describeWithServer('redis', 'a primary that was demoted', () => {
  it('is left for the one that the address leads to, by itself and within 2 s [P69]', async () => {
    const pair = await startPrivateRedisPair()
    const cache = await seated({ url: pair.url })
    await store(cache, 5)
    await pair.waitForReplica()
    await pair.promote()
    await pair.demote()
    pair.moveAddress()
    // The connection lives, and leads to a server that refuses every write.
    await expect(cache.put(await putsOf(cache, 6, [[ID, Buffer.from('6')]]))).rejects.toThrow(/READONLY/)
    const startedMs = performance.now()
    expect(await workingAgain(cache, 7)).toBeLessThan(2_000)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(await timeIn(cache)).toBe(7)
    await pair.stop()
  })

  it('and whose replica was behind: nothing that it lacks is answered as if nothing were newer [R5]', async () => {
    const pair = await startPrivateRedisPair()
    const cache = await seated({ url: pair.url })
    const others = Array.from({ length: 20 }, (_, index) => `user.${index}`)
    for (const id of others) await store(cache, 5, id)
    await pair.waitForReplica()
    await pair.holdReplica()
    // What the replica never hears of: newer values, and a cut that says so.
    for (const id of others) await store(cache, 6, id)
    const to = cutAt(CUT.archiveId, [[1, 2]])
    const entries = others.map((id) => ({
      id,
      stamp: { time: 6, instance: 1 },
      previousStamp: undefined,
      digest: new Uint8Array(16),
      previousDigest: undefined,
    }))
    const row = {
      instance: 1,
      sequence: 2,
      link: linkOf(1, 2),
      kind: 'batch',
      committedAtMs: 0,
      entries,
    } as const
    for (const reading of await cache.readStripes()) {
      const advanced =
        reading.kind === 'state' ? await cache.advanceStripe(reading.state, [row], to) : undefined
      cache.believe([advanced!.state])
    }
    expect(await timeIn(cache, others[0])).toBe(6)
    await pair.promote()
    pair.moveAddress()
    pair.cutConnections()
    await reachable(cache)
    for (const id of others) expect(await timeIn(cache, id)).toBe('unknown')
    expect((await cache.getMany(others)).map(({ kind }) => kind)).toEqual(others.map(() => 'unknown'))
    await pair.stop()
  })
})

describeWithServer('redis', 'a server that does not want us', () => {
  it.each<[string, (raw: Redis) => Promise<unknown>, (url: URL) => void, RegExp]>([
    [
      'a wrong password',
      (raw) => raw.config('SET', 'requirepass', 'right-secret'),
      (url) => (url.password = 'wrong-secret'),
      /WRONGPASS/,
    ],
    ['no password', (raw) => raw.config('SET', 'requirepass', 'right-secret'), () => undefined, /NOAUTH/],
    [
      'an unknown user',
      (raw) => raw.call('ACL', 'SETUSER', 'someone', 'on', '>secret'),
      (url) => {
        url.username = 'nobody'
        url.password = 'wrong-secret'
      },
      /WRONGPASS/,
    ],
    [
      'a right that is missing',
      (raw) => raw.call('ACL', 'SETUSER', 'someone', 'on', '>some-secret', '~*', '+@all', '-hmget'),
      (url) => {
        url.username = 'someone'
        url.password = 'some-secret'
      },
      /NOPERM/,
    ],
    ['an unknown database', () => Promise.resolve(), (url) => (url.pathname = '/99'), /DB index/],
  ])(
    'for %s says so, as something to be changed, and tells no secret [P69]',
    async (_, prepare, change, words) => {
      const server = await startPrivateRedis()
      const raw = new Redis(server.url)
      await prepare(raw)
      const told: unknown[] = []
      const url = new URL(server.url)
      change(url)
      const cache = await connect({ url: url.href, onConnectionError: (error) => told.push(error) })
      const error = await cache.readStripes().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(TierMisconfigured)
      expect(String(error)).toMatch(words)
      expect(cache.health().failure?.message).toMatch(words)
      told.push(error, await cache.get(ID), cache.health().failure)
      for (const one of told) {
        expect(`${JSON.stringify(one, Object.getOwnPropertyNames(one))} ${String(one)}`).not.toContain(
          'secret',
        )
      }
      raw.disconnect()
      await server.stop()
    },
  )

  it('is used as soon as its configuration was mended [P69]', async () => {
    const server = await startPrivateRedis()
    const raw = new Redis(server.url)
    await raw.config('SET', 'requirepass', 'right')
    const url = new URL(server.url)
    url.password = 'left'
    const cache = await connect({ url: url.href })
    await expect(cache.readStripes()).rejects.toBeInstanceOf(TierMisconfigured)
    await raw.config('SET', 'requirepass', 'left')
    await workingAgain(cache, 5)
    expect(cache.health().failure).toBeUndefined()
    raw.disconnect()
    await server.stop()
  })

  it('takes a password of every special character, in a url', async () => {
    const server = await startPrivateRedis()
    const raw = new Redis(server.url)
    const password = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('')
    await raw.call('ACL', 'SETUSER', 'some%one', 'on', `>${password}`, '~*', '+@all')
    const cache = await seated({
      url: `redis://${encodeURIComponent('some%one')}:${encodeURIComponent(password)}@127.0.0.1:${server.port}`,
    })
    await store(cache, 5)
    raw.disconnect()
    await server.stop()
  })

  it('an unknown host is something to be changed, too', async () => {
    const cache = await connect({ url: 'redis://no-such-host.invalid' })
    await expect(cache.readStripes()).rejects.toMatchObject({
      code: expect.stringMatching(/SE_TIER_(MISCONFIGURED|UNAVAILABLE)/) as string,
      message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) as string,
    })
  })
})

describeWithServer('redis', 'a server that is full', () => {
  it('refuses puts and goes on answering; nothing goes back [P74]', async () => {
    const server = await startPrivateRedis({ args: ['--maxmemory-policy', 'noeviction'] })
    const raw = new Redis(server.url)
    const cache = await seated({ url: server.url })
    await store(cache, 5)
    await raw.config('SET', 'maxmemory', '1mb')
    const reading = (await cache.readStripes())[stripeOfId(ID)]!
    const put = await putsOf(cache, 6, [[ID, Buffer.from('new')]])
    // An answer, though not the one that was hoped for.
    expect(await cache.put(put)).toEqual(['unknown'])
    expect(cache.health().failure?.message).toContain('OOM')
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
    const state = reading.kind === 'state' ? reading.state : expect.unreachable()
    expect((await cache.advanceStripe(state, rows, to))?.removedIds).toEqual([ID])
    expect(await cache.put(put)).toEqual(['skipped'])
    raw.disconnect()
    await server.stop()
  })

  it.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-ttl'])(
    'with 6 MB and the policy %s loses entries and metas, and answers nothing old',
    async (policy) => {
      const server = await startPrivateRedis({ args: ['--maxmemory', '6mb', '--maxmemory-policy', policy] })
      const raw = new Redis(server.url)
      const cache = await seated({ url: server.url, ttlMs: 600_000 })
      const value = new Uint8Array(4_000)
      const ids = Array.from({ length: 1_500 }, (_, index): [string, Uint8Array] => [`user.${index}`, value])
      let found = 0
      for (let time = 1; time <= 6; time++) {
        await seatAll(cache)
        const outcomes = await cache.put(await putsOf(cache, time, ids))
        await poll(cache)
        const lookups = await cache.getMany(ids.map(([id]) => id))
        lookups.forEach((lookup, index) => {
          if (lookup.kind !== 'found' || outcomes[index] === 'unknown') return
          expect(lookup.item.stamp.time).toBe(time)
          found++
        })
      }
      expect(await raw.info('stats')).not.toContain('evicted_keys:0\r')
      expect(found).toBeGreaterThan(0)
      raw.disconnect()
      await server.stop()
    },
  )

  it('a value that finds the memory full each time is offered twice, not for ever [P74]', async () => {
    const server = await startPrivateRedis({
      args: ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'],
    })
    const raw = new Redis(server.url)
    const cache = await seated({ url: server.url })
    const errors = async () =>
      Number(/errorstat_OOM:count=(\d+)/.exec(await raw.info('errorstats'))?.[1] ?? 0)
    const large = [[ID, new Uint8Array(900_000)]] satisfies [string, Uint8Array][]
    await raw.config('SET', 'maxmemory', '1mb')
    for (let time = 1; time <= 2; time++) await cache.put(await putsOf(cache, time, large))
    const before = await errors()
    expect(before).toBeGreaterThan(0)
    await raw.config('SET', 'maxmemory', '0')
    expect(await cache.put(await putsOf(cache, 3, large))).toEqual(['removed'])
    expect(cache.health().refusedValues).toBe(1)
    raw.disconnect()
    await server.stop()
  })
})

describeWithServer('redis', 'a server that was emptied', () => {
  it('is filled anew; what lay there under an older epoch counts no more', async () => {
    const server = await startPrivateRedis()
    const raw = new Redis(server.url)
    const cache = await seated({ url: server.url })
    await store(cache, 5)
    const dump = await raw.dumpBuffer(cache.keyOf(ID))
    await raw.flushall()
    expect(await timeIn(cache)).toBe('unknown')
    expect(await cache.readStripes()).toEqual(NONE)
    await seatAll(cache)
    await raw.restore(cache.keyOf(ID), 0, dump)
    expect(await timeIn(cache)).toBe('absent')
    await store(cache, 3)
    raw.disconnect()
    await server.stop()
  })
})

describe('the type of what is thrown', () => {
  it('is one that a caller can branch on', () => {
    expect(new TierMisconfigured('x').code).toBe('SE_TIER_MISCONFIGURED')
  })
})

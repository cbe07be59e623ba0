/** Goal: a node of a Cluster fails alone, and its stripes come back with whoever takes them over. */
import { TierUnavailable } from '@se/core'
import { STRIPE_COUNT, stripeOfId } from '@se/core/hash'
import { CACHE_CONTRACT_BIRTH_ID } from '@se/core/testing'
import { startPrivateRedis, startPrivateRedisCluster, type PrivateRedisCluster } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { Cluster, Redis } from 'ioredis'
import { expect, it, vi } from 'vitest'
import type { RedisCache } from '../src/index.ts'
import { createCacheKeys } from '../src/keys.ts'
import { slotOfStripe } from '../src/slots.ts'
import { poll } from './harness.ts'
import { closeAfterEach, connect, putsOf, seatAll, seated, store } from './kit.ts'

closeAfterEach()

const SLOTS_PER_NODE = 16_384 / 3
const IDS = Array.from({ length: 200 }, (_, index): [string, Uint8Array] => [
  `user.${index}`,
  Buffer.from('1'),
])

/** Index of the primary that owns a stripe when the cluster is new. */
const ownerOf = (stripe: number) => Math.floor(slotOfStripe(stripe) / SLOTS_PER_NODE)
const stripesOf = (owner: number) =>
  Array.from({ length: STRIPE_COUNT }, (_, stripe) => stripe).filter((stripe) => ownerOf(stripe) === owner)

async function failingStripes(cache: RedisCache): Promise<number[]> {
  const readings = await cache.readStripes()
  return readings.flatMap(({ kind }, stripe) => (kind === 'unknown' ? [stripe] : []))
}

/** Resolves when all stripes can be read again, and nothing else than unavailability was met meanwhile. */
async function allAnswer(cache: RedisCache): Promise<void> {
  const errors: unknown[] = []
  await vi.waitFor(
    async () => {
      const failing = await failingStripes(cache).catch((error: unknown) => {
        errors.push(error)
        throw error
      })
      expect(failing).toEqual([])
    },
    { timeout: 40_000, interval: 50 },
  )
  for (const error of errors) expect(error).toBeInstanceOf(TierUnavailable)
}

async function withCluster(
  options: Parameters<typeof startPrivateRedisCluster>[0],
  run: (cluster: PrivateRedisCluster) => Promise<void>,
): Promise<void> {
  const cluster = await startPrivateRedisCluster(options)
  try {
    await run(cluster)
  } finally {
    for (const node of cluster.primaries) node.resume()
    await cluster.stop()
  }
}

describeWithServer('redis', 'redis cache on a cluster', () => {
  it('knows the slots of its stripes as the servers do', () =>
    withCluster({}, async (cluster) => {
      const raw = new Cluster([...cluster.urls])
      const keys = createCacheKeys('se:', CACHE_CONTRACT_BIRTH_ID)
      for (let stripe = 0; stripe < STRIPE_COUNT; stripe++) {
        for (const key of [keys.meta(stripe), keys.stand(stripe), keys.itemIn(stripe, '{x}')]) {
          expect(await raw.cluster('KEYSLOT', key)).toBe(slotOfStripe(stripe))
        }
      }
      raw.disconnect()
    }))

  it('connects to nodes that are named by an IPv6 address [P69]', () =>
    withCluster({ args: ['--bind', '127.0.0.1', '::1'] }, async (cluster) => {
      const errors: Error[] = []
      const nodes = cluster.primaries.map(({ port }) => `redis://[::1]:${port}`)
      const cache = await seated({ nodes, onConnectionError: (error) => errors.push(error) })
      await store(cache, 5)
      expect(errors).toEqual([])
    }))

  it('tells why no node lets it in [P69]', async () => {
    const node = await startPrivateRedis({ args: ['--cluster-enabled', 'yes'] })
    const raw = new Redis(node.url)
    await raw.config('SET', 'requirepass', 'right')
    raw.disconnect()
    const told: Error[] = []
    const url = `redis://:left@127.0.0.1:${node.port}`
    const cache = await connect({ nodes: [url], onConnectionError: (error) => told.push(error) })
    expect(told.map(String).join()).toContain('WRONGPASS')
    await expect(cache.readStripes()).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
    expect(cache.health().failure?.message).toContain('WRONGPASS')
    await node.stop()
  })

  it('a node that hangs costs its own stripes, and the others no time [P74]', () =>
    withCluster({}, async (cluster) => {
      const cache = await seated({ nodes: cluster.urls, commandTimeoutMs: 1_000 })
      for (const [id] of IDS.slice(0, 20)) await store(cache, 5, id)
      await cluster.primaries[0]!.pause()
      expect(await failingStripes(cache)).toEqual(stripesOf(0))
      // From now on nobody waits for it.
      const startedMs = performance.now()
      for (let round = 0; round < 5; round++) {
        await poll(cache)
        expect(await failingStripes(cache)).toEqual(stripesOf(0))
        const lookups = await cache.getMany(IDS.slice(0, 20).map(([id]) => id))
        lookups.forEach(({ kind }, index) => {
          expect(kind).toBe(ownerOf(stripeOfId(`user.${index}`)) === 0 ? 'unknown' : 'found')
        })
      }
      // Three questions a round: to wait each time would take 15 s.
      expect(performance.now() - startedMs).toBeLessThan(5_000)
      cluster.primaries[0]!.resume()
      await allAnswer(cache)
    }))

  it('a promoted replica takes over from a node that hangs [P45, P69]', { timeout: 90_000 }, () =>
    withCluster({ replicasPerPrimary: 1 }, async (cluster) => {
      const cache = await seated({ nodes: cluster.urls, commandTimeoutMs: 1_000 })
      await cache.put(await putsOf(cache, 5, IDS))
      await cluster.waitForReplicas()
      await cluster.primaries[0]!.pause()
      await expect(failingStripes(cache)).resolves.toEqual(stripesOf(0))
      await allAnswer(cache)
      await poll(cache)
      expect(await cache.put(await putsOf(cache, 6, IDS))).toEqual(IDS.map(() => 'stored'))
    }),
  )

  it(
    'a promoted replica, which has none of the scripts, takes over from one that was killed [P45]',
    { timeout: 90_000 },
    () =>
      withCluster({ replicasPerPrimary: 1 }, async (cluster) => {
        const cache = await seated({ nodes: cluster.urls, commandTimeoutMs: 3_000 })
        await cache.put(await putsOf(cache, 5, IDS))
        await cluster.waitForReplicas()
        await cluster.primaries[0]!.kill()
        await expect(failingStripes(cache)).resolves.toEqual(stripesOf(0))
        await allAnswer(cache)
        await poll(cache)
        expect(await cache.put(await putsOf(cache, 6, IDS))).toEqual(IDS.map(() => 'stored'))
        const times = (await cache.getMany(IDS.map(([id]) => id))).map(
          (lookup) => lookup.kind === 'found' && lookup.item.stamp.time,
        )
        expect(times).toEqual(IDS.map(() => 6))
      }),
  )

  it('all nodes can be killed and come back with nothing', { timeout: 90_000 }, () =>
    withCluster({}, async (cluster) => {
      const cache = await seated({ nodes: cluster.urls, commandTimeoutMs: 1_000 })
      await cache.put(await putsOf(cache, 5, IDS))
      for (const node of cluster.primaries) await node.kill()
      await expect(cache.readStripes()).rejects.toBeInstanceOf(TierUnavailable)
      for (const node of cluster.primaries) await node.restart()
      await allAnswer(cache)
      await seatAll(cache)
      expect((await cache.getMany(IDS.map(([id]) => id))).map(({ kind }) => kind)).toEqual(
        IDS.map(() => 'absent'),
      )
      await cache.put(await putsOf(cache, 6, IDS))
    }),
  )

  it(
    'slots move under its hands: nothing old is answered, and all is there again in the end',
    { timeout: 60_000 },
    () =>
      withCluster({}, async (cluster) => {
        const cache = await seated({ nodes: cluster.urls })
        await cache.put(await putsOf(cache, 1, IDS))
        const [from, to] = cluster.primaries.map(({ url }) => new Redis(url)) as [Redis, Redis, Redis]
        const [fromId, toId] = (await Promise.all([from, to].map((node) => node.cluster('MYID')))) as [
          string,
          string,
        ]
        let time = 1
        let isMoving = true
        const traffic = async () => {
          while (isMoving) {
            const outcomes = await cache
              .put(await putsOf(cache, ++time, IDS))
              .catch(() => IDS.map(() => 'unknown'))
            await poll(cache).catch(() => undefined)
            const lookups = await cache.getMany(IDS.map(([id]) => id))
            lookups.forEach((lookup, index) => {
              if (lookup.kind !== 'found' || outcomes[index] !== 'stored') return
              expect(lookup.item.stamp.time).toBe(time)
            })
          }
        }
        const moves = async () => {
          for (const stripe of stripesOf(0).slice(0, 8)) {
            const slot = slotOfStripe(stripe)
            await to.cluster('SETSLOT', slot, 'IMPORTING', fromId)
            await from.cluster('SETSLOT', slot, 'MIGRATING', toId)
            for (;;) {
              const keys = (await from.cluster('GETKEYSINSLOT', slot, 3)) as string[]
              if (keys.length === 0) break
              await from.migrate('127.0.0.1', cluster.primaries[1]!.port, '', 0, 5_000, 'KEYS', ...keys)
            }
            for (const node of [to, from]) await node.cluster('SETSLOT', slot, 'NODE', toId)
          }
          isMoving = false
        }
        await Promise.all([traffic(), moves()])
        await allAnswer(cache)
        await poll(cache)
        expect(await cache.put(await putsOf(cache, ++time, IDS))).toEqual(IDS.map(() => 'stored'))
        for (const node of [from, to]) node.disconnect()
      }),
  )
})

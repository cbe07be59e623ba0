import { STRIPE_COUNT } from '@se/core/hash'
import { cacheContract } from '@se/core/testing'
import { startFaultProxy, startPrivateRedis, startPrivateRedisCluster, uniquePrefix } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, it } from 'vitest'
import { slotOfStripe } from '../src/slots.ts'
import { createRedisHarness, patternsWithout, type StoreFaults } from './harness.ts'

/**
 * Goal: Redis keeps the obligations of a cache tier. Method: the shared suite on a server of its own, behind a fault proxy; the
 * test's own client has a user of its own, so that rights can be taken from everybody else.
 */
describeWithServer('redis', 'redis cache, standalone', () => {
  let server: Awaited<ReturnType<typeof startPrivateRedis>>
  let raw: Redis
  beforeAll(async () => {
    server = await startPrivateRedis()
    raw = new Redis(server.url)
    await raw.call('ACL', 'SETUSER', 'admin', 'on', '>admin', '~*', '&*', '+@all')
    await raw.call('AUTH', 'admin', 'admin')
  })
  afterAll(async () => {
    raw.disconnect()
    await server.stop()
  })

  for (const { title, run } of cacheContract) {
    it(title, async () => {
      const proxy = await startFaultProxy({ targetPort: server.port })
      const options = {
        url: `redis://127.0.0.1:${proxy.port}`,
        prefix: uniquePrefix(),
        commandTimeoutMs: 10_000,
      }
      const rights = (...patterns: string[]) =>
        raw.call('ACL', 'SETUSER', 'default', 'resetkeys', ...patterns)
      const faults: StoreFaults = {
        setReachable: (isReachable) => (isReachable ? proxy.resume() : proxy.refuse()),
        async failStripe(stripe) {
          await rights(...patternsWithout(stripe))
          return { stripes: [stripe], mend: async () => void (await rights('~*')) }
        },
      }
      const harness = createRedisHarness(options, raw, faults)
      try {
        await run(harness)
      } finally {
        await rights('~*')
        await harness.close()
        await proxy.close()
      }
    })
  }
})

/** The same on a cluster of three nodes: stripes lie on different ones. A node that is cut off is one that stands still. */
describeWithServer('redis', 'redis cache, cluster of three', () => {
  let cluster: Awaited<ReturnType<typeof startPrivateRedisCluster>>
  let raw: Cluster
  beforeAll(async () => {
    cluster = await startPrivateRedisCluster()
    raw = new Cluster([...cluster.urls])
  })
  afterAll(async () => {
    raw.disconnect()
    await cluster.stop()
  })

  for (const { title, run } of cacheContract) {
    it(title, async () => {
      // A busy machine is no fault; only where nodes stand still on purpose, each call waits this long.
      const commandTimeoutMs = /is down|fails alone/.test(title) ? 1_000 : 10_000
      const options = { nodes: cluster.urls, prefix: uniquePrefix(), commandTimeoutMs }
      const resume = () => {
        for (const node of cluster.primaries) node.resume()
      }
      const harness = createRedisHarness(options, raw, {
        async setReachable(isReachable) {
          if (isReachable) resume()
          else await Promise.all(cluster.primaries.map((node) => node.pause()))
        },
        async failStripe(stripe) {
          const ownerOf = (each: number) => raw.slots[slotOfStripe(each)]?.[0]
          const owner = ownerOf(stripe)
          await cluster.primaries.find(({ port }) => owner?.endsWith(`:${port}`))!.pause()
          const stripes = Array.from({ length: STRIPE_COUNT }, (_, each) => each)
          return {
            stripes: stripes.filter((each) => ownerOf(each) === owner),
            mend: () => Promise.resolve(resume()),
          }
        },
      })
      try {
        await run(harness)
      } finally {
        resume()
        await harness.close()
      }
    })
  }
})

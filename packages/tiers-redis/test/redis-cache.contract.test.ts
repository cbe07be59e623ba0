import { cacheContract } from '@se/core/testing'
import { dropPrefix, startFaultProxy, startPrivateRedisCluster, uniquePrefix } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, it } from 'vitest'
import { createRedisHarness } from './harness.ts'

/** Goal: Redis keeps the obligations of a cache tier. Method: the shared suite on a real server, behind a fault proxy. */
describeWithServer('redis', 'redis cache, standalone', (url) => {
  let raw: Redis
  beforeAll(() => {
    raw = new Redis(url)
  })
  afterAll(() => raw.disconnect())

  for (const { title, run } of cacheContract) {
    it(title, async () => {
      const target = new URL(url)
      const proxy = await startFaultProxy({ targetHost: target.hostname, targetPort: Number(target.port) })
      const proxied = new URL(url)
      proxied.host = `127.0.0.1:${proxy.port}`
      const prefix = uniquePrefix()
      const options = { url: proxied.href, prefix, commandTimeoutMs: 10_000 }
      const harness = createRedisHarness(options, raw, (isReachable) =>
        isReachable ? proxy.resume() : proxy.refuse(),
      )
      try {
        await run(harness)
      } finally {
        await harness.close()
        await proxy.close()
        await dropPrefix(url, prefix)
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
      const commandTimeoutMs = title.includes('down') ? 300 : 10_000
      const options = { nodes: cluster.urls, prefix: uniquePrefix(), commandTimeoutMs }
      const harness = createRedisHarness(options, raw, async (isReachable) => {
        if (isReachable) for (const node of cluster.primaries) node.resume()
        else await Promise.all(cluster.primaries.map((node) => node.pause()))
      })
      try {
        await run(harness)
      } finally {
        for (const node of cluster.primaries) node.resume()
        await harness.close()
      }
    })
  }
})

/** Goal: every kind of client that is taken serves, stays the caller's, and is there when the cache is gone. */
import { startPrivateRedis, startPrivateRedisCluster, uniquePrefix } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { closeAfterEach, connect, ID, putsOf, seated, store, timeIn } from './kit.ts'

closeAfterEach()

const MANY = Array.from({ length: 300 }, (_, index): [string, Uint8Array] => [
  `user.${index}`,
  Buffer.from('1'),
])

async function serves(client: Redis | Cluster): Promise<void> {
  const prefix = uniquePrefix()
  const cache = await seated({ client, prefix })
  await store(cache, 5)
  expect(await timeIn(cache)).toBe(5)
  expect(await cache.put(await putsOf(cache, 6, MANY))).toEqual(MANY.map(() => 'stored'))
  expect((await cache.getMany(MANY.map(([id]) => id))).every(({ kind }) => kind === 'found')).toBe(true)
  expect((await cache.readReceipt(3))?.leaves).toEqual([])
  await cache.close()
  expect(await client.ping()).toBe('PONG')
  client.disconnect()
}

describeWithServer('redis', "a caller's client", () => {
  let server: Awaited<ReturnType<typeof startPrivateRedis>>
  beforeAll(async () => {
    server = await startPrivateRedis()
  })
  afterAll(() => server.stop())

  it.each<[string, (url: string) => Redis]>([
    ['with its defaults', (url) => new Redis(url)],
    ['that is not connected yet', (url) => new Redis(url, { lazyConnect: true })],
    ['without an offline queue', (url) => new Redis(url, { enableOfflineQueue: false, lazyConnect: true })],
    ['that gathers commands', (url) => new Redis(url, { enableAutoPipelining: true })],
    ['that tries for ever, as queues want it', (url) => new Redis(url, { maxRetriesPerRequest: null })],
    ['that speaks RESP2', (url) => new Redis(url, { protocol: 2 })],
    ['that makes objects of maps', (url) => new Redis(url, { replyMapping: 'resp3' })],
    ['with a bound of its own', (url) => new Redis(url, { commandTimeout: 5_000 })],
    ['with another database', (url) => new Redis(`${url}/3`)],
    ['that reconnects on errors', (url) => new Redis(url, { reconnectOnError: () => true })],
    [
      'with a name, and without a ready check',
      (url) => new Redis(url, { connectionName: 'x', enableReadyCheck: false }),
    ],
  ])('%s', (_, create) => serves(create(server.url)))

  it('whose database does not exist would use another one without a word: it is refused [P69]', async () => {
    const client = new Redis(`${server.url}/99`, { lazyConnect: true })
    const cache = await connect({ client })
    await expect(cache.readStripes()).rejects.toMatchObject({ details: { because: 'unknown-database' } })
    client.disconnect()
  })

  it('serves two caches at once, with prefixes of their own', async () => {
    const client = new Redis(server.url)
    const [a, b] = [await seated({ client, prefix: 'a:' }), await seated({ client, prefix: 'b:' })]
    await store(a, 5)
    await store(b, 6)
    expect([await timeIn(a), await timeIn(b)]).toEqual([5, 6])
    await a.close()
    expect(await timeIn(b)).toBe(6)
    client.disconnect()
  })

  it('that the caller has ended is not waited for, and says so', async () => {
    const client = new Redis(server.url, { retryStrategy: () => null })
    client.disconnect()
    await new Promise((resolve) => client.once('end', resolve))
    const startedMs = performance.now()
    const cache = await connect({ client, connectTimeoutMs: 10_000 })
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    await expect(cache.readStripes()).rejects.toThrow(/was ended/)
    expect(await cache.get(ID)).toMatchObject({ kind: 'unknown' })
  })
})

describeWithServer('redis', "a caller's Cluster", () => {
  let cluster: Awaited<ReturnType<typeof startPrivateRedisCluster>>
  beforeAll(async () => {
    cluster = await startPrivateRedisCluster()
  })
  afterAll(() => cluster.stop())

  it.each<[string, (nodes: string[]) => Cluster]>([
    ['with its defaults', (nodes) => new Cluster(nodes)],
    ['that is not connected yet', (nodes) => new Cluster(nodes, { lazyConnect: true })],
    [
      'with options for its nodes',
      (nodes) => new Cluster(nodes, { redisOptions: { commandTimeout: 5_000, protocol: 2 } }),
    ],
    ['with sharded subscribers', (nodes) => new Cluster(nodes, { shardedSubscribers: true })],
  ])('%s', (_, create) => serves(create([...cluster.urls])))
})

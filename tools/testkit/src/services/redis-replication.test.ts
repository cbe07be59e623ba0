// Goal: a test decides what the replica has, when it takes over, and which server a client reaches.
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import { startFaultProxy } from '../fault-proxy.ts'
import {
  startPrivateRedis,
  startPrivateRedisCluster,
  startPrivateRedisPair,
  type ReplicatedPair,
} from './index.ts'
import { callRedis, SYNC_AT_ONCE, waitForReplica } from './redis-replication.ts'

const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function newPair(): Promise<ReplicatedPair> {
  const pair = await startPrivateRedisPair()
  ends.push(() => pair.stop())
  return pair
}

function connect(url: string): Redis {
  const client = new Redis(url, { retryStrategy: () => null })
  client.on('error', () => undefined)
  ends.push(async () => {
    client.disconnect()
  })
  return client
}

describe('startPrivateRedisPair', () => {
  test('the replica follows, is held back, and follows again', async () => {
    const pair = await newPair()
    const client = connect(pair.url)
    const onReplica = () => callRedis(pair.servers[1], 'GET', 'key')
    await client.set('key', 'first')
    await pair.waitForReplica()
    expect(await onReplica()).toBe('first')
    await pair.holdReplica()
    await client.set('key', 'second')
    let hasCaughtUp = false
    const caughtUp = pair.waitForReplica().then(() => {
      hasCaughtUp = true
    })
    for (let round = 0; round < 20; round++) expect(await onReplica()).toBe('first')
    expect(hasCaughtUp).toBe(false)
    await pair.releaseReplica()
    await caughtUp
    expect(await onReplica()).toBe('second')
  })

  test('the address moves, and connections made before stay with the old primary, which refuses writes', async () => {
    const pair = await newPair()
    const old = connect(pair.url)
    await old.set('key', 'kept')
    await pair.waitForReplica()
    await pair.holdReplica()
    await old.set('key', 'lost')
    await pair.promote()
    pair.moveAddress()
    const young = connect(pair.url)
    expect(await young.get('key')).toBe('kept')
    expect(await old.get('key')).toBe('lost')
    await young.set('key', 'new')
    await pair.demote()
    await expect(old.set('key', 'refused')).rejects.toThrow(/READONLY/)
    await waitForReplica(pair.servers[1], pair.servers[0])
    expect(await old.get('key')).toBe('new')
    pair.cutConnections()
    await expect(old.get('key')).rejects.toThrow()
  })
})

describe('a replica that is waited for', () => {
  test('has what was written before it had come: until then its primary counts nothing', async () => {
    const [primary, replica] = [await startPrivateRedis({ args: SYNC_AT_ONCE }), await startPrivateRedis()]
    const link = await startFaultProxy({ targetPort: primary.port })
    ends.push(() => Promise.all([primary.stop(), replica.stop(), link.close()]))
    link.stall()
    await callRedis(replica, 'REPLICAOF', '127.0.0.1', String(link.port))
    await callRedis(primary, 'SET', 'key', 'value')
    let hasCome = false
    const waited = waitForReplica(primary, replica).then(() => {
      hasCome = true
    })
    for (let round = 0; round < 20; round++) expect(await callRedis(replica, 'DBSIZE')).toBe('0')
    expect(hasCome).toBe(false)
    await link.resume()
    await waited
    expect(await callRedis(replica, 'GET', 'key')).toBe('value')
  })

  // Right after the first copy it says that it has all it read, and the primary has not begun to send.
  test.each([1, 2, 3])('has what was written the moment its cluster was up, round %i', async () => {
    const cluster = await startPrivateRedisCluster({ replicasPerPrimary: 1 })
    ends.push(() => cluster.stop())
    const [primary] = cluster.primaries
    const [replica] = cluster.replicas
    if (primary === undefined || replica === undefined) return expect.unreachable('a cluster has nodes')
    // The slot of this tag, 3300, is the first primary's.
    for (let index = 0; index < 50; index++) await callRedis(primary, 'SET', `{b}${index}`, 'value')
    await cluster.waitForReplicas()
    expect(await callRedis(replica, 'DBSIZE')).toBe('50')
  })
})

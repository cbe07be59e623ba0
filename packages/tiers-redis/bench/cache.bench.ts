/**
 * What the rules cost: putting, reading many and reading one through the tier, beside the bare client on the
 * same private Redis with the same ids and bytes. Either side makes its keys from the ids.
 *
 * The bare client does less: it compares nothing when it puts, and hands out views of the socket's chunks
 * when it reads, where the tier hands out items with values of their own.
 */
import { defineCase, type ComparedCase } from '@se/bench'
import { createBranchSet, type CachePut } from '@se/core'
import { cutAt } from '@se/core/testing'
import { startPrivateRedis } from '@se/testkit'
import { Redis } from 'ioredis'
import { STRIPE_COUNT } from '@se/core/hash'
import { redisCache } from '../src/index.ts'

export const area = 'cache'

const ITEMS = 1_000
const VALUE_BYTES = 100
/** Batches, or single reads, in one sample. */
const BATCHES = 40
const SINGLE_READS = 1_000

const ids = Array.from({ length: ITEMS }, (_, index) => `user.${String(index).padStart(6, '0')}`)
const values = ids.map((_, index) => Buffer.alloc(VALUE_BYTES, 33 + (index % 90)))

const bareKey = (id: string) => `bare:${id}`

/** A private Redis, our tier with every stripe made, and a bare client with its settings untouched. */
async function setUp() {
  const server = await startPrivateRedis()
  const cache = redisCache({ url: server.url, prefix: 'se:' })
  await cache.open({ branches: createBranchSet(['user.']), birthId: '0'.repeat(32) })
  const cut = cutAt('0'.repeat(32), [[1, 1]])
  const stripes = Array.from({ length: STRIPE_COUNT }, (_, stripe) => stripe)
  const made = await Promise.all(stripes.map((stripe) => cache.createStripe(stripe, cut, [])))
  cache.believe(made.map((state) => state!))
  const bare = new Redis(server.url)
  const permits = await cache.readPermits(ids)
  let time = 1_800_000_000_000 * 2048
  const put = async () => {
    time++
    const puts = ids.map((id, index): CachePut => ({
      write: {
        id,
        stamp: { time, instance: 1 },
        state: 'default',
        contentType: 'application/json',
        bytes: values[index]!,
      },
      version: 1,
      createdAtMs: 1_800_000_000_000,
      permit: permits[index],
      kind: 'write',
    }))
    const outcomes = await cache.put(puts)
    if (!outcomes.every((outcome) => outcome === 'stored')) throw new Error('a put was not stored')
  }
  const barePut = async () => {
    const pipeline = bare.pipeline()
    for (let index = 0; index < ITEMS; index++) pipeline.set(bareKey(ids[index]!), values[index]!)
    await pipeline.exec()
  }
  await put()
  await barePut()
  return {
    cache,
    bare,
    put,
    barePut,
    async tearDown() {
      await cache.close()
      bare.disconnect()
      await server.stop()
    },
  }
}

async function itemsPerSecond(batch: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  for (let count = 0; count < BATCHES; count++) await batch()
  return (BATCHES * ITEMS * 1_000) / (performance.now() - startedMs)
}

async function microsecondsEach(read: (index: number) => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  for (let count = 0; count < SINGLE_READS; count++) await read(count)
  return ((performance.now() - startedMs) * 1_000) / SINGLE_READS
}

export const cases: readonly ComparedCase[] = [
  defineCase({
    case: 'cache.putBatch.1000x100B',
    unit: 'items/s',
    better: 'higher',
    pairs: 25,
    setup: async () => {
      const { put, barePut, tearDown } = await setUp()
      return {
        ours: () => itemsPerSecond(put),
        against: { 'bare ioredis pipeline of SET': () => itemsPerSecond(barePut) },
        teardown: tearDown,
      }
    },
  }),
  defineCase({
    case: 'cache.getMany.1000x100B',
    unit: 'items/s',
    better: 'higher',
    pairs: 25,
    setup: async () => {
      const { cache, bare, tearDown } = await setUp()
      return {
        ours: () => itemsPerSecond(() => cache.getMany(ids)),
        against: { 'bare MGET': () => itemsPerSecond(() => bare.mgetBuffer(ids.map(bareKey))) },
        teardown: tearDown,
      }
    },
  }),
  defineCase({
    case: 'cache.get.1',
    unit: 'us',
    better: 'lower',
    pairs: 25,
    setup: async () => {
      const { cache, bare, tearDown } = await setUp()
      return {
        ours: () => microsecondsEach((index) => cache.get(ids[index]!)),
        against: {
          'bare ioredis GET': () => microsecondsEach((index) => bare.getBuffer(bareKey(ids[index]!))),
        },
        teardown: tearDown,
      }
    },
  }),
]

import { createBranchSet, type CachePut } from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import { CACHE_CONTRACT_BIRTH_ID, cutAt } from '@se/core/testing'
import { afterEach, expect } from 'vitest'
import { redisCache, type RedisCache, type RedisCacheOptions } from '../src/index.ts'
import { poll } from './harness.ts'

export const BRANCHES = createBranchSet(['user.'])
export const CUT = cutAt('0123456789abcdef0123456789abcdef', [[1, 1]])
export const ID = 'user.alice'

const open: RedisCache[] = []

/** Call once in a test file: ends after each test what the test has connected. */
export function closeAfterEach(): void {
  afterEach(async () => {
    await Promise.all(open.splice(0).map((cache) => cache.close()))
  })
}

/** An open cache; nothing is believed yet. */
export async function connect(options: RedisCacheOptions): Promise<RedisCache> {
  // A busy machine is no fault.
  const cache = redisCache({ commandTimeoutMs: 10_000, ...options })
  open.push(cache)
  await cache.open({ branches: BRANCHES, birthId: CACHE_CONTRACT_BIRTH_ID })
  return cache
}

/** An open cache of whose archive every stripe is. */
export async function seated(options: RedisCacheOptions): Promise<RedisCache> {
  const cache = await connect(options)
  await seatAll(cache)
  return cache
}

/** Makes the stripes that are not there, and believes all. */
export async function seatAll(cache: RedisCache): Promise<void> {
  const stripes = Array.from({ length: STRIPE_COUNT }, (_, stripe) => stripe)
  await Promise.all(stripes.map((stripe) => cache.createStripe(stripe, CUT, [])))
  await poll(cache)
}

export async function putsOf(
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

export async function store(cache: RedisCache, time: number, id = ID): Promise<void> {
  expect(await cache.put(await putsOf(cache, time, [[id, Buffer.from(`"${time}"`)]]))).toEqual(['stored'])
}

/** The time of the stamp under an id, or why there is none. */
export async function timeIn(cache: RedisCache, id = ID): Promise<number | string> {
  const lookup = await cache.get(id)
  return lookup.kind === 'found' ? lookup.item.stamp.time : lookup.kind
}

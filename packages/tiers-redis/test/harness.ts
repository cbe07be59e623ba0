import type { CacheTier, CompleteCacheTier } from '@se/core'
import { stripeOfId, STRIPE_COUNT } from '@se/core/hash'
import {
  CACHE_CONTRACT_BIRTH_ID,
  CACHE_CONTRACT_BRANCHES,
  REFUSED_BYTES,
  type CacheContractHarness,
} from '@se/core/testing'
import { cacheDigests } from '@se/merkle/testing'
import type { Cluster, Redis } from 'ioredis'
import { redisCache, type RedisCache, type RedisCacheOptions } from '../src/index.ts'
import { createCacheKeys, PREFIX_DEFAULT } from '../src/keys.ts'

/** Where the stamp of an entry begins. */
const STAMP_AT = 10

export interface RedisHarness extends CacheContractHarness {
  connect(options?: RedisCacheOptions & { birthId?: string }): Promise<RedisCache>
  /** Ends all tiers. */
  close(): Promise<void>
}

/** What a store of its own can do to the tiers on it. */
export interface StoreFaults {
  setReachable(isReachable: boolean): Promise<void>
  failStripe: CacheContractHarness['failStripe']
}

/**
 * A contract harness on a real Redis.
 *
 * @param base options every tier is made with
 * @param raw a client of the test's own that faults do not reach
 */
export function createRedisHarness(
  base: RedisCacheOptions,
  raw: Redis | Cluster,
  faults: StoreFaults,
): RedisHarness {
  const tiers: RedisCache[] = []
  const keys = createCacheKeys(base.prefix ?? PREFIX_DEFAULT, CACHE_CONTRACT_BIRTH_ID)
  return {
    async connect({ birthId = CACHE_CONTRACT_BIRTH_ID, ...options } = {}) {
      const tier = redisCache({ valueBytesMax: 8 * REFUSED_BYTES, ...base, ...options })
      tiers.push(tier)
      await tier.open({ branches: CACHE_CONTRACT_BRANCHES, birthId })
      return tier
    },
    async evict(id) {
      await raw.del(keys.item(id))
    },
    async dropMeta(stripe) {
      await raw.del(keys.meta(stripe))
    },
    async snapshot(stripe) {
      const before = await dumpAll(raw, await keysOfStripe(raw, keys.meta(stripe)))
      return async () => {
        for (const key of await keysOfStripe(raw, keys.meta(stripe))) await raw.del(key)
        for (const [key, dump] of before) await raw.restore(key, 0, dump)
      }
    },
    async setAvailable(isAvailable) {
      await faults.setReachable(isAvailable)
      if (isAvailable) await Promise.all(tiers.map(reachable))
    },
    async damage(id) {
      const at = STAMP_AT + 3
      const byte = (await raw.getrangeBuffer(keys.item(id), at, at))[0]!
      await raw.setrange(keys.item(id), at, Buffer.of(byte ^ 4))
    },
    async mistype(what) {
      const key = 'id' in what ? keys.item(what.id) : keys.meta(what.stripe)
      await raw.del(key)
      await raw.rpush(key, 'something', 'else')
    },
    async failStripe(stripe) {
      const failure = await faults.failStripe(stripe)
      return {
        stripes: failure.stripes,
        async mend() {
          await failure.mend()
          await Promise.all(tiers.map((tier) => allRead(tier)))
        },
      }
    },
    async refuseLargeValues() {
      const nodes = nodesOf(raw)
      await Promise.all(
        nodes.map((node) => node.config('SET', 'proto-max-bulk-len', String(REFUSED_BYTES / 2))),
      )
      const errorsBefore = await countErrors(nodes)
      return async () => (await countErrors(nodes)) - errorsBefore
    },
    ...cacheDigests,
    async close() {
      await Promise.all(nodesOf(raw).map((node) => node.config('SET', 'proto-max-bulk-len', '512mb')))
      await Promise.all(tiers.map((tier) => tier.close()))
    },
  }
}

/** Resolves once the tier has reconnected. */
export async function reachable(tier: CompleteCacheTier): Promise<void> {
  for (;;) {
    try {
      await tier.timeToLiveMs('user.anyone')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

/** Resolves once the tier reads every stripe again. */
async function allRead(tier: CacheTier): Promise<void> {
  while ((await tier.readStripes()).some(({ kind }) => kind === 'unknown')) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Patterns of all keys but those of one stripe, as rights are given. */
export function patternsWithout(stripe: number): string[] {
  return Array.from({ length: STRIPE_COUNT }, (_, each) => each)
    .filter((each) => each !== stripe)
    .map((each) => `~*{${String(each).padStart(2, '0')}}*`)
}

/** Reads the stripes and believes what they say, as for an archive that all of them are of. */
export async function poll(tier: CacheTier): Promise<void> {
  const readings = await tier.readStripes()
  tier.believe(readings.flatMap((reading) => (reading.kind === 'state' ? [reading.state] : [])))
}

/** An id of a stripe. */
export function idIn(stripe: number): string {
  for (let number = 0; ; number++) if (stripeOfId(`user.${number}`) === stripe) return `user.${number}`
}

function nodesOf(raw: Redis | Cluster): readonly Redis[] {
  return raw.isCluster ? (raw as Cluster).nodes('master') : [raw as Redis]
}

/** Errors that have no code of their own, as those about the protocol. */
async function countErrors(nodes: readonly Redis[]): Promise<number> {
  const infos = await Promise.all(nodes.map((node) => node.info('errorstats')))
  return infos.reduce((sum, info) => sum + Number(/errorstat_ERR:count=(\d+)/.exec(info)?.[1] ?? 0), 0)
}

async function keysOfStripe(raw: Redis | Cluster, meta: string): Promise<string[]> {
  const pattern = `${meta.slice(0, -1).replaceAll('*', '\\*')}*`
  return (await Promise.all(nodesOf(raw).map((node) => node.keys(pattern)))).flat()
}

async function dumpAll(raw: Redis | Cluster, names: readonly string[]): Promise<Map<string, Buffer>> {
  const dumps = new Map<string, Buffer>()
  for (const name of names) dumps.set(name, (await raw.dumpBuffer(name))!)
  return dumps
}

import type { CacheTier, LedgerEntry } from '@se/core'
import { CACHE_CONTRACT_BRANCHES, type CacheContractHarness } from '@se/core/testing'
import { addLeaves, decodeLeaf, encodeLeaf, leafDelta } from '@se/merkle'
import type { Cluster, Redis } from 'ioredis'
import { redisCache, type RedisCache, type RedisCacheOptions } from '../src/index.ts'

export interface RedisHarness extends CacheContractHarness {
  connect(options?: RedisCacheOptions): Promise<RedisCache>
  /** Ends all tiers. */
  close(): Promise<void>
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
  setReachable: (isReachable: boolean) => Promise<void>,
): RedisHarness {
  const tiers: RedisCache[] = []
  const keys = redisCache(base)
  return {
    async connect(options) {
      const tier = redisCache({ ...base, ...options })
      tiers.push(tier)
      await tier.open({ branches: CACHE_CONTRACT_BRANCHES })
      return tier
    },
    async evict(id) {
      await raw.del(keys.keyOf(id))
    },
    async dropMeta(stripe) {
      await raw.del(keys.metaKeyOf(stripe))
    },
    async snapshot(stripe) {
      const before = await dumpAll(raw, await keysOfStripe(raw, keys, stripe))
      return async () => {
        for (const key of await keysOfStripe(raw, keys, stripe)) await raw.del(key)
        for (const [key, dump] of before) await raw.restore(key, 0, dump)
      }
    },
    async setAvailable(isAvailable) {
      await setReachable(isAvailable)
      if (isAvailable) await Promise.all(tiers.map(reachable))
    },
    addEntry,
    async close() {
      await Promise.all([...tiers, keys].map((tier) => tier.close()))
    },
  }
}

export function addEntry(sums: Uint8Array, entry: LedgerEntry): Uint8Array {
  return encodeLeaf(addLeaves(decodeLeaf(sums), leafDelta(entry)))
}

/** Resolves once the tier has reconnected. */
export async function reachable(tier: CacheTier): Promise<void> {
  for (;;) {
    try {
      await tier.timeToLiveMs('user.anyone')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

async function keysOfStripe(raw: Redis | Cluster, keys: RedisCache, stripe: number): Promise<string[]> {
  const meta = keys.metaKeyOf(stripe)
  const pattern = `${meta.slice(0, -1).replaceAll('*', '\\*')}*`
  const nodes = 'nodes' in raw ? raw.nodes('master') : [raw]
  return (await Promise.all(nodes.map((node) => node.keys(pattern)))).flat()
}

async function dumpAll(raw: Redis | Cluster, names: readonly string[]): Promise<Map<string, Buffer>> {
  const dumps = new Map<string, Buffer>()
  for (const name of names) dumps.set(name, (await raw.dumpBuffer(name))!)
  return dumps
}

import type { LedgerEntry } from '../ledger.ts'
import {
  CACHE_CONTRACT_BIRTH_ID,
  CACHE_CONTRACT_BRANCHES,
  REFUSED_BYTES,
  type CacheContractHarness,
} from './cache-contract-kit.ts'
import { memoryCache } from './memory-cache.ts'
import { seededRandom } from './seeded-random.ts'

/** The contract's harness on the cache in memory. */
export function memoryCacheHarness(): CacheContractHarness {
  const { server } = memoryCache({ random: seededRandom(1), addEntry, nowMs: () => 1_000 })
  return {
    async connect({ birthId = CACHE_CONTRACT_BIRTH_ID, ...options } = {}) {
      const tier = server.connect(options)
      await tier.open({ branches: CACHE_CONTRACT_BRANCHES, birthId })
      return tier
    },
    evict: (id) => Promise.resolve(server.evict(id)),
    dropMeta: (stripe) => Promise.resolve(server.dropMeta(stripe)),
    snapshot(stripe) {
      const snapshot = server.snapshot(stripe)
      return Promise.resolve(() => Promise.resolve(server.restore(snapshot)))
    },
    setAvailable: (isAvailable) => Promise.resolve(server.setAvailable(isAvailable)),
    damage: (id) => Promise.resolve(server.damage(id)),
    mistype: (what) => Promise.resolve(server.mistype(what)),
    failStripe(stripe) {
      server.setUnavailableStripes([stripe])
      return Promise.resolve({
        stripes: [stripe],
        mend: () => Promise.resolve(server.setUnavailableStripes([])),
      })
    },
    refuseLargeValues() {
      server.refuseAbove(REFUSED_BYTES)
      return Promise.resolve(() => Promise.resolve(server.refusals))
    },
    addEntry,
  }
}

/** Stands in for the tree's sums: any group does. Lanes of 8 bits: a count, and the bytes of the digests. */
function addEntry(sums: Uint8Array, entry: LedgerEntry): Uint8Array {
  const after = Uint8Array.from(sums)
  after[0]! += Number(entry.digest !== undefined) - Number(entry.previousDigest !== undefined)
  for (let index = 0; index < 16; index++) {
    after[12 + index]! += (entry.digest?.[index] ?? 0) - (entry.previousDigest?.[index] ?? 0)
  }
  return after
}

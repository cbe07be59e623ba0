import type { Clock } from '@se/core'
import {
  memoryArchive,
  memoryCache,
  seededRandom,
  type MemoryArchive,
  type MemoryCacheServer,
} from '@se/core/testing'
import { DigestTree } from '@se/merkle'
import { archiveDigests, cacheDigests } from '@se/merkle/testing'

/** Archive and cache in memory, with the digests and trees of `@se/merkle`. */
export function createMemoryTiers(options: { clock: Clock; seed: number; isExclusive?: boolean }): {
  archive: MemoryArchive
  cache: MemoryCacheServer
} {
  const archive = memoryArchive({
    digestRow: archiveDigests.digestRow,
    foldPages(pages, rows, branches) {
      const tree = new DigestTree(branches)
      for (const { branch, page, bytes } of pages) tree.setPage(branch, page, bytes)
      for (const row of rows) tree.apply(row.entries)
      const addresses = new Set<string>()
      for (const { branch, bucket } of tree.leaves()) addresses.add(`${branch}:${bucket >> 8}`)
      return [...addresses].map((address) => {
        const [branch = 0, page = 0] = address.split(':').map(Number)
        return { branch, page, bytes: tree.page(branch, page)! }
      })
    },
    clock: options.clock,
    random: seededRandom(options.seed),
    isExclusive: options.isExclusive ?? false,
  })
  return { archive, cache: createMemoryCache(options.seed + 1) }
}

/** A cache server in memory, with the leaf sums of `@se/merkle`. */
export function createMemoryCache(seed: number): MemoryCacheServer {
  return memoryCache({ random: seededRandom(seed), ...cacheDigests }).server
}

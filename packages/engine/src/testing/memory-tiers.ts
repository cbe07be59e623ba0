import {
  booleanField,
  integerField,
  portField,
  readFields,
  refuseInput,
  type Clock,
  type FieldTable,
} from '@se/core'
import {
  memoryArchive,
  memoryCache,
  seededRandom,
  type MemoryArchive,
  type MemoryCacheServer,
} from '@se/core/testing'
import { DigestTree } from '@se/merkle'
import { archiveDigests, cacheDigests } from '@se/merkle/testing'

/** What both tiers are made with. */
export const MEMORY_TIER_FIELDS = {
  clock: portField<Clock, { readonly isRequired: true; readonly meaning: string }>({
    what: 'a Clock',
    methods: ['nowMs', 'monotonicMs', 'setTimer'],
    isRequired: true,
    meaning: 'What the tier takes for time.',
  }),
  seed: integerField({
    min: 0,
    max: 2 ** 32 - 1,
    isRequired: true,
    meaning: 'Everything random follows from it.',
  }),
} satisfies FieldTable

const TIERS_FIELDS = {
  ...MEMORY_TIER_FIELDS,
  isExclusive: booleanField({ default: false, meaning: 'Whether one process has the archive to itself.' }),
} satisfies FieldTable

/**
 * Archive and cache in memory, with the digests and trees of `@se/merkle`.
 *
 * @param options `seed` is a u32
 * @throws InvalidInput naming the field, and what it may be
 */
export function createMemoryTiers(options: { clock: Clock; seed: number; isExclusive?: boolean }): {
  archive: MemoryArchive
  cache: MemoryCacheServer
} {
  const { clock, seed, isExclusive } = readFields('', options, TIERS_FIELDS, refuseInput)
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
    clock,
    random: seededRandom(seed),
    isExclusive,
  })
  return { archive, cache: createMemoryCache((seed + 1) >>> 0) }
}

/**
 * A cache server in memory, with the leaf sums of `@se/merkle`.
 *
 * @param seed u32
 * @throws InvalidInput for any other
 */
export function createMemoryCache(seed: number): MemoryCacheServer {
  const random = seededRandom(MEMORY_TIER_FIELDS.seed.parse('seed', seed, refuseInput))
  return memoryCache({ random, ...cacheDigests }).server
}

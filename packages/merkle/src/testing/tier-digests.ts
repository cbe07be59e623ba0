import type { ArchiveHarness, CacheContractHarness } from '@se/core/testing'
import { DigestTree } from '../digest-tree.ts'
import { addLeaves, decodeLeaf, encodeLeaf } from '../leaf.ts'
import { createRowDigester } from '../row-digest.ts'
import { leafDelta } from '../tree-entry.ts'

/**
 * What the contract suite of archives asks of digests and trees, which `@se/core` does not know: the real ones.
 *
 * ```ts
 * const newHarness = (): ArchiveHarness => ({ ...archiveDigests, archive: myArchive(), backup, seed })
 * for (const { title, run } of archiveContract) it(title, () => run(newHarness()))
 * ```
 */
export const archiveDigests: Pick<ArchiveHarness, 'digestRow' | 'rootOfPages' | 'rootOfRows'> = {
  digestRow: (row, digestKey) => createRowDigester(digestKey).digest(row),
  rootOfPages(pages, rows, branches) {
    const tree = new DigestTree(branches)
    for (const { branch, page, bytes } of pages) tree.setPage(branch, page, bytes)
    for (const { entries } of rows) tree.apply(entries)
    return tree.root()
  },
  rootOfRows(rows, branches) {
    const tree = new DigestTree(branches)
    tree.apply(rows.map(({ id, digest }) => ({ id, digest, previousDigest: undefined })))
    return tree.root()
  },
}

/**
 * The same for the contract suite of caches, and for the cache in memory.
 *
 * ```ts
 * const cache = memoryCache({ random: seededRandom(1), ...cacheDigests })
 * ```
 */
export const cacheDigests: Pick<CacheContractHarness, 'addEntry'> = {
  addEntry: (sums, entry) => encodeLeaf(addLeaves(decodeLeaf(sums), leafDelta(entry))),
}

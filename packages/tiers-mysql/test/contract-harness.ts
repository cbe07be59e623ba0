import { seed as announceSeed } from '@se/testkit'
import type { ArchiveHarness } from '@se/core/testing'
import { createRowDigester, DigestTree } from '@se/merkle'

export const seed = announceSeed()

/** The parts of the contract's harness that are the same on every database: real digests, real trees. */
export const treeHarness: Pick<ArchiveHarness, 'digestRow' | 'rootOfPages' | 'rootOfRows' | 'seed'> = {
  seed,
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

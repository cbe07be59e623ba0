import { CorruptData, type BranchSet, type Cut, type StoredTree, type StoredTreePage } from '@se/core'
import { decodePage, DigestTree, leafOf } from '@se/merkle'
import type { RowReader, WriteSession } from './archive-database.ts'
import { asBuffer } from './item-row.ts'
import { readTreeCut, writeTreeCut } from './meta.ts'
import { readTail, walkTail } from './tail.ts'

/** Leaves of a page; `bucket >> 8` is its number. */
const PAGE_BITS = 8
const PAGES_PER_STATEMENT = 32

/** Pages, their cut and the tail beyond it; the reader is one snapshot. */
export async function readTree(reader: RowReader): Promise<StoredTree> {
  const cut = await readTreeCut(reader)
  const pages = await readPages(reader)
  return { cut, pages, tail: await readTail(reader, cut) }
}

/** All pages that are not empty. */
async function readPages(reader: RowReader): Promise<readonly StoredTreePage[]> {
  const rows = await reader.rows(
    reader.dialect.builder.selectFrom('sync_tree').select(['branch', 'page', 'leaves']).compile(),
  )
  return rows.map(({ branch, page, leaves }) => ({ branch, page, bytes: new Uint8Array(leaves) }))
}

/**
 * Adds what lies between the pages' cut and the heads to the pages, and moves the cut, within the caller's
 * transaction. The row of the cut is locked first, so one folds at a time, and everyone folds from where the
 * last one ended. Instances that were retired leave the cut with the row that says so.
 *
 * @throws CorruptData when the pages' cut does not lie in this archive's history
 * @returns the new cut, and how many ledger rows were added
 */
export async function foldTree(
  session: WriteSession,
  branches: BranchSet,
): Promise<{ cut: Cut; rowCount: number }> {
  const from = await readTreeCut(session, 'update')
  const changes = new DigestTree(branches)
  const touched = new Map<number, { branch: number; page: number }>()
  let rowCount = 0
  const { heads, because } = await walkTail(session, from, (rows) => {
    rowCount += rows.length
    for (const { entries } of rows) {
      changes.apply(entries)
      for (const { id } of entries) {
        const { branch, bucket } = leafOf(id, branches)
        const page = bucket >> PAGE_BITS
        touched.set((branch << PAGE_BITS) | page, { branch, page })
      }
    }
  })
  if (because !== undefined) {
    throw new CorruptData(`the tree pages cannot be brought to the heads: ${because}`, {
      details: { because },
    })
  }
  if (rowCount === 0) return { cut: from, rowCount }
  const addresses = [...touched.values()]
  for (let at = 0; at < addresses.length; at += PAGES_PER_STATEMENT) {
    await addToPages(session, changes, addresses.slice(at, at + PAGES_PER_STATEMENT))
  }
  await writeTreeCut(session, heads.cut)
  return { cut: heads.cut, rowCount }
}

/** Adds what `changes` says of the pages to the stored ones. */
async function addToPages(
  session: WriteSession,
  changes: DigestTree,
  addresses: readonly { branch: number; page: number }[],
): Promise<void> {
  const { builder } = session.dialect
  const stored = await session.rows(
    builder
      .selectFrom('sync_tree')
      .select(['branch', 'page', 'leaves'])
      .where((where) =>
        where.or(
          addresses.map(({ branch, page }) =>
            where.and([where('branch', '=', branch), where('page', '=', page)]),
          ),
        ),
      )
      .compile(),
  )
  for (const { branch, page, leaves } of stored) {
    for (const { index, sums } of decodePage(leaves)) {
      changes.addToLeaf(branch, (page << PAGE_BITS) | index, sums)
    }
  }
  const pages: { branch: number; page: number; leaves: Uint8Array }[] = []
  for (const { branch, page } of addresses) {
    const bytes = changes.page(branch, page)
    if (bytes !== undefined) {
      pages.push({ branch, page, leaves: asBuffer(bytes) })
      continue
    }
    await session.run(
      builder.deleteFrom('sync_tree').where('branch', '=', branch).where('page', '=', page).compile(),
    )
  }
  if (pages.length > 0) await session.run(builder.replaceInto('sync_tree').values(pages).compile())
}

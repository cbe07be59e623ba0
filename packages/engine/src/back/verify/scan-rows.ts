import { equalBytes, type Cut } from '@se/core'
import { DigestTree } from '@se/merkle'
import type { RowDigest } from '../../seam/view-report.ts'
import { isSuspect, readEntries } from './entries.ts'
import type { BackVerifyPorts } from './ports.ts'

/** What one reading of all rows found. */
export interface Scan {
  /** The tree that the rows themselves give, with digests made anew. */
  readonly tree: DigestTree
  readonly cut: Cut
  readonly rowsRead: number
  /** Rows whose bytes do not give the digest beside them. */
  readonly changedIds: readonly string[]
  /** Rows whose entry in the cache is not what it should be, or is only not there yet. */
  readonly suspects: readonly RowDigest[]
}

/** @param visit gets the rows that have a value, in chunks; the next is read when it is done */
export async function scanRows(
  ports: Omit<BackVerifyPorts, 'follower'>,
  visit: (rows: readonly RowDigest[]) => Promise<void>,
): Promise<Scan> {
  const { archive, cache, cacheView, branches, digester } = ports
  const tree = new DigestTree(branches)
  const changedIds: string[] = []
  const suspects = new Map<string, RowDigest>()
  let rowsRead = 0
  const cut = await archive.scanRows(async (rows) => {
    rowsRead += rows.length
    const live: RowDigest[] = []
    for (const { id, stamp, bytes, digest: stored, ...row } of rows) {
      if (bytes === undefined) continue
      const digest = digester.digest({ ...row, id, stamp, bytes })
      if (stored === undefined || !equalBytes(digest, stored)) changedIds.push(id)
      tree.apply([{ id, previousDigest: undefined, digest }])
      live.push({ id, stamp, digest: stored })
    }
    await visit(live)
    if (cache === undefined || cacheView === undefined) return
    const all = rows.map(({ id, stamp, digest }) => ({ id, stamp, digest }))
    for (const { row, entry } of await readEntries(all, cache, cacheView)) {
      if (isSuspect(row, entry, digester)) suspects.set(row.id, row)
    }
  })
  return { tree, cut, rowsRead, changedIds, suspects: [...suspects.values()] }
}

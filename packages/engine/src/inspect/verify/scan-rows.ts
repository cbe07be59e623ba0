import { equalStamps, equalBytes, type Cut } from '@se/core'
import { DigestTree } from '@se/merkle'
import {
  findLostInMemory,
  isSuspect,
  lookAgain,
  MEMORY_CHANGED,
  readEntries,
  type SuspectRow,
  type WrongCopy,
} from './copies.ts'
import type { VerifyPorts } from './ports.ts'

/** What one reading of all rows found. */
export interface Scan {
  /** The tree that the rows themselves give, with digests made anew. */
  readonly tree: DigestTree
  readonly cut: Cut
  readonly rowsRead: number
  /** Rows whose bytes do not give the digest beside them. */
  readonly changedIds: readonly string[]
  /** Ids whose entry in the cache says something else than the row of the same stamp, or something older. */
  readonly cacheDifferences: readonly WrongCopy[]
  /** Ids whose item in memory says something else than the row of the same stamp, or is newer than anything the archive has. */
  readonly memoryDifferences: readonly WrongCopy[]
  /** Items in memory that were compared. */
  readonly memoryCompared: number
}

export async function scanRows(ports: VerifyPorts): Promise<Scan> {
  const { archive, cache, cacheView, memory, branches, digester } = ports
  const tree = new DigestTree(branches)
  const changedIds: string[] = []
  const memoryDifferences: WrongCopy[] = []
  const comparedInMemory = new Set<string>()
  /** Rows whose entry is not what it should be, or is only not there yet. */
  const suspects = new Map<string, SuspectRow>()
  let rowsRead = 0
  const cut = await archive.scanRows(async (rows) => {
    rowsRead += rows.length
    for (const row of rows) {
      if (row.bytes === undefined) continue
      const digest = digester.digest({ ...row, bytes: row.bytes })
      if (row.digest === undefined || !equalBytes(digest, row.digest)) changedIds.push(row.id)
      tree.apply([{ id: row.id, previousDigest: undefined, digest }])
      const item = memory.peek(row.id)?.item
      if (item !== undefined && equalStamps(item.stamp, row.stamp)) {
        comparedInMemory.add(row.id)
        const isEqual = row.digest !== undefined && equalBytes(digester.digest(item), row.digest)
        if (!isEqual) memoryDifferences.push({ id: row.id, what: MEMORY_CHANGED })
      }
    }
    if (cache === undefined || cacheView === undefined) return
    for (const { row, entry } of await readEntries(rows, cache, cacheView)) {
      if (isSuspect(row, entry, digester))
        suspects.set(row.id, { id: row.id, stamp: row.stamp, digest: row.digest })
    }
  })
  const cacheDifferences = suspects.size === 0 ? [] : await lookAgain(ports, [...suspects.values()])
  memoryDifferences.push(...(await findLostInMemory(ports, comparedInMemory)))
  const memoryCompared = comparedInMemory.size
  return { tree, cut, rowsRead, changedIds, cacheDifferences, memoryDifferences, memoryCompared }
}

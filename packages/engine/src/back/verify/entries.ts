/** Entries of the cache that are not what the archive has; nothing is said of what is only on its way. */
import {
  compareStamps,
  equalStamps,
  equalBytes,
  type CacheTier,
  type Lookup,
  type StoredItem,
} from '@se/core'
import type { RowDigester } from '@se/merkle'
import type { RowDigest, WrongCopy } from '../../seam/view-report.ts'
import type { CacheView } from '../cache-view.ts'
import type { BackVerifyPorts } from './ports.ts'

export type EntriesPorts = Pick<BackVerifyPorts, 'archive' | 'cache' | 'cacheView' | 'digester'>

/** The cache's entries of some rows; what it does not have, and stripes that were not found to be ours, are passed over. */
export async function readEntries<Row extends RowDigest>(
  rows: readonly Row[],
  cache: Pick<CacheTier, 'getMany'>,
  cacheView: CacheView,
): Promise<{ readonly row: Row; readonly entry: StoredItem }[]> {
  const asked = rows.filter((row) => cacheView.isFound(row.id))
  const lookups = await cache.getMany(asked.map((row) => row.id))
  return asked.flatMap((row, index) => {
    const lookup = lookups[index]
    return lookup?.kind === 'found' ? [{ row, entry: lookup.item }] : []
  })
}

/** Whether an entry is not the row's own: perhaps it is only not there yet, or the row was written since. */
export function isSuspect(row: RowDigest, entry: StoredItem, digester: RowDigester): boolean {
  if (!equalStamps(entry.stamp, row.stamp) || row.digest === undefined) return true
  return !equalBytes(digester.digest(entry), row.digest)
}

/**
 * While others write, an entry may be older than a row that was written a moment ago, or newer than a row that was read a
 * moment ago. Once the stripe has been brought to heads that include the row, it may not be older; and the archive, asked after
 * the cache, has whatever an entry can have come from. Call after a poll that was sent when the rows had been read.
 */
export async function lookAgain(ports: EntriesPorts, rows: readonly RowDigest[]): Promise<WrongCopy[]> {
  const { archive, cache, cacheView, digester } = ports
  if (cache === undefined || cacheView === undefined) return []
  // The follower has heard of the rows; what a stripe that stands there answers from now on is as new.
  const brought = new Set(rows.filter((row) => cacheView.standsAtViews(row.id)))
  const found = await readEntries(rows, cache, cacheView)
  const lookups = await archive.getMany(found.map(({ row }) => row.id))
  return found.flatMap(({ row, entry }, index) => {
    const isOnItsWay = compareStamps(entry.stamp, row.stamp) < 0 && !brought.has(row)
    const what = isOnItsWay ? undefined : differenceOfEntry(row, entry, lookups[index]!, digester)
    return what === undefined ? [] : [{ id: row.id, what }]
  })
}

/** @param now what the archive has of the id, asked after the entry was read */
function differenceOfEntry(
  row: RowDigest,
  entry: StoredItem,
  now: Lookup,
  digester: RowDigester,
): string | undefined {
  if (compareStamps(entry.stamp, row.stamp) < 0) return 'the entry is older than the row'
  if (now.kind === 'unknown') return undefined
  const stamp = now.kind === 'found' ? now.item.stamp : now.tombstone
  const order = stamp === undefined ? 1 : compareStamps(entry.stamp, stamp)
  if (order > 0) return 'the entry is newer than anything that the archive has'
  if (order < 0) return undefined
  if (now.kind === 'absent') return 'the entry is there, the row is a tombstone'
  return equalBytes(digester.digest(entry), digester.digest(now.item))
    ? undefined
    : "the entry's digest is not the row's"
}

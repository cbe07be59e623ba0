/** Copies of rows, in the cache and in memory, that are not what the archive has; nothing is said of what is only on its way. */
import {
  compareStamps,
  equalStamps,
  equalBytes,
  isNewer,
  type ArchivedRow,
  type Lookup,
  type StoredItem,
} from '@se/core'
import type { CacheTier } from '@se/core'
import type { RowDigester } from '@se/merkle'
import { stampOf } from '../../read/lower-tiers.ts'
import type { VerifyPorts } from './ports.ts'
import type { CacheView } from '../../back/cache-view.ts'

export type CopiesPorts = Pick<
  VerifyPorts,
  'archive' | 'cache' | 'cacheView' | 'memory' | 'poll' | 'digester'
>

export interface WrongCopy {
  readonly id: string
  readonly what: string
}

export const MEMORY_CHANGED = "the item in memory is not the row's"

/** Ids asked for at once. */
const IDS_MAX = 500

/**
 * Items in memory of which the archive has nothing as new: they were read from a history that it has lost, before the ledger had
 * told of them, so nothing else can notice [P65].
 *
 * @param compared ids that need not be looked at
 */
export async function findLostInMemory(
  { memory, archive }: CopiesPorts,
  compared: ReadonlySet<string>,
): Promise<WrongCopy[]> {
  const lost: WrongCopy[] = []
  const ids = [...memory.ids()].filter((id) => !compared.has(id))
  for (let at = 0; at < ids.length; at += IDS_MAX) {
    // What is clean now the archive has had by now: asked after that, it has it, or something newer.
    const clean = ids.slice(at, at + IDS_MAX).flatMap((id) => {
      const entry = memory.peek(id)
      return entry === undefined || entry.isPinned ? [] : [entry.item]
    })
    const lookups = await archive.getMany(clean.map(({ id }) => id))
    for (const [index, { id, stamp }] of clean.entries()) {
      const lookup = lookups[index]!
      const now = memory.peek(id)?.item
      if (lookup.kind === 'unknown' || now === undefined || !equalStamps(now.stamp, stamp)) continue
      if (isNewer(stamp, stampOf(lookup))) {
        lost.push({ id, what: 'the item in memory is newer than anything that the archive has' })
      }
    }
  }
  return lost
}

export type SuspectRow = Pick<ArchivedRow, 'id' | 'stamp' | 'digest'>

/** The cache's entries of some rows; what it does not have, and stripes that were not found to be ours, are passed over. */
export async function readEntries<Row extends SuspectRow>(
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
export function isSuspect(row: SuspectRow, entry: StoredItem, digester: RowDigester): boolean {
  if (!equalStamps(entry.stamp, row.stamp) || row.digest === undefined) return true
  return !equalBytes(digester.digest(entry), row.digest)
}

/**
 * While others write, an entry may be older than a row that was written a moment ago, or newer than a row that was read a
 * moment ago. Once the stripe has been brought to heads that include the row, it may not be older; and the archive, asked after
 * the cache, has whatever an entry can have come from.
 */
export async function lookAgain(ports: CopiesPorts, rows: readonly SuspectRow[]): Promise<WrongCopy[]> {
  const { archive, cache, cacheView, poll, digester } = ports
  if (cache === undefined || cacheView === undefined) return []
  await poll.now()
  // The views have heard of the rows; what a stripe that stands there answers from now on is as new.
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
  row: SuspectRow,
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

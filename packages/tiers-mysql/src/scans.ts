import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ArchivedRow, Cut } from '@se/core'
import type { ReadSession } from './archive-database.ts'
import { readHeads } from './heads.ts'
import type { RowSize } from './item-table.ts'

const SCAN_IDS = 5_000
const SCAN_ROWS = 1_000
/** Values of one chunk of a scan, bytes, unless a single one is larger. */
const SCAN_VALUE_BYTES = 4 * 1024 * 1024

/** Visits the ids of all live rows. @returns the cut of the session's snapshot */
export async function scanIds(session: ReadSession, visit: (ids: readonly string[]) => void): Promise<Cut> {
  const { cut } = await readHeads(session)
  let after: string | undefined
  for (;;) {
    const ids = await session.items.liveIdsAfter(after, SCAN_IDS)
    if (ids.length > 0) visit(ids)
    if (ids.length < SCAN_IDS) return cut
    after = ids.at(-1)
    // A synchronous driver would otherwise hold the event loop for the whole scan.
    await nextTurn()
  }
}

/** Visits all rows, tombstones included, in chunks bounded in bytes. @returns the cut of the session's snapshot */
export async function scanRows(
  session: ReadSession,
  visit: (rows: readonly ArchivedRow[]) => void | Promise<void>,
): Promise<Cut> {
  const { cut } = await readHeads(session)
  let after: string | undefined
  for (;;) {
    const sizes = await session.items.sizesAfter(after, SCAN_ROWS)
    for (const last of chunkEnds(sizes, SCAN_VALUE_BYTES)) {
      await visit(await session.items.rowsBetween(after, last))
      after = last
      await nextTurn()
    }
    if (sizes.length < SCAN_ROWS) return cut
  }
}

/** Ids at which to end a chunk so that its values stay within `bytesMax`; a larger value is alone. */
function chunkEnds(sizes: readonly RowSize[], bytesMax: number): readonly string[] {
  const ends: string[] = []
  let bytes = 0
  for (const [index, { id, valueBytes }] of sizes.entries()) {
    bytes += valueBytes
    const next = sizes[index + 1]
    if (next !== undefined && bytes + next.valueBytes <= bytesMax) continue
    ends.push(id)
    bytes = 0
  }
  return ends
}

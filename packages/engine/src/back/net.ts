/**
 * Pure arithmetic on ledger rows. All of it assumes rows that were read in one snapshot, hence closed under
 * dependence: for each id they form a chain, each entry's previous state being the one before it.
 */
import { compareStamps, sequenceAt, type Cut, type LedgerEntry, type LedgerRow } from '@se/core'
import type { NetChange } from '../seam/messages.ts'

/**
 * Nets rows per id. Row order does not matter: the chain is found by stamps, so that a delete by A of what B
 * inserted cannot be taken for the first of the two because A's rows were read first [P54].
 */
export function netChanges(rows: Iterable<LedgerRow>): Map<string, NetChange> {
  const spans = new Map<string, { first: LedgerEntry; last: LedgerEntry }>()
  for (const row of rows) {
    for (const entry of row.entries) {
      const span = spans.get(entry.id)
      if (span === undefined) {
        spans.set(entry.id, { first: entry, last: entry })
        continue
      }
      // A correction keeps the stamp; it replaces a digest by a digest, so either order nets the same.
      if (compareStamps(entry.stamp, span.first.stamp) < 0) span.first = entry
      if (compareStamps(entry.stamp, span.last.stamp) >= 0) span.last = entry
    }
  }
  const changes = new Map<string, NetChange>()
  for (const [id, { first, last }] of spans) {
    changes.set(id, {
      id,
      stamp: last.stamp,
      wasLive: first.previousDigest !== undefined,
      isLive: last.digest !== undefined,
    })
  }
  return changes
}

/** The rows that `after` includes and `before` does not. */
export function rowsBetween(rows: Iterable<LedgerRow>, before: Cut, after?: Cut): LedgerRow[] {
  const between: LedgerRow[] = []
  for (const row of rows) {
    if (row.sequence <= sequenceAt(before, row.instance)) continue
    if (after !== undefined && row.sequence > sequenceAt(after, row.instance)) continue
    between.push(row)
  }
  return between
}

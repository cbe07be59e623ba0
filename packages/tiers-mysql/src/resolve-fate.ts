import { compareStamps, stampMs, type LedgerEntry, type WriteOutcome } from '@se/core'
import type { RowHeader } from './item-row.ts'
import { supersededBy, type BatchConditions, type PlacedWrite } from './plan-batch.ts'

/** What holds now. */
export type FateConditions = Pick<BatchConditions, 'collectionFloor' | 'nowMs'>

/**
 * Tells again what became of each write of a batch that had been committed before its answer was lost [W5].
 *
 * What the ledger row names had won; the rest had lost, and the rows as they are now say to whom. Where a
 * winner's row has changed since, the winner is told as superseded: that is what the caller must act on.
 *
 * @param entries of the batch's ledger row; `undefined`: pruned meanwhile
 * @param headers the rows as they are now
 */
export function outcomesOfCommitted(
  writes: readonly PlacedWrite[],
  entries: readonly LedgerEntry[] | undefined,
  headers: ReadonlyMap<string, RowHeader>,
  conditions: FateConditions,
): readonly WriteOutcome[] {
  const entryById = new Map((entries ?? []).map((entry) => [entry.id, entry]))
  const outcomes = new Array<WriteOutcome>(writes.length)
  for (const { write, position } of writes) {
    const entry = entryById.get(write.id)
    outcomes[position] = outcomeOf(write, entry, headers.get(write.id), conditions)
  }
  return outcomes
}

function outcomeOf(
  write: PlacedWrite['write'],
  entry: LedgerEntry | undefined,
  header: RowHeader | undefined,
  { collectionFloor, nowMs }: FateConditions,
): WriteOutcome {
  const order = header === undefined ? 1 : compareStamps(write.stamp, header.stamp)
  if (header !== undefined && order < 0) return supersededBy(header.stamp, nowMs)
  if (header !== undefined && order === 0) {
    const { version, createdAtMs } = header
    if (entry === undefined) return { kind: 'held', version, createdAtMs }
    return { kind: 'won', version, createdAtMs, wasLive: entry.previousDigest !== undefined }
  }
  // It had won, and its row is gone: it was a delete, collected since. Nothing is left to say of it.
  if (entry !== undefined) return { kind: 'held', version: 0, createdAtMs: stampMs(write.stamp) }
  return {
    kind: 'refused',
    because: write.stamp.time <= collectionFloor ? 'below-collection-floor' : 'stamp-ahead-of-archive',
  }
}

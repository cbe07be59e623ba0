import type { LedgerRow, RetiredInstance } from '@se/core'
import { sql } from 'kysely'
import type { WriteSession } from './archive-database.ts'
import { decodeLedgerRow, kindNumber } from './ledger-row.ts'

/** @param entries the row, encoded */
export async function insertLedgerRow(session: WriteSession, row: LedgerRow, entries: Buffer): Promise<void> {
  const { instance, sequence, link, kind, committedAtMs } = row
  await session.run(
    session.dialect.builder
      .insertInto('sync_ledger')
      .values({ instance, sequence, link, kind: kindNumber(kind), committed_at: committedAtMs, entries })
      .compile(),
  )
}

/** `undefined`: pruned. */
export async function readLedgerRow(
  session: WriteSession,
  { instance, sequence }: Pick<RetiredInstance, 'instance' | 'sequence'>,
): Promise<LedgerRow | undefined> {
  const [columns] = await session.rows(
    session.dialect.builder
      .selectFrom('sync_ledger')
      .selectAll()
      .where('instance', '=', instance)
      .where('sequence', '=', sequence)
      .compile(),
  )
  return columns === undefined ? undefined : decodeLedgerRow(columns)
}

/** Ledger rows removed by one transaction. */
const PRUNE_ROWS = 500

/**
 * Removes some of the oldest ledger rows of an instance, as long as they are old enough, and keeps the link of the
 * newest of them in the instance's row. A row from the future of the archive's clock has no age to be believed.
 *
 * @param limit sequence up to which the tree includes them
 * @returns how many rows were removed
 */
export async function pruneChunk(
  session: WriteSession,
  { instance, limit, beforeMs }: { instance: number; limit: number; beforeMs: number },
): Promise<number> {
  const { builder } = session.dialect
  const rows = await session.rows(
    builder
      .selectFrom('sync_ledger')
      .select(['sequence', 'link', 'committed_at', session.dialect.nowMs().as('now_ms')])
      .where('instance', '=', instance)
      .where('sequence', '<=', limit)
      .orderBy('sequence')
      .limit(sql.lit(PRUNE_ROWS))
      .compile(),
  )
  // Only a beginning may go: a hole in the middle would read as "pruned" for rows that are still there.
  const young = rows.findIndex((row) => row.committed_at >= beforeMs && row.committed_at <= row.now_ms)
  const last = rows.at((young < 0 ? rows.length : young) - 1)
  if (last === undefined || young === 0) return 0
  // In the order of a batch: its ledger row, then the instance's.
  const removed = await session.run(
    builder
      .deleteFrom('sync_ledger')
      .where('instance', '=', instance)
      .where('sequence', '<=', last.sequence)
      .compile(),
  )
  await session.run(
    builder
      .updateTable('sync_instances')
      .set({ pruned_sequence: last.sequence, pruned_link: last.link })
      .where('number', '=', instance)
      .where('pruned_sequence', '<', last.sequence)
      .compile(),
  )
  return removed
}

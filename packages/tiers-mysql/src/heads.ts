import { sequenceAt, type Cut, type Heads, type LedgerRow, type LedgerTail } from '@se/core'
import { sql, type CompiledQuery } from 'kysely'
import type { Dialect } from './backend.ts'
import { decodeLedgerRow, type LedgerColumns } from './ledger-row.ts'

interface HeadsRow {
  readonly archive_id: string
  readonly now_ms: number
  readonly number: number | null
  readonly last_sequence: number | null
  readonly pruned_sequence: number | null
}

/** Anything that reads within one snapshot: a session, or a backend for a single statement. */
export interface RowReader {
  rows<R>(query: CompiledQuery<R>): Promise<readonly R[]>
}

/** The heads, in one small statement. */
export async function readHeads(reader: RowReader, dialect: Dialect): Promise<Heads> {
  const query = dialect.builder
    .selectFrom('sync_meta')
    .leftJoin('sync_instances', (join) => join.onTrue())
    .where('sync_meta.name', '=', 'archive_id')
    .select([
      'sync_meta.value as archive_id',
      dialect.nowMs().as('now_ms'),
      'sync_instances.number',
      'sync_instances.last_sequence',
      'sync_instances.pruned_sequence',
    ])
    .compile()
  const rows = await reader.rows<HeadsRow>(query)
  const sequences = new Map<number, number>()
  const prunedSequences = new Map<number, number>()
  for (const { number, last_sequence: last, pruned_sequence: pruned } of rows) {
    if (number === null) continue
    if (last !== null && last > 0) sequences.set(number, last)
    if (pruned !== null && pruned > 0) prunedSequences.set(number, pruned)
  }
  return {
    cut: { archiveId: rows[0]?.archive_id ?? '', sequences },
    prunedSequences,
    nowMs: rows[0]?.now_ms ?? 0,
  }
}

/** Ledger rows of one instance, from the first to the last sequence, both included. */
interface Range {
  readonly instance: number
  readonly first: number
  readonly last: number
}

/** What a cut lacks of the heads. */
export function rangesBetween(from: Cut, heads: Cut): readonly Range[] {
  const ranges: Range[] = []
  for (const [instance, last] of heads.sequences) {
    const first = sequenceAt(from, instance) + 1
    if (first <= last) ranges.push({ instance, first, last })
  }
  return ranges.sort((a, b) => a.instance - b.instance)
}

/** Ledger rows read by one statement: up to some 300 KB each, as a rule far less. */
const LEDGER_ROWS_PER_STATEMENT = 256

/** Reads ledger rows in chunks, by instance and sequence. */
export async function* ledgerChunks(
  reader: RowReader,
  dialect: Dialect,
  ranges: readonly Range[],
): AsyncGenerator<readonly LedgerRow[]> {
  let left = ranges
  while (left.length > 0) {
    const query = dialect.builder
      .selectFrom('sync_ledger')
      .where((where) =>
        where.or(
          left.map(({ instance, first, last }) =>
            where.and([
              where('instance', '=', instance),
              where('sequence', '>=', first),
              where('sequence', '<=', last),
            ]),
          ),
        ),
      )
      .select(['instance', 'sequence', 'kind', 'committed_at', 'entries'])
      .orderBy('instance')
      .orderBy('sequence')
      .limit(sql.lit(LEDGER_ROWS_PER_STATEMENT))
      .compile()
    const columns = await reader.rows<LedgerColumns>(query)
    if (columns.length > 0) yield columns.map(decodeLedgerRow)
    const last = columns.at(-1)
    if (last === undefined || columns.length < LEDGER_ROWS_PER_STATEMENT) return
    left = left
      .filter((range) => range.instance >= last.instance)
      .map((range) => (range.instance === last.instance ? { ...range, first: last.sequence + 1 } : range))
      .filter((range) => range.first <= range.last)
  }
}

/** Why the way from a cut to the heads is not known; `undefined`: it may be. */
export function gapBetween(
  from: Cut,
  heads: Heads,
): Extract<LedgerTail, { kind: 'gap' }>['because'] | undefined {
  if (from.archiveId !== heads.cut.archiveId) return 'another-archive'
  for (const [instance, sequence] of from.sequences) {
    if (sequence > sequenceAt(heads.cut, instance)) return 'ahead-of-heads'
  }
  for (const [instance, pruned] of heads.prunedSequences) {
    if (sequenceAt(from, instance) < pruned) return 'pruned'
  }
  return undefined
}

/** Heads and all rows beyond a cut; the reader is one snapshot. */
export async function readTail(reader: RowReader, dialect: Dialect, from: Cut): Promise<LedgerTail> {
  const heads = await readHeads(reader, dialect)
  const because = gapBetween(from, heads)
  if (because !== undefined) return { kind: 'gap', heads, because }
  const ranges = rangesBetween(from, heads.cut)
  const rows: LedgerRow[] = []
  for await (const chunk of ledgerChunks(reader, dialect, ranges)) rows.push(...chunk)
  // A row someone deleted by hand: the way is as unknown as if it had been pruned.
  const expected = ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0)
  if (rows.length !== expected) return { kind: 'gap', heads, because: 'pruned' }
  return { kind: 'rows', heads, rows }
}

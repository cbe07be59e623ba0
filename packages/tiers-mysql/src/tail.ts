import {
  CorruptData,
  sequenceAt,
  type Cut,
  type Heads,
  type LedgerRow,
  type LedgerTail,
  type RetiredInstance,
} from '@se/core'
import { sql } from 'kysely'
import type { RowReader } from './archive-database.ts'
import { readInstanceHeads, type InstanceHeads } from './heads.ts'
import {
  judgeCut,
  judgeProofs,
  judgeRetirements,
  positionKey,
  type Gap,
  type PlacedPosition,
} from './judge-cut.ts'
import { decodeLedgerRow, type LedgerColumns } from './ledger-row.ts'
import { ANSWER_BYTES_MAX, CONDITIONS_MAX, partsOfBytes, partsOfCount } from './statement-sizes.ts'

/** Ledger rows of one instance, from the first to the last sequence, both included. */
interface SequenceRange {
  readonly instance: number
  readonly first: number
  readonly last: number
}

/** Ledger rows read by one statement. */
const LEDGER_ROWS_PER_STATEMENT = 256
/** A row larger than that does not come along with the others; it is asked for after them, bytes. */
const ROW_BYTES_INLINE = ANSWER_BYTES_MAX / LEDGER_ROWS_PER_STATEMENT

/** Why the walk ended: at the heads, or because the way is not known. */
export interface WalkEnd {
  readonly heads: Heads
  /** `undefined`: the visitor has seen every row between the cut and the heads. */
  readonly because: Gap | undefined
}

/**
 * Walks from a cut to the heads; the reader is one snapshot. What the visitor was shown counts only where the end
 * has no `because`.
 */
export async function walkTail(
  reader: RowReader,
  from: Cut,
  visit: (rows: readonly LedgerRow[]) => void,
): Promise<WalkEnd> {
  const { instances, ...heads } = await readInstanceHeads(reader)
  const judgement = judgeCut(from, { ...heads, instances })
  if (judgement.because !== undefined) return { heads, because: judgement.because }
  const links = await readLinks(reader, judgement.toProve)
  const unproved = judgeProofs(judgement.toProve, links)
  if (unproved !== undefined) return { heads, because: unproved }
  const ranges = rangesBetween(from, heads)
  const retired: RetiredInstance[] = []
  let rowCount = 0
  for await (const rows of ledgerChunks(reader, ranges)) {
    rowCount += rows.length
    for (const row of rows) if (row.retired !== undefined) retired.push(...row.retired)
    visit(rows)
  }
  // A row someone deleted by hand: the way is as unknown as if it had been pruned.
  const expected = ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0)
  if (rowCount !== expected) return { heads, because: 'pruned' }
  return { heads, because: judgeRetirements(from, judgement.unexplained, retired) }
}

/** Heads and all rows beyond a cut; the reader is one snapshot. */
export async function readTail(reader: RowReader, from: Cut): Promise<LedgerTail> {
  const rows: LedgerRow[] = []
  const { heads, because } = await walkTail(reader, from, (chunk) => void rows.push(...chunk))
  return because === undefined ? { kind: 'rows', heads, rows } : { kind: 'gap', heads, because }
}

/** What a cut lacks of the heads. */
function rangesBetween(from: Cut, heads: Pick<InstanceHeads, 'cut'>): readonly SequenceRange[] {
  const ranges: SequenceRange[] = []
  for (const [instance, { sequence: last }] of heads.cut.positions) {
    const first = sequenceAt(from, instance) + 1
    if (first <= last) ranges.push({ instance, first, last })
  }
  return ranges.sort((a, b) => a.instance - b.instance)
}

/** Links of ledger rows, by `positionKey`; a row that is not there has none. */
export async function readLinks(
  reader: RowReader,
  positions: readonly Pick<PlacedPosition, 'instance' | 'sequence'>[],
): Promise<ReadonlyMap<string, string>> {
  const links = new Map<string, string>()
  for (const part of partsOfCount(positions, CONDITIONS_MAX)) {
    const rows = await reader.rows(
      reader.dialect.builder
        .selectFrom('sync_ledger')
        .where((where) =>
          where.or(
            part.map(({ instance, sequence }) =>
              where.and([where('instance', '=', instance), where('sequence', '=', sequence)]),
            ),
          ),
        )
        .select(['instance', 'sequence', 'link'])
        .compile(),
    )
    for (const row of rows) links.set(positionKey(row), row.link)
  }
  return links
}

/** A row as the first question answers. */
interface FirstLedgerAnswer extends Omit<LedgerColumns, 'entries'> {
  /** `null`: too large to come along. */
  readonly entries: Uint8Array | null
  readonly entry_bytes: number
}

/** Reads ledger rows in chunks that are bounded in bytes, by instance and sequence. */
async function* ledgerChunks(
  reader: RowReader,
  ranges: readonly SequenceRange[],
): AsyncGenerator<readonly LedgerRow[]> {
  let left = ranges
  while (left.length > 0) {
    const part = left.slice(0, CONDITIONS_MAX)
    const columns = await readFirstRows(reader, part)
    for (const chunk of partsOfBytes(columns, ({ entry_bytes: bytes }) => bytes, ANSWER_BYTES_MAX)) {
      const large = chunk.filter(({ entries }) => entries === null)
      const entriesOf = await readEntries(reader, large)
      yield chunk.map((row) => {
        const entries = row.entries ?? entriesOf.get(positionKey(row))
        // In one snapshot, what was there is there.
        if (entries === undefined) throw new CorruptData('a ledger row has gone while it was read')
        return decodeLedgerRow({ ...row, entries })
      })
    }
    const last = columns.at(-1)
    if (last === undefined || columns.length < LEDGER_ROWS_PER_STATEMENT) {
      left = left.slice(part.length)
      continue
    }
    left = left
      .filter((range) => range.instance >= last.instance)
      .map((range) => (range.instance === last.instance ? { ...range, first: last.sequence + 1 } : range))
      .filter((range) => range.first <= range.last)
  }
}

/** The first rows of the ranges, up to {@link LEDGER_ROWS_PER_STATEMENT}, by instance and sequence. */
function readFirstRows(
  reader: RowReader,
  ranges: readonly SequenceRange[],
): Promise<readonly FirstLedgerAnswer[]> {
  const query = reader.dialect.builder
    .selectFrom('sync_ledger')
    .where((where) =>
      where.or(
        ranges.map(({ instance, first, last }) =>
          where.and([
            where('instance', '=', instance),
            where('sequence', '>=', first),
            where('sequence', '<=', last),
          ]),
        ),
      ),
    )
    .select([
      'instance',
      'sequence',
      'link',
      'kind',
      'committed_at',
      sql<Uint8Array | null>`case when length(entries) <= ${sql.lit(ROW_BYTES_INLINE)} then entries end`.as(
        'entries',
      ),
      sql<number>`length(entries)`.as('entry_bytes'),
    ])
    .orderBy('instance')
    .orderBy('sequence')
    .limit(sql.lit(LEDGER_ROWS_PER_STATEMENT))
    .compile()
  return reader.rows(query)
}

/** Entries of single rows, by `positionKey`. */
async function readEntries(
  reader: RowReader,
  positions: readonly { readonly instance: number; readonly sequence: number }[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for (const { instance, sequence } of positions) {
    const [row] = await reader.rows(
      reader.dialect.builder
        .selectFrom('sync_ledger')
        .where('instance', '=', instance)
        .where('sequence', '=', sequence)
        .select('entries')
        .compile(),
    )
    if (row !== undefined) found.set(positionKey({ instance, sequence }), row.entries)
  }
  return found
}

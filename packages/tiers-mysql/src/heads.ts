import type { Cut, Heads, Position } from '@se/core'
import type { RowReader } from './archive-database.ts'
import { factLost } from './meta.ts'

/** Where an instance stands, as its row says. */
export interface InstanceHead {
  readonly number: number
  readonly last_sequence: number
  readonly link: string
  readonly pruned_sequence: number
  readonly pruned_link: string
}

/** A row of the left join: without instances there is one, and it names none. */
type HeadsRow = { readonly archive_id: string; readonly now_ms: number; readonly read_only: string } & (
  InstanceHead | { readonly [column in keyof InstanceHead]: null }
)

/** The heads, with what is known of the instances beside them. */
export interface InstanceHeads extends Heads {
  readonly instances: ReadonlyMap<number, InstanceHead>
}

/**
 * The heads, in one small statement, which also asks whether the server can be written: one that was demoted answers
 * on with what it had, and that is not what is true now [R5, P69].
 *
 * @throws CorruptData when the archive has lost its id
 */
export async function readHeads(reader: RowReader): Promise<Heads> {
  const { cut, prunedSequences, nowMs } = await readInstanceHeads(reader)
  return { cut, prunedSequences, nowMs }
}

export async function readInstanceHeads(reader: RowReader): Promise<InstanceHeads> {
  const query = reader.dialect.builder
    .selectFrom('sync_meta')
    .leftJoin('sync_instances', (join) => join.onTrue())
    .where('sync_meta.name', '=', 'archive_id')
    .select([
      'sync_meta.value as archive_id',
      reader.dialect.nowMs().as('now_ms'),
      reader.dialect.readOnly().as('read_only'),
      'sync_instances.number',
      'sync_instances.last_sequence',
      'sync_instances.link',
      'sync_instances.pruned_sequence',
      'sync_instances.pruned_link',
    ])
    .compile()
  const rows = (await reader.rows(query)) as readonly HeadsRow[]
  const [first] = rows
  // Not an archive in which nothing was ever written, in 1970.
  if (first === undefined) throw factLost('archive_id')
  reader.dialect.checkWritable(first.read_only)
  const positions = new Map<number, Position>()
  const prunedSequences = new Map<number, number>()
  const instances = new Map<number, InstanceHead>()
  for (const row of rows) {
    if (row.number === null) continue
    instances.set(row.number, row)
    if (row.last_sequence > 0) positions.set(row.number, { sequence: row.last_sequence, link: row.link })
    if (row.pruned_sequence > 0) prunedSequences.set(row.number, row.pruned_sequence)
  }
  const cut: Cut = { archiveId: first.archive_id, positions }
  return { cut, prunedSequences, nowMs: first.now_ms, instances }
}

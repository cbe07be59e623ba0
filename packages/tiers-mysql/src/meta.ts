import { CorruptData, decodeCut, encodeCut, type Cut } from '@se/core'
import type { RowReader, WriteSession } from './archive-database.ts'
import type { MetaName } from './schema.ts'

/** How a fact is held while a transaction relies on it. */
export type MetaLock = 'none' | 'share' | 'update'

/** @throws CorruptData when the archive has lost the fact */
export async function readMeta(reader: RowReader, name: MetaName, lock: MetaLock = 'none'): Promise<string> {
  let query = reader.dialect.builder.selectFrom('sync_meta').select('value').where('name', '=', name)
  if (lock === 'update') query = query.modifyEnd(reader.dialect.forUpdate)
  if (lock === 'share') query = query.modifyEnd(reader.dialect.forShare)
  const [row] = await reader.rows(query.compile())
  if (row === undefined) throw factLost(name)
  return row.value
}

export async function writeMeta(session: WriteSession, name: MetaName, value: string): Promise<void> {
  await session.run(
    session.dialect.builder.updateTable('sync_meta').set({ value }).where('name', '=', name).compile(),
  )
}

/**
 * The archive's clock, ms since 1970 UTC.
 *
 * @throws CorruptData when the archive has lost its id: a time made up instead would make living instances look dead
 */
export async function readNowMs(reader: RowReader): Promise<number> {
  const { builder } = reader.dialect
  const [row] = await reader.rows(
    builder
      .selectFrom('sync_meta')
      .where('name', '=', 'archive_id')
      .select(reader.dialect.nowMs().as('now_ms'))
      .compile(),
  )
  if (row === undefined) throw factLost('archive_id')
  return row.now_ms
}

/** Where the stored pages stand. */
export async function readTreeCut(reader: RowReader, lock: MetaLock = 'none'): Promise<Cut> {
  return decodeCut(await readMeta(reader, 'tree_cut', lock))
}

export function writeTreeCut(session: WriteSession, cut: Cut): Promise<void> {
  return writeMeta(session, 'tree_cut', encodeCut(cut))
}

/** @param floor stamp time; a lower one than the archive has changes nothing */
export async function raiseCollectionFloor(session: WriteSession, floor: number): Promise<void> {
  if (Number(await readMeta(session, 'collection_floor', 'update')) >= floor) return
  await writeMeta(session, 'collection_floor', String(floor))
}

/** The error of an archive that has lost a fact of its own. */
export function factLost(name: MetaName): CorruptData {
  return new CorruptData(`sync_meta has no ${name}`)
}

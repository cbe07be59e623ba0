import { CorruptData, decodeCut, encodeCut, type Cut } from '@se/core'
import type { Dialect, RowReader, WriteSession } from './archive-database.ts'
import type { MetaName } from './schema.ts'

/** How a fact is held while a transaction relies on it. */
export type MetaLock = 'none' | 'share' | 'update'

/** @throws CorruptData when the archive has lost the fact */
export async function readMeta(
  reader: RowReader,
  dialect: Dialect,
  name: MetaName,
  lock: MetaLock = 'none',
): Promise<string> {
  let query = dialect.builder.selectFrom('sync_meta').select('value').where('name', '=', name)
  if (lock === 'update') query = query.modifyEnd(dialect.forUpdate)
  if (lock === 'share') query = query.modifyEnd(dialect.forShare)
  const [row] = await reader.rows(query.compile())
  if (row === undefined) throw new CorruptData(`sync_meta has no ${name}`)
  return row.value
}

export async function writeMeta(
  session: WriteSession,
  dialect: Dialect,
  name: MetaName,
  value: string,
): Promise<void> {
  await session.run(
    dialect.builder.updateTable('sync_meta').set({ value }).where('name', '=', name).compile(),
  )
}

/** Where the stored pages stand. */
export async function readTreeCut(
  reader: RowReader,
  dialect: Dialect,
  lock: MetaLock = 'none',
): Promise<Cut> {
  return decodeCut(await readMeta(reader, dialect, 'tree_cut', lock))
}

export function writeTreeCut(session: WriteSession, dialect: Dialect, cut: Cut): Promise<void> {
  return writeMeta(session, dialect, 'tree_cut', encodeCut(cut))
}

/** @param floor stamp time; a lower one than the archive has changes nothing */
export async function raiseCollectionFloor(
  session: WriteSession,
  dialect: Dialect,
  floor: number,
): Promise<void> {
  if (Number(await readMeta(session, dialect, 'collection_floor', 'update')) >= floor) return
  await writeMeta(session, dialect, 'collection_floor', String(floor))
}

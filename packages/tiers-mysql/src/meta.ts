import { CorruptData, decodeCut, encodeCut, type Cut } from '@se/core'
import type { RowReader, WriteSession } from './archive-database.ts'
import type { MetaName } from './schema.ts'

/** How a fact is held while a transaction relies on it. */
export type MetaLock = 'none' | 'update'

/** Facts that are whole numbers from 0 on. */
export type NumberName = Extract<MetaName, 'collection_floor' | 'last_number'>

/** @throws CorruptData when the archive has lost the fact */
export async function readMeta(reader: RowReader, name: MetaName, lock: MetaLock = 'none'): Promise<string> {
  let query = reader.dialect.builder.selectFrom('sync_meta').select('value').where('name', '=', name)
  if (lock === 'update') query = query.modifyEnd(reader.dialect.forUpdate)
  const [row] = await reader.rows(query.compile())
  if (row === undefined) throw factLost(name)
  return row.value
}

/** @throws CorruptData when the archive has lost the fact, or it is not a number any more */
export async function readNumber(
  reader: RowReader,
  name: NumberName,
  lock: MetaLock = 'none',
): Promise<number> {
  return numberOf(name, await readMeta(reader, name, lock))
}

/** @throws CorruptData: a floor or a last number that was made up would let deleted items come back, or numbers be given twice */
export function numberOf(name: NumberName, value: string): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) {
    throw new CorruptData(`${name} in sync_meta is not a whole number: ${value.slice(0, 40)}`)
  }
  return number
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

/** The floor that a new claim begins with. @param floor stamp time; a lower one than the archive has changes nothing */
export async function raiseCollectionFloor(session: WriteSession, floor: number): Promise<void> {
  if ((await readNumber(session, 'collection_floor', 'update')) >= floor) return
  await writeMeta(session, 'collection_floor', String(floor))
}

/** The error of an archive that has lost a fact of its own. */
export function factLost(name: MetaName): CorruptData {
  return new CorruptData(`sync_meta has no ${name}`)
}

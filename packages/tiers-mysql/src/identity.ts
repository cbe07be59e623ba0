import {
  BranchMismatch,
  encodeCut,
  randomHex,
  type ArchiveOpenOptions,
  type BranchSet,
  type Random,
} from '@se/core'
import { sql } from 'kysely'
import type { RowReader, WriteSession } from './archive-database.ts'
import { factLost } from './meta.ts'
import { META_NAMES, type ArchiveTables, type MetaName } from './schema.ts'

const ARCHIVE_ID_BYTES = 16
const DIGEST_KEY_BYTES = 16

/** 32 hex digits. */
export function newArchiveId(random: Random): string {
  return randomHex(random, ARCHIVE_ID_BYTES)
}

/** What an archive says of itself, by the names of `sync_meta`. */
export type ArchiveFacts = Readonly<Record<MetaName, string>>

/**
 * Reads the archive's facts, or makes them in one that was never used.
 *
 * @throws CorruptData when the archive has lost a fact: new ones would give numbers of instances a second time
 */
export async function readOrMakeFacts(
  session: WriteSession,
  random: Random,
  { branches, digests }: Pick<ArchiveOpenOptions, 'branches' | 'digests'>,
): Promise<ArchiveFacts> {
  const stored = await readFacts(session)
  if (stored !== undefined) return stored
  // Another process may have made and used it meanwhile.
  if (await isInUse(session)) {
    const made = await readFacts(session)
    if (made === undefined) throw factLost('birth_id')
    return made
  }
  const archiveId = newArchiveId(random)
  const facts: ArchiveFacts = {
    birth_id: archiveId,
    archive_id: archiveId,
    branches: JSON.stringify(branches.prefixes),
    digest_key: digests === 'keyed' ? randomHex(random, DIGEST_KEY_BYTES) : '',
    collection_floor: '0',
    last_number: '0',
    tree_cut: encodeCut({ archiveId, positions: new Map() }),
  }
  // Two processes may both find the table empty: one of them meets a duplicate key, and redoes all.
  const rows = Object.entries(facts).map(([name, value]) => ({ name, value }) as ArchiveTables['sync_meta'])
  await session.run(session.dialect.builder.insertInto('sync_meta').values(rows).compile())
  return facts
}

/** @returns `undefined`: there is not a single one. @throws CorruptData when some are there, and others are not */
async function readFacts(reader: RowReader): Promise<ArchiveFacts | undefined> {
  const rows = await reader.rows(reader.dialect.builder.selectFrom('sync_meta').selectAll().compile())
  if (rows.length === 0) return undefined
  const facts: Partial<Record<MetaName, string>> = {}
  for (const { name, value } of rows) facts[name] = value
  for (const name of META_NAMES) if (facts[name] === undefined) throw factLost(name)
  return facts as ArchiveFacts
}

/** Whether an instance was ever claimed, and not retired since. */
async function isInUse(reader: RowReader): Promise<boolean> {
  const query = reader.dialect.builder.selectFrom('sync_instances').select('number').limit(sql.lit(1))
  return (await reader.rows(query.compile())).length > 0
}

/** @throws BranchMismatch when the archive was made with another set */
export function checkBranches(facts: ArchiveFacts, declared: BranchSet): void {
  if (facts.branches === JSON.stringify(declared.prefixes)) return
  throw new BranchMismatch('the archive was made with another set of branches', {
    details: { declared: declared.prefixes, stored: JSON.parse(facts.branches) as string[] },
  })
}

/** `undefined`: digests are unkeyed. */
export function digestKeyOf(facts: ArchiveFacts): Uint8Array | undefined {
  return facts.digest_key === '' ? undefined : new Uint8Array(Buffer.from(facts.digest_key, 'hex'))
}

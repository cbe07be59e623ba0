import { BranchMismatch, encodeCut, type ArchiveOpenOptions, type BranchSet, type Random } from '@se/core'
import type { WriteSession } from './archive-database.ts'
import type { ArchiveTables, MetaName } from './schema.ts'

const ARCHIVE_ID_BYTES = 16
const DIGEST_KEY_BYTES = 16

/** 32 hex digits. */
export function newArchiveId(random: Random): string {
  return Buffer.from(random.bytes(ARCHIVE_ID_BYTES)).toString('hex')
}

/** What an archive says of itself, by the names of `sync_meta`. */
export type ArchiveFacts = Readonly<Record<MetaName, string>>

/** Reads the archive's facts, or makes them in one that has none. */
export async function readOrMakeFacts(
  session: WriteSession,
  random: Random,
  { branches, digests }: Pick<ArchiveOpenOptions, 'branches' | 'digests'>,
): Promise<ArchiveFacts> {
  const { builder } = session.dialect
  const stored = await session.rows(builder.selectFrom('sync_meta').selectAll().compile())
  if (stored.length > 0) {
    return Object.fromEntries(stored.map(({ name, value }) => [name, value])) as ArchiveFacts
  }
  const archiveId = newArchiveId(random)
  const facts: ArchiveFacts = {
    birth_id: archiveId,
    archive_id: archiveId,
    branches: JSON.stringify(branches.prefixes),
    digest_key: digests === 'keyed' ? Buffer.from(random.bytes(DIGEST_KEY_BYTES)).toString('hex') : '',
    collection_floor: '0',
    last_number: '0',
    tree_cut: encodeCut({ archiveId, positions: new Map() }),
  }
  // Two processes may both find the table empty: one of them meets a duplicate key, and redoes all.
  const rows = Object.entries(facts).map(([name, value]) => ({ name, value }) as ArchiveTables['sync_meta'])
  await session.run(builder.insertInto('sync_meta').values(rows).compile())
  return facts
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

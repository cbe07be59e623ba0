import { booleanField, integerField, InvalidConfig, readFields, stringField } from '@se/core'
import { commonFields, createArchive, type CommonArchiveOptions } from '../archive-options.ts'
import type { SqlArchive } from '../relational-archive.ts'
import { SqliteDatabase } from './database.ts'

export interface SqliteArchiveOptions extends CommonArchiveOptions {
  /** Path of the database file; its directory is made where it is missing. `:memory:` is lost with the process. */
  readonly file: string
  /**
   * Whether the file is locked against every other process while it is open: an engine alone need not ask what others
   * have written. `false`: several processes of one machine may share the file.
   */
  readonly exclusive?: boolean
  /**
   * How long one statement waits for another process, ms; the event loop stands still meanwhile. The whole
   * transaction is then tried again. Only without `exclusive`.
   */
  readonly busyMs?: number
  /** Longest wait for a transaction or a scan of this process to end, ms. */
  readonly turnTimeoutMs?: number
  /** Page cache, bytes. */
  readonly cacheBytes?: number
}

/** The fields of {@link SqliteArchiveOptions}. */
export const SQLITE_ARCHIVE_FIELDS = {
  file: stringField({
    meaning:
      'path of the database; its directory is made where it is missing; `:memory:` is lost with the process',
    isRequired: true,
  }),
  exclusive: booleanField({
    meaning: 'whether the file is locked against every other process while it is open',
    default: true,
  }),
  busyMs: integerField({
    meaning: 'how long one statement waits for another process, ms; the event loop stands still meanwhile',
    default: 20,
    min: 0,
    max: 10_000,
  }),
  turnTimeoutMs: integerField({
    meaning: 'longest wait for a transaction or a scan of this process to end, ms',
    default: 10_000,
    min: 10,
    max: 600_000,
  }),
  cacheBytes: integerField({
    meaning: 'page cache, bytes',
    default: 64 * 2 ** 20,
    min: 2 ** 20,
    max: 64 * 2 ** 30,
  }),
  ...commonFields({ attemptsMax: 20 }),
}

/**
 * The archive in an SQLite file, in this process: WAL, `synchronous=FULL`.
 *
 * The driver is synchronous: a batch of 1,000 small items holds the event loop for some milliseconds. While a
 * scan or `readTree` runs on an exclusive archive, writes wait; so never await a write inside `visit`.
 *
 * @throws InvalidConfig naming the field
 */
export function sqliteArchive(options: SqliteArchiveOptions): SqlArchive {
  const fields = readFields('archive', options, SQLITE_ARCHIVE_FIELDS)
  return createArchive(
    fields,
    (parts) =>
      new SqliteDatabase({
        ...parts,
        file: checkFile(fields.file),
        isExclusive: fields.exclusive,
        busyMs: fields.busyMs,
        turnMs: fields.turnTimeoutMs,
        cacheBytes: fields.cacheBytes,
      }),
  )
}

/** The driver trims what it is given, and a blank name is a temporary database; SQLite reads a name up to its first NUL. */
function checkFile(file: string): string {
  if (file.trim() !== file || file.includes('\0')) {
    throw new InvalidConfig('archive.file', 'must not begin or end with white space, nor contain NUL')
  }
  return file
}

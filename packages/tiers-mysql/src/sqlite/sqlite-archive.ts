import {
  booleanField,
  integerField,
  InvalidConfig,
  otherField,
  portField,
  readFields,
  stringField,
  type Clock,
  type Random,
} from '@se/core'
import { systemClock, systemRandom } from '@se/core/node'
import { RelationalArchive, type SqlArchive } from '../relational-archive.ts'
import type { RetryReport } from '../retry.ts'
import { checkTablePrefix, TABLE_PREFIX_DEFAULT } from '../tables.ts'
import { SqliteBackend } from './backend.ts'

export interface SqliteArchiveOptions {
  /** Path of the database file; its directory is made where it is missing. `:memory:` is lost with the process. */
  readonly file: string
  /**
   * Whether the file is locked against every other process while it is open. Default true: an engine alone
   * need not ask what others have written. False: several processes of one machine may share the file.
   */
  readonly exclusive?: boolean
  /**
   * How long one statement waits for another process, ms; the event loop stands still meanwhile. The whole
   * transaction is then tried again. 0 … 10,000, default 20; only without `exclusive`.
   */
  readonly busyMs?: number
  /** Longest wait for a transaction or a scan of this process to end, ms. */
  readonly turnTimeoutMs?: number
  /** Page cache, bytes, 1 MiB … 64 GiB. Default 64 MiB. */
  readonly cacheBytes?: number
  /** Attempts at a transaction that meets other writers, 1 … 1,000. Default 20. */
  readonly attemptsMax?: number
  /** Beginning of the tables' names: two archives may share a file under two prefixes. */
  readonly tablePrefix?: string
  /** Told before each further attempt [W7]. */
  readonly onRetry?: (report: RetryReport) => void
  readonly clock?: Clock
  readonly random?: Random
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
  attemptsMax: integerField({
    meaning: 'attempts at a transaction that meets other writers',
    default: 20,
    min: 1,
    max: 1_000,
  }),
  tablePrefix: stringField({
    meaning: 'beginning of the names of the tables: small letters, digits and underlines',
    default: TABLE_PREFIX_DEFAULT,
  }),
  onRetry: otherField<(report: RetryReport) => void>({
    meaning: 'told before each further attempt',
    what: 'a function',
    accepts: (value) => typeof value === 'function',
  }),
  clock: portField<Clock>({
    meaning: 'for tests',
    what: 'a Clock',
    methods: ['nowMs', 'monotonicMs', 'setTimer'],
  }),
  random: portField<Random>({ meaning: 'for tests', what: 'a Random', methods: ['bytes', 'fraction'] }),
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
  const { attemptsMax, clock = systemClock, random = systemRandom } = fields
  const backend = new SqliteBackend({
    file: checkFile(fields.file),
    isExclusive: fields.exclusive,
    clock,
    busyMs: fields.busyMs,
    turnMs: fields.turnTimeoutMs,
    cacheBytes: fields.cacheBytes,
    tablePrefix: checkTablePrefix(fields.tablePrefix),
  })
  const onRetry = fields.onRetry ?? (() => undefined)
  return new RelationalArchive(backend, { clock, random, attemptsMax, onRetry })
}

/** The driver trims what it is given, and a blank name is a temporary database; SQLite reads a name up to its first NUL. */
function checkFile(file: string): string {
  if (file.trim() !== file || file.includes('\0')) {
    throw new InvalidConfig('archive.file', 'must not begin or end with white space, nor contain NUL')
  }
  return file
}

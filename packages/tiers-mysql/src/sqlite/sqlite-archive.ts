import { config, InvalidConfig, type ArchiveTier, type Clock, type Random } from '@se/core'
import { systemClock, systemRandom } from '@se/core/node'
import { RelationalArchive } from '../relational-archive.ts'
import type { RetryReport } from '../retry.ts'
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
  /** Page cache, bytes, 1 MiB … 64 GiB. Default 64 MiB. */
  readonly cacheBytes?: number
  /** Attempts at a transaction that meets other writers, 1 … 1,000. Default 20. */
  readonly attemptsMax?: number
  /** Told before each further attempt [W7]. */
  readonly onRetry?: (report: RetryReport) => void
  readonly clock?: Clock
  readonly random?: Random
}

const FIELDS = ['file', 'exclusive', 'busyMs', 'cacheBytes', 'attemptsMax', 'onRetry', 'clock', 'random']

/**
 * The archive in an SQLite file, in this process: WAL, `synchronous=FULL`.
 *
 * The driver is synchronous: a batch of 1,000 small items holds the event loop for some milliseconds. While a
 * scan or `readTree` runs on an exclusive archive, writes wait; so never await a write inside `visit`.
 *
 * @throws InvalidConfig naming the field
 */
export function sqliteArchive(options: SqliteArchiveOptions): ArchiveTier {
  config.onlyFields('archive', options, FIELDS)
  const clock = options.clock ?? systemClock
  const backend = new SqliteBackend({
    file: parseFile(options.file),
    isExclusive: config.boolean('archive.exclusive', options.exclusive, true),
    clock,
    busyMs: config.integer('archive.busyMs', options.busyMs, { default: 20, min: 0, max: 10_000 }),
    cacheBytes: config.integer('archive.cacheBytes', options.cacheBytes, {
      default: 64 * 2 ** 20,
      min: 2 ** 20,
      max: 64 * 2 ** 30,
    }),
  })
  return new RelationalArchive(backend, {
    clock,
    random: options.random ?? systemRandom,
    attemptsMax: config.integer('archive.attemptsMax', options.attemptsMax, {
      default: 20,
      min: 1,
      max: 1_000,
    }),
    onRetry: options.onRetry ?? (() => undefined),
  })
}

/** The driver trims what it is given, and a blank name is a temporary database; SQLite reads a name up to its first NUL. */
function parseFile(given: string): string {
  const file = config.string('archive.file', given)
  if (file.trim() !== file || file.includes('\0')) {
    throw new InvalidConfig('archive.file', 'must not begin or end with white space, nor contain NUL')
  }
  return file
}

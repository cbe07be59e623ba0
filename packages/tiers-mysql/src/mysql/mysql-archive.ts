import {
  integerField,
  otherField,
  portField,
  readFields,
  stringField,
  type Clock,
  type Random,
} from '@se/core'
import { systemClock, systemRandom } from '@se/core/node'
import type { SslOptions } from 'mysql2'
import { RelationalArchive, type SqlArchive } from '../relational-archive.ts'
import type { RetryReport } from '../retry.ts'
import { checkTablePrefix, TABLE_PREFIX_DEFAULT } from '../tables.ts'
import { MysqlBackend } from './backend.ts'
import { parseMysqlUrl } from './url.ts'

export interface MysqlArchiveOptions {
  /** `mysql://user:password@host:port/database`; never repeated in a message. The database must exist. */
  readonly url: string
  /** Most connections. A batch, a lookup and a scan each take one while they run. */
  readonly poolSize?: number
  /** Longest time until a connection is there, with its session set up and read back. */
  readonly connectTimeoutMs?: number
  /** Longest wait for a free connection. */
  readonly acquireTimeoutMs?: number
  /** Longest wait for the answer to one statement. Then the connection is given up. */
  readonly statementTimeoutMs?: number
  /** A connection is replaced after this time: addresses move, and a server's limits are read when one is opened. */
  readonly connectionAgeMs?: number
  /** Longest wait of one statement for a row lock. */
  readonly lockWaitSeconds?: number
  /** Attempts at a transaction that meets deadlocks or lock waits. */
  readonly attemptsMax?: number
  /** Beginning of the tables' names: two archives may share a database under two prefixes. */
  readonly tablePrefix?: string
  /** TLS, as mysql2 takes it. Default: none. */
  readonly ssl?: SslOptions
  /** Told before each further attempt [W7]. */
  readonly onRetry?: (report: RetryReport) => void
  readonly clock?: Clock
  readonly random?: Random
}

/** The fields of {@link MysqlArchiveOptions}. */
export const MYSQL_ARCHIVE_FIELDS = {
  url: stringField({
    meaning: '`mysql://user:password@host:port/database`; the database must exist',
    isRequired: true,
  }),
  poolSize: integerField({
    meaning: 'most connections; a batch, a lookup and a scan each take one while they run',
    default: 8,
    min: 1,
    max: 1_000,
  }),
  connectTimeoutMs: integerField({
    meaning: 'longest time until a connection is there, with its session set up and read back, ms',
    default: 5_000,
    min: 100,
    max: 600_000,
  }),
  acquireTimeoutMs: integerField({
    meaning: 'longest wait for a free connection, ms',
    default: 10_000,
    min: 10,
    max: 600_000,
  }),
  statementTimeoutMs: integerField({
    meaning: 'longest wait for the answer to one statement, ms; then the connection is given up',
    default: 30_000,
    min: 100,
    max: 3_600_000,
  }),
  connectionAgeMs: integerField({
    meaning: 'a connection is replaced after this time, ms: addresses move, and limits are read anew',
    default: 300_000,
    min: 1_000,
    max: 86_400_000,
  }),
  lockWaitSeconds: integerField({
    meaning: 'longest wait of one statement for a row lock, s',
    default: 5,
    min: 1,
    max: 3_600,
  }),
  attemptsMax: integerField({
    meaning: 'attempts at a transaction that meets deadlocks or lock waits',
    default: 10,
    min: 1,
    max: 1_000,
  }),
  tablePrefix: stringField({
    meaning: 'beginning of the names of the tables: small letters, digits and underlines',
    default: TABLE_PREFIX_DEFAULT,
  }),
  ssl: otherField<SslOptions>({
    meaning: 'TLS, as mysql2 takes it; without it, none',
    what: 'an object of TLS options',
    accepts: (value) => typeof value === 'object' && value !== null,
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
 * The archive in MySQL (8.0 or newer) or MariaDB (10.4 or newer), tables in InnoDB.
 *
 * @throws InvalidConfig naming the field
 */
export function mysqlArchive(options: MysqlArchiveOptions): SqlArchive {
  const fields = readFields('archive', options, MYSQL_ARCHIVE_FIELDS)
  const { url, ssl, attemptsMax, clock = systemClock, random = systemRandom } = fields
  const backend = new MysqlBackend({
    server: { ...parseMysqlUrl(url), ...(ssl === undefined ? {} : { ssl }) },
    poolSize: fields.poolSize,
    connectTimeoutMs: fields.connectTimeoutMs,
    acquireTimeoutMs: fields.acquireTimeoutMs,
    statementTimeoutMs: fields.statementTimeoutMs,
    connectionAgeMs: fields.connectionAgeMs,
    lockWaitSeconds: fields.lockWaitSeconds,
    tablePrefix: checkTablePrefix(fields.tablePrefix),
    clock,
    random,
  })
  const onRetry = fields.onRetry ?? (() => undefined)
  return new RelationalArchive(backend, { clock, random, attemptsMax, onRetry })
}

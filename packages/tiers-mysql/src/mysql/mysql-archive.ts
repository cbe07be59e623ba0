import { integerField, otherField, readFields, stringField } from '@se/core'
import type { SslOptions } from 'mysql2'
import { commonFields, createArchive, type CommonArchiveOptions } from '../archive-options.ts'
import type { SqlArchive } from '../relational-archive.ts'
import { MysqlDatabase } from './database.ts'
import { parseMysqlUrl } from './url.ts'

export interface MysqlArchiveOptions extends CommonArchiveOptions {
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
  /** TLS, as mysql2 takes it. Default: none. */
  readonly ssl?: SslOptions
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
  ssl: otherField<SslOptions>({
    meaning: 'TLS, as mysql2 takes it; without it, none',
    what: 'an object of TLS options',
    accepts: (value) => typeof value === 'object' && value !== null,
  }),
  ...commonFields({ attemptsMax: 10 }),
}

/**
 * The archive in MySQL (8.0 or newer) or MariaDB (10.4 or newer), tables in InnoDB.
 *
 * @throws InvalidConfig naming the field
 */
export function mysqlArchive(options: MysqlArchiveOptions): SqlArchive {
  const fields = readFields('archive', options, MYSQL_ARCHIVE_FIELDS)
  const { url, ssl } = fields
  return createArchive(
    fields,
    (parts) =>
      new MysqlDatabase({
        ...parts,
        server: { ...parseMysqlUrl(url), ...(ssl === undefined ? {} : { ssl }) },
        poolSize: fields.poolSize,
        connectTimeoutMs: fields.connectTimeoutMs,
        acquireTimeoutMs: fields.acquireTimeoutMs,
        statementTimeoutMs: fields.statementTimeoutMs,
        connectionAgeMs: fields.connectionAgeMs,
        lockWaitSeconds: fields.lockWaitSeconds,
      }),
  )
}

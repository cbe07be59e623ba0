import { config, type ArchiveTier, type Clock, type Random } from '@se/core'
import { systemClock, systemRandom } from '@se/core/node'
import type { SslOptions } from 'mysql2'
import { RelationalArchive } from '../relational-archive.ts'
import type { RetryReport } from '../retry.ts'
import { MysqlBackend } from './backend.ts'
import { parseMysqlUrl } from './url.ts'

export interface MysqlArchiveOptions {
  /** `mysql://user:password@host:port/database`; never repeated in a message. The database must exist. */
  readonly url: string
  /** Most connections, 1 … 1,000. Default 8. A batch, a lookup and a scan each take one while they run. */
  readonly poolSize?: number
  /** 100 … 600,000 ms, default 5,000. */
  readonly connectTimeoutMs?: number
  /** Longest wait for the answer to one statement, 100 … 3,600,000 ms, default 30,000. Then the connection is given up. */
  readonly statementTimeoutMs?: number
  /** Longest wait of one statement for a row lock, 1 … 3,600 s, default 5. */
  readonly lockWaitSeconds?: number
  /** Attempts at a transaction that meets deadlocks or lock waits, 1 … 1,000. Default 10. */
  readonly attemptsMax?: number
  /** TLS, as mysql2 takes it. Default: none. */
  readonly ssl?: SslOptions
  /** Told before each further attempt [W7]. */
  readonly onRetry?: (report: RetryReport) => void
  readonly clock?: Clock
  readonly random?: Random
}

const FIELDS = [
  'url',
  'poolSize',
  'connectTimeoutMs',
  'statementTimeoutMs',
  'lockWaitSeconds',
  'attemptsMax',
  'ssl',
  'onRetry',
  'clock',
  'random',
]

/**
 * The archive in MySQL (8.0 or newer) or MariaDB (10.4 or newer), tables in InnoDB.
 *
 * @throws InvalidConfig naming the field
 */
export function mysqlArchive(options: MysqlArchiveOptions): ArchiveTier {
  config.onlyFields('archive', options, FIELDS)
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const ssl = options.ssl === undefined ? {} : { ssl: options.ssl }
  const backend = new MysqlBackend({
    server: { ...parseMysqlUrl(config.string('archive.url', options.url)), ...ssl },
    poolSize: config.integer('archive.poolSize', options.poolSize, { default: 8, min: 1, max: 1_000 }),
    connectTimeoutMs: config.integer('archive.connectTimeoutMs', options.connectTimeoutMs, {
      default: 5_000,
      min: 100,
      max: 600_000,
    }),
    statementTimeoutMs: config.integer('archive.statementTimeoutMs', options.statementTimeoutMs, {
      default: 30_000,
      min: 100,
      max: 3_600_000,
    }),
    lockWaitSeconds: config.integer('archive.lockWaitSeconds', options.lockWaitSeconds, {
      default: 5,
      min: 1,
      max: 3_600,
    }),
    clock,
    random,
  })
  return new RelationalArchive(backend, {
    clock,
    random,
    attemptsMax: config.integer('archive.attemptsMax', options.attemptsMax, {
      default: 10,
      min: 1,
      max: 1_000,
    }),
    onRetry: options.onRetry ?? (() => undefined),
  })
}

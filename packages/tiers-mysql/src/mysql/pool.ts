import type { Clock, Random } from '@se/core'
import { createPool, type Pool, type PoolConnection, type PoolOptions, type RowDataPacket } from 'mysql2'
import { MysqlConnection } from './connection.ts'
import { codedError, OLD_CONNECTION_LIVES } from './errors.ts'

export interface MysqlPoolOptions {
  /** Host, user and so on; see `mysql/url.ts`. */
  readonly server: PoolOptions
  readonly poolSize: number
  readonly connectTimeoutMs: number
  readonly statementTimeoutMs: number
  readonly lockWaitSeconds: number
  readonly clock: Clock
  readonly random: Random
}

/** Prepared statements kept by each connection. All texts of the archive are some 60. */
const PREPARED_MAX = 200
/** How long an old connection is waited for after it was told to end, seconds. */
const ENDING_SECONDS = 10
/** A session that says nothing for this long is ended by the server, seconds: ours are reopened at need. */
const IDLE_SECONDS = 600
/** The same within a write transaction, where it holds locks (MariaDB only), seconds. */
const IDLE_WRITE_SECONDS = 30

/**
 * Connections whose sessions are all set up alike [P47], and the memory of those that were lost while they
 * wrote.
 *
 * A connection lost during COMMIT lives on at the server, may still commit, and holds its locks for hours
 * [P61]. So each session takes a server-wide lock with a name of its own (its mark): whoever holds that lock
 * is the old session, whatever its number, also after a restart that gave the number to a stranger; and the
 * lock is free only after the session has rolled back.
 */
export class MysqlPool {
  readonly pool: Pool
  readonly #options: MysqlPoolOptions
  readonly #ready = new WeakMap<PoolConnection, MysqlConnection>()
  readonly #lostMarks = new Set<string>()
  #ending: Promise<void> | undefined

  constructor(options: MysqlPoolOptions) {
    this.#options = options
    this.pool = createPool({
      ...options.server,
      connectionLimit: options.poolSize,
      connectTimeout: options.connectTimeoutMs,
      charset: 'utf8mb4_bin',
      maxPreparedStatements: PREPARED_MAX,
      // `affectedRows` then counts rows that changed, not rows that were found [P40].
      flags: ['-FOUND_ROWS'],
    })
  }

  /** A connection with its session set up; give it back with `release` or `destroy`. */
  async acquire(): Promise<MysqlConnection> {
    const connection = await new Promise<PoolConnection>((resolve, reject) => {
      this.pool.getConnection((error, acquired) => (error ? reject(error) : resolve(acquired)))
    })
    const known = this.#ready.get(connection)
    if (known !== undefined) return known
    try {
      const ready = await this.#setUp(connection)
      this.#ready.set(connection, ready)
      return ready
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  /** A connection for writing: first, whatever was lost while it wrote is ended on the server. */
  async acquireToWrite(): Promise<MysqlConnection> {
    while (this.#lostMarks.size > 0) {
      // One at a time: who waits for a mark to be free holds it for a moment, and must not be taken for the old session.
      this.#ending ??= this.#endLostSessions().finally(() => {
        this.#ending = undefined
      })
      await this.#ending
    }
    return this.acquire()
  }

  async #endLostSessions(): Promise<void> {
    const connection = await this.acquire()
    try {
      for (const mark of [...this.#lostMarks]) {
        await endSession(connection, mark)
        this.#lostMarks.delete(mark)
      }
      connection.release()
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  /** Gives up a connection that was lost while it wrote. */
  abandon(connection: MysqlConnection): void {
    this.#lostMarks.add(connection.mark)
    connection.destroy()
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.pool.end(() => resolve()))
  }

  async #setUp(connection: PoolConnection): Promise<MysqlConnection> {
    const { clock, random, statementTimeoutMs: timeoutMs, lockWaitSeconds } = this.#options
    const mark = `se-archive-${Buffer.from(random.bytes(16)).toString('hex')}`
    const bare = new MysqlConnection(connection, { mark, packetBytesMax: 0 }, { clock, timeoutMs })
    await bare.command('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
    // What stands in the comment is for MariaDB alone. The threshold turns long IN lists into joins, which lock in
    // another order.
    await bare.command(
      `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION time_zone = '+00:00',
        SESSION autocommit = 1, SESSION innodb_lock_wait_timeout = ${lockWaitSeconds},
        SESSION wait_timeout = ${IDLE_SECONDS}
        /*M!100400 , SESSION in_predicate_conversion_threshold = 0,
        SESSION idle_write_transaction_timeout = ${IDLE_WRITE_SECONDS} */`,
    )
    const [row] = await bare.rows<RowDataPacket>(
      'SELECT GET_LOCK(?, 0) AS is_marked, @@max_allowed_packet AS packet_bytes',
      [mark],
    )
    if (row?.['is_marked'] !== 1) throw codedError(OLD_CONNECTION_LIVES, 'the mark of a new session is taken')
    const packetBytesMax = Number(row['packet_bytes'])
    return new MysqlConnection(connection, { mark, packetBytesMax }, { clock, timeoutMs })
  }
}

/**
 * Ends the session that holds a mark, and returns when it has rolled back or committed.
 *
 * @throws with code SE_OLD_CONNECTION_LIVES when it has not ended in time; ask again
 */
async function endSession(connection: MysqlConnection, mark: string): Promise<void> {
  const [holder] = await connection.rows<RowDataPacket>('SELECT IS_USED_LOCK(?) AS thread', [mark])
  const thread = Number(holder?.['thread'] ?? 0)
  if (thread === 0) return
  try {
    await connection.command(`KILL CONNECTION ${thread}`)
  } catch (error) {
    // It ended by itself meanwhile.
    if ((error as { errno?: unknown }).errno !== NO_SUCH_THREAD) throw error
  }
  const [row] = await connection.rows<RowDataPacket>('SELECT GET_LOCK(?, ?) AS is_free', [
    mark,
    ENDING_SECONDS,
  ])
  if (row?.['is_free'] !== 1) {
    throw codedError(OLD_CONNECTION_LIVES, 'a lost connection still holds its locks on the server')
  }
  await connection.rows('SELECT RELEASE_LOCK(?)', [mark])
}

const NO_SUCH_THREAD = 1094

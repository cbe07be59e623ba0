import type { Random } from '@se/core'
import type { CompiledQuery } from 'kysely'
import type { ArchiveDatabase, Dialect, ReadSession, RowReader, WriteSession } from '../archive-database.ts'
import { install, type ArchiveSchema } from '../install.ts'
import type { FoundRow } from '../item-row.ts'
import { ItemReader } from '../item-table.ts'
import { tableNames } from '../tables.ts'
import { connect, type ConnectOptions } from './connect.ts'
import type { MysqlConnection } from './connection.ts'
import { mysqlDialect } from './dialect.ts'
import { judgeMysqlError, OWN_CODES } from './error-table.ts'
import { codedError, mysqlErrors } from './errors.ts'
import { MysqlItemTexts } from './item-table.ts'
import { LostSessions } from './lost-sessions.ts'
import { mysqlMigrations, mysqlMigrationsTable } from './migrations.ts'
import { ConnectionPool } from './pool.ts'
import { MysqlSchema } from './schema-access.ts'
import { MysqlSession } from './session.ts'
import { behindMsOf, idleMsMax, topologyOf, type Topology } from './topology.ts'

export interface MysqlDatabaseOptions extends ConnectOptions {
  readonly poolSize: number
  readonly acquireTimeoutMs: number
  readonly connectionAgeMs: number
  readonly random: Random
  readonly tablePrefix: string
}

/** MySQL or MariaDB, through a pool of connections. */
export class MysqlDatabase implements ArchiveDatabase {
  readonly name = 'mysql'
  readonly isExclusive = false
  readonly errors = mysqlErrors
  readonly schema: ArchiveSchema
  readonly #options: MysqlDatabaseOptions
  readonly #dialect: Dialect
  readonly #texts: MysqlItemTexts
  readonly #lost = new LostSessions()
  #pool: ConnectionPool<MysqlConnection> | undefined
  /** Of the connection that was opened last. */
  #topology: Topology = topologyOf([])
  /** The longest that any server asked for: what was a cluster once may be one behind the next connection. */
  #behindMs = behindMsOf(this.#topology)

  constructor(options: MysqlDatabaseOptions) {
    this.#options = options
    const tables = tableNames(options.tablePrefix)
    this.#texts = new MysqlItemTexts(tables.items)
    this.schema = { tables, migrations: mysqlMigrations, migrationsTable: mysqlMigrationsTable(tables) }
    this.#dialect = mysqlDialect(options.tablePrefix, () => this.#topology)
  }

  get behindMs(): number {
    return this.#behindMs
  }

  async open(): Promise<void> {
    const { poolSize, acquireTimeoutMs, connectionAgeMs, clock, random } = this.#options
    this.#pool ??= new ConnectionPool({
      open: async (gaveUp) => {
        const connection = await connect(this.#options, gaveUp)
        this.#topology = connection.session.topology
        this.#behindMs = Math.max(this.#behindMs, behindMsOf(this.#topology))
        return connection
      },
      idleMsMax: (connection) => idleMsMax(connection.session.topology),
      size: poolSize,
      acquireTimeoutMs,
      // Not all at once: those that were opened together would be opened again together.
      ageMsMax: connectionAgeMs * (1 - random.fraction() / 10),
      clock,
    })
  }

  install(): Promise<void> {
    return this.#reading((connection) => install(new MysqlSchema(connection, this.schema)))
  }

  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await pool?.close()
  }

  async write<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
    await this.#lost.end((ending) => this.#reading(ending))
    return this.#using(
      async (connection) => {
        await connection.isolate('READ COMMITTED')
        await connection.command('START TRANSACTION')
        const result = await work(new MysqlSession(connection, this.#dialect, this.#texts))
        await connection.command('COMMIT')
        return result
      },
      { isWriting: true, mayKeep: true },
    )
  }

  async snapshot<T>(work: (session: ReadSession) => Promise<T>, isScan = false): Promise<T> {
    const snapshot = async (connection: MysqlConnection): Promise<T> => {
      if (isScan) await connection.setPatience(true)
      await connection.isolate('REPEATABLE READ')
      await connection.command('START TRANSACTION WITH CONSISTENT SNAPSHOT')
      const result = await work(new MysqlSession(connection, this.#dialect, this.#texts))
      await connection.command('COMMIT')
      if (isScan) await connection.setPatience(false)
      return result
    }
    // After a scan that failed the session would keep the patience of one, in the middle of a batch as well.
    return this.#using(snapshot, { isWriting: false, mayKeep: !isScan })
  }

  read<T>(work: (reader: RowReader) => Promise<T>): Promise<T> {
    return this.#reading((connection) =>
      work({ dialect: this.#dialect, rows: <R>(query: CompiledQuery<R>) => connection.query(query) }),
    )
  }

  find(ids: readonly string[]): Promise<ReadonlyMap<string, FoundRow>> {
    return this.#reading((connection) => new ItemReader(this.#texts, connection).find(ids))
  }

  #reading<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    return this.#using(work, { isWriting: false, mayKeep: true })
  }

  /**
   * Runs on a connection of its own, and does with it afterwards what the error, if any, demands.
   *
   * @param mayKeep after an error that leaves the connection as it was, it is used again
   */
  async #using<T>(
    work: (connection: MysqlConnection) => Promise<T>,
    { isWriting, mayKeep }: { readonly isWriting: boolean; readonly mayKeep: boolean },
  ): Promise<T> {
    const pool = this.#open()
    let connection: MysqlConnection
    try {
      connection = await pool.acquire()
    } catch (error) {
      if (judgeMysqlError(error)?.connection === 'drain') pool.drain()
      throw error
    }
    try {
      const result = await work(connection)
      pool.release(connection)
      return result
    } catch (thrown) {
      const error = await limitsAreOld(thrown, connection).then(
        (outdated) => outdated ?? thrown,
        (unanswered: unknown) => unanswered,
      )
      const verdict = judgeMysqlError(error)?.connection ?? 'keep'
      if (verdict === 'drain') pool.drain()
      if (verdict === 'keep' && mayKeep && (await isRolledBack(connection))) {
        pool.release(connection)
      } else {
        if (isWriting) this.#lost.add(connection.session.thread)
        pool.discard(connection)
      }
      throw error
    }
  }

  #open(): ConnectionPool<MysqlConnection> {
    if (this.#pool === undefined) throw codedError(OWN_CODES.closed, 'the archive is closed')
    return this.#pool
  }
}

/**
 * What is too large for a connection may not be too large for the server any more, as a session keeps the limit that it began
 * with. Asked for where it matters, at a refusal: by the age of the connection it would be guessed.
 */
async function limitsAreOld(error: unknown, connection: MysqlConnection): Promise<Error | undefined> {
  if ((error as { code?: unknown } | null)?.code !== OWN_CODES.packetTooLarge) return undefined
  const [row] = await connection.rows<{ packet_bytes: number }>(
    'SELECT @@global.max_allowed_packet AS packet_bytes',
    [],
  )
  if (!(Number(row?.packet_bytes) > connection.session.packetBytesMax)) return undefined
  return codedError(OWN_CODES.limitsOutdated, 'max_allowed_packet is read again')
}

/** Whether the connection is known to be outside any transaction, and can be used again. */
async function isRolledBack(connection: MysqlConnection): Promise<boolean> {
  if (connection.isEnded) return false
  try {
    await connection.command('ROLLBACK')
    return true
  } catch {
    return false
  }
}

import { createHash } from 'node:crypto'
import { MysqlAdapter, MysqlQueryCompiler, sql, type CompiledQuery } from 'kysely'
import type { Backend, Dialect, Failure, FoundRow, ReadSession, WriteSession } from '../backend.ts'
import { createBuilder } from '../compile-only.ts'
import type { RowReader } from '../heads.ts'
import { install, type SchemaAccess } from '../install.ts'
import type { ColumnInfo } from '../schema-check.ts'
import { tableNames, type TableNames } from '../tables.ts'
import { connect, type ConnectOptions } from './connect.ts'
import type { MysqlConnection } from './connection.ts'
import { judgeMysqlError, OWN_CODES } from './error-table.ts'
import { classifyMysqlError, codedError, describeMysqlError } from './errors.ts'
import { ItemStatements } from './item-statements.ts'
import { LostSessions } from './lost-sessions.ts'
import { mysqlMigrations, mysqlMigrationsTable } from './migrations.ts'
import { ConnectionPool } from './pool.ts'
import { MysqlSession } from './session.ts'
import {
  behindMsOf,
  idleMsMax,
  isReadOnly,
  readOnlyExpression,
  topologyOf,
  type Topology,
} from './topology.ts'

export interface MysqlBackendOptions extends ConnectOptions {
  readonly poolSize: number
  readonly acquireTimeoutMs: number
  readonly connectionAgeMs: number
  readonly tablePrefix: string
}

/** How long one wait for the lock of those who make tables may take, seconds; then it is waited for again. */
const INSTALL_LOCK_SECONDS = 2

/** MySQL or MariaDB, through a pool of connections. */
export class MysqlBackend implements Backend {
  readonly name = 'mysql'
  readonly isExclusive = false
  readonly dialect: Dialect
  readonly schema: Pick<SchemaAccess, 'tables' | 'migrations' | 'migrationsTable'>
  readonly #options: MysqlBackendOptions
  readonly #items: ItemStatements
  readonly #lost = new LostSessions()
  #pool: ConnectionPool<MysqlConnection> | undefined
  /** Of the connection that was opened last. */
  #topology: Topology = topologyOf([])
  /** The longest that any server asked for: what was a cluster once may be one behind the next connection. */
  #behindMs = behindMsOf(this.#topology)

  constructor(options: MysqlBackendOptions) {
    this.#options = options
    const tables = tableNames(options.tablePrefix)
    this.#items = new ItemStatements(tables.items)
    this.schema = { tables, migrations: mysqlMigrations, migrationsTable: mysqlMigrationsTable(tables) }
    this.dialect = {
      builder: createBuilder(
        {
          createAdapter: () => new MysqlAdapter(),
          createQueryCompiler: () => new MysqlQueryCompiler(),
        },
        options.tablePrefix,
      ),
      forUpdate: sql`for update`,
      // MariaDB has no FOR SHARE; both have this.
      forShare: sql`lock in share mode`,
      nowMs: () => sql<number>`cast(unix_timestamp(now(3)) * 1000 as signed)`,
      readOnly: () => sql<string>`${sql.raw(readOnlyExpression(this.#topology))}`,
      checkWritable(readOnly) {
        if (isReadOnly(readOnly)) throw codedError(OWN_CODES.readOnly, 'the server cannot be written')
      },
    }
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
        await connection.command('START TRANSACTION')
        const result = await work(new MysqlSession(connection, this.#items))
        await connection.command('COMMIT')
        return result
      },
      { isWriting: true },
    )
  }

  async snapshot<T>(work: (session: ReadSession) => Promise<T>, isScan = false): Promise<T> {
    return this.#reading(async (connection) => {
      if (isScan) await connection.setPatience(true)
      await connection.command('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
      await connection.command('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
      const result = await work(new MysqlSession(connection, this.#items))
      await connection.command('COMMIT')
      if (isScan) await connection.setPatience(false)
      return result
    })
  }

  read<T>(work: (reader: RowReader) => Promise<T>): Promise<T> {
    return this.#reading((connection) =>
      work({ rows: <R>(query: CompiledQuery<R>) => connection.query(query) }),
    )
  }

  find(ids: readonly string[]): Promise<ReadonlyMap<string, FoundRow>> {
    return this.#reading((connection) => this.#items.find(connection, ids))
  }

  classify(error: unknown): Failure {
    return classifyMysqlError(error)
  }

  describe(error: unknown): string {
    return describeMysqlError(error)
  }

  #reading<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    return this.#using(work, { isWriting: false })
  }

  /** Runs on a connection of its own, and does with it afterwards what the error, if any, demands. */
  async #using<T>(
    work: (connection: MysqlConnection) => Promise<T>,
    { isWriting }: { readonly isWriting: boolean },
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
      if (verdict === 'keep' && (await isRolledBack(connection))) {
        pool.release(connection)
      } else {
        if (isWriting) this.#lost.add(connection.session.mark)
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

/** The tables, through one connection. */
class MysqlSchema implements SchemaAccess {
  readonly tables: TableNames
  readonly migrations: SchemaAccess['migrations']
  readonly migrationsTable: string
  readonly #connection: MysqlConnection

  constructor(
    connection: MysqlConnection,
    schema: Pick<SchemaAccess, 'tables' | 'migrations' | 'migrationsTable'>,
  ) {
    this.#connection = connection
    this.tables = schema.tables
    this.migrations = schema.migrations
    this.migrationsTable = schema.migrationsTable
  }

  async installed(): Promise<readonly string[] | undefined> {
    const [table] = await this.#connection.rows(
      `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
      [this.tables.migrations],
    )
    if (table === undefined) return undefined
    const rows = await this.#connection.rows<{ name: string }>(
      `SELECT name FROM ${this.tables.migrations}`,
      [],
    )
    return rows.map(({ name }) => name)
  }

  async columns(): Promise<ReadonlyMap<string, readonly ColumnInfo[]>> {
    const names = Object.values(this.tables) as string[]
    const rows = await this.#connection.arrays<
      [
        table: string,
        name: string,
        type: string,
        nullable: string,
        key: string,
        fallback: unknown,
        extra: string,
      ]
    >(
      `SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_KEY, COLUMN_DEFAULT, EXTRA
        FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (${names.map(() => '?').join(', ')})`,
      names,
    )
    const columns = new Map<string, ColumnInfo[]>()
    for (const [table, name, type, nullable, key, fallback, extra] of rows) {
      const isNullable = nullable === 'YES'
      const mayBeOmitted = isNullable || fallback !== null || extra !== ''
      const column = { name, type, isNullable, isPrimaryKey: key === 'PRI', mayBeOmitted }
      columns.set(table, [...(columns.get(table) ?? []), column])
    }
    return columns
  }

  async run(statement: string): Promise<void> {
    await this.#connection.command(statement)
  }

  /** A lock with a name of this database and prefix: not one that every program with the same library takes. */
  async exclusively(work: () => Promise<void>): Promise<void> {
    const [database] = await this.#connection.rows<{ name: string }>('SELECT DATABASE() AS name', [])
    const digest = createHash('sha256').update(`${database?.name}/${this.tables.migrations}`).digest('hex')
    const lock = `se-install-${digest.slice(0, 32)}`
    for (;;) {
      const [row] = await this.#connection.rows<{ is_free: number | null }>(
        'SELECT GET_LOCK(?, ?) AS is_free',
        [lock, INSTALL_LOCK_SECONDS],
      )
      if (Number(row?.is_free) === 1) break
    }
    try {
      await work()
    } finally {
      if (!this.#connection.isEnded) await this.#connection.rows('SELECT RELEASE_LOCK(?)', [lock])
    }
  }
}

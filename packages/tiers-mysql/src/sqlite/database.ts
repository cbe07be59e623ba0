import { mkdir } from 'node:fs/promises'
import { dirname, resolve as resolvePath } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '@se/core'
import type { ArchiveDatabase, Dialect, ReadSession, RowReader, WriteSession } from '../archive-database.ts'
import { install, type ArchiveSchema } from '../install.ts'
import type { FoundRow } from '../item-row.ts'
import { ItemReader } from '../item-table.ts'
import { tableNames } from '../tables.ts'
import { SqliteConnection } from './connection.ts'
import { sqliteDialect } from './dialect.ts'
import { FileIdentity } from './file-identity.ts'
import { closedError, sqliteErrors } from './errors.ts'
import { itemConnection, SqliteItemTexts } from './item-table.ts'
import { sqliteMigrations, sqliteMigrationsTable } from './migrations.ts'
import { sqliteSchema } from './schema-access.ts'
import { SqliteSession } from './session.ts'
import { Turnstile } from './turnstile.ts'

export interface SqliteDatabaseOptions {
  readonly file: string
  readonly isExclusive: boolean
  /** Also the archive's clock: database and process share a machine. */
  readonly clock: Clock
  /** Longest wait of one statement for another process, ms; it blocks the event loop. */
  readonly busyMs: number
  /** Longest wait for a transaction or scan of this process to end, ms. */
  readonly turnMs: number
  /** Page cache of the writing connection, bytes. */
  readonly cacheBytes: number
  readonly tablePrefix: string
}

/** Pages of 4 KiB in the log that start a checkpoint: the file grows to some 40 MB beside the database. */
const CHECKPOINT_PAGES = 10_000
/** A log that grew larger than that, under a long scan or a large batch, is cut to it at the next checkpoint, bytes. */
const WAL_BYTES_MAX = 64 * 2 ** 20
/** How long a close waits for what is running, ms. */
const CLOSE_WAIT_MS = 1_000

/**
 * SQLite, in this process.
 *
 * With an exclusive lock there is one connection for everything, and SQLite would show a lookup what a
 * transaction on the same connection has not committed yet. So transactions pass a turnstile one at a time,
 * and a lookup waits while one of them writes. A snapshot passes it too: it holds writers up until it ends.
 *
 * Without it, lookups have a connection of their own, and each snapshot another.
 */
export class SqliteDatabase implements ArchiveDatabase {
  readonly name = 'sqlite'
  readonly isExclusive: boolean
  /** The file is here: it cannot be behind. */
  readonly behindMs = 0
  readonly errors = sqliteErrors
  readonly schema: ArchiveSchema
  readonly #options: SqliteDatabaseOptions
  readonly #dialect: Dialect
  readonly #texts: SqliteItemTexts
  readonly #turnstile: Turnstile
  #writer: SqliteConnection | undefined
  #reader: SqliteConnection | undefined
  #identity: FileIdentity | undefined
  #isWriting = false

  constructor(options: SqliteDatabaseOptions) {
    this.#options = options
    // A database in memory is seen by its own connection alone.
    this.isExclusive = options.isExclusive || options.file === ':memory:'
    this.#dialect = sqliteDialect(options.clock, options.tablePrefix)
    const tables = tableNames(options.tablePrefix)
    this.schema = { tables, migrations: sqliteMigrations, migrationsTable: sqliteMigrationsTable(tables) }
    this.#texts = new SqliteItemTexts(tables.items)
    this.#turnstile = new Turnstile(options.clock, options.turnMs)
  }

  async open(): Promise<void> {
    if (this.#writer !== undefined) return
    const { file } = this.#options
    if (file !== ':memory:') await mkdir(dirname(file), { recursive: true })
    const writer = this.#connect()
    try {
      this.#reader = this.isExclusive ? writer : this.#connect()
    } catch (error) {
      writer.close()
      throw error
    }
    this.#writer = writer
    this.#identity = file === ':memory:' ? undefined : new FileIdentity(resolvePath(file))
  }

  install(): Promise<void> {
    return this.#turnstile.pass(async () => install(sqliteSchema(this.#required(this.#writer), this.schema)))
  }

  async close(): Promise<void> {
    const [reader, writer] = [this.#reader, this.#writer]
    this.#reader = undefined
    this.#writer = undefined
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.setTimer(CLOSE_WAIT_MS, resolve)
      void this.#turnstile.current().then(() => {
        cancel()
        resolve()
      })
    })
    if (reader !== writer) reader?.close()
    writer?.close()
  }

  write<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
    return this.#turnstile.pass(async () => {
      const connection = this.#required(this.#writer)
      this.#identity?.check()
      connection.begin('IMMEDIATE')
      this.#isWriting = true
      try {
        const result = await work(new SqliteSession(connection, this.#dialect, this.#texts))
        connection.commit()
        return result
      } finally {
        connection.rollback()
        this.#isWriting = false
      }
    })
  }

  async snapshot<T>(work: (session: ReadSession) => Promise<T>): Promise<T> {
    if (this.isExclusive) {
      return this.#turnstile.pass(async () => this.#readSnapshot(this.#required(this.#writer), work))
    }
    this.#required(this.#reader)
    const connection = this.#connect()
    try {
      return await this.#readSnapshot(connection, work)
    } finally {
      connection.close()
    }
  }

  async read<T>(work: (reader: RowReader) => Promise<T>): Promise<T> {
    const connection = await this.#lookupConnection()
    this.#identity?.check()
    return work(new SqliteSession(connection, this.#dialect, this.#texts))
  }

  async find(ids: readonly string[]): Promise<ReadonlyMap<string, FoundRow>> {
    let isFirst = true
    const connection = async () => {
      // Each of many statements holds the event loop.
      if (!isFirst) await nextTurn()
      isFirst = false
      return this.#lookupConnection()
    }
    return new ItemReader(this.#texts, itemConnection(connection)).find(ids)
  }

  /** The connection for a single statement, at a moment when it shows only what is committed. */
  async #lookupConnection(): Promise<SqliteConnection> {
    while (this.isExclusive && this.#isWriting) await this.#turnstile.current()
    return this.#required(this.#reader)
  }

  #connect(): SqliteConnection {
    const { file, busyMs, cacheBytes } = this.#options
    const connection = new SqliteConnection(file, busyMs)
    try {
      const { database } = connection
      // Before the journal mode: WAL then keeps its index in memory, not in a file others could map.
      if (this.isExclusive) database.pragma('locking_mode = EXCLUSIVE')
      database.pragma('journal_mode = WAL')
      // better-sqlite3 is built with NORMAL for WAL, which loses commits at power loss [P41].
      database.pragma('synchronous = FULL')
      // A checkpoint writes each page once, however often the log has it: the default of 1,000 pages is one batch.
      database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
      database.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`)
      database.pragma(`cache_size = -${Math.ceil(cacheBytes / 1024)}`)
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  async #readSnapshot<T>(
    connection: SqliteConnection,
    work: (session: ReadSession) => Promise<T>,
  ): Promise<T> {
    connection.begin('DEFERRED')
    try {
      return await work(new SqliteSession(connection, this.#dialect, this.#texts))
    } finally {
      connection.rollback()
    }
  }

  #required(connection: SqliteConnection | undefined): SqliteConnection {
    if (connection === undefined) throw closedError()
    return connection
  }
}

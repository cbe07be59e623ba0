import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '@se/core'
import {
  sql,
  SqliteAdapter,
  SqliteDialect,
  SqliteQueryCompiler,
  type CompiledQuery,
  type RawBuilder,
} from 'kysely'
import type { Backend, Dialect, Failure, FoundRow, ReadSession, WriteSession } from '../backend.ts'
import { createBuilder } from '../compile-only.ts'
import { migrate } from '../migrate.ts'
import { SqliteConnection } from './connection.ts'
import { classifySqliteError, describeSqliteError } from './errors.ts'
import { sqliteMigrations } from './migrations.ts'
import { findItems, SqliteSession } from './session.ts'
import { Turnstile } from './turnstile.ts'

export interface SqliteBackendOptions {
  readonly file: string
  readonly isExclusive: boolean
  /** Also the archive's clock: database and process share a machine. */
  readonly clock: Clock
  /** Longest wait of one statement for another process, ms; it blocks the event loop. */
  readonly busyMs: number
  /** Page cache of the writing connection, bytes. */
  readonly cacheBytes: number
}

/** Pages of 4 KiB in the log that start a checkpoint: the file grows to some 40 MB beside the database. */
const CHECKPOINT_PAGES = 10_000

/**
 * SQLite, in this process.
 *
 * With an exclusive lock there is one connection for everything, and SQLite would show a lookup what a
 * transaction on the same connection has not committed yet. So transactions pass a turnstile one at a time,
 * and a lookup waits while one of them writes. A snapshot passes it too: it holds writers up until it ends.
 *
 * Without it, lookups have a connection of their own, and each snapshot another.
 */
export class SqliteBackend implements Backend {
  readonly name = 'sqlite'
  readonly isExclusive: boolean
  readonly dialect: Dialect
  readonly #options: SqliteBackendOptions
  readonly #turnstile = new Turnstile()
  #writer: SqliteConnection | undefined
  #reader: SqliteConnection | undefined
  #isWriting = false

  constructor(options: SqliteBackendOptions) {
    this.#options = options
    // A database in memory is seen by its own connection alone.
    this.isExclusive = options.isExclusive || options.file === ':memory:'
    this.dialect = sqliteDialect(options.clock)
  }

  async open(): Promise<void> {
    const { file } = this.#options
    if (file !== ':memory:') await mkdir(dirname(file), { recursive: true })
    const writer = this.#connect()
    this.#writer = writer
    try {
      writer.begin('IMMEDIATE')
      try {
        await migrate(new SqliteDialect({ database: writer.database }), sqliteMigrations)
        writer.commit()
      } finally {
        writer.rollback()
      }
      this.#reader = this.isExclusive ? writer : this.#connect()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#turnstile.pass(async () => {
      if (this.#reader !== this.#writer) this.#reader?.close()
      this.#writer?.close()
      this.#reader = undefined
      this.#writer = undefined
    })
  }

  write<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
    return this.#turnstile.pass(async () => {
      const connection = required(this.#writer)
      connection.begin('IMMEDIATE')
      this.#isWriting = true
      try {
        const result = await work(new SqliteSession(connection))
        connection.commit()
        return result
      } finally {
        connection.rollback()
        this.#isWriting = false
      }
    })
  }

  async snapshot<T>(work: (session: ReadSession) => Promise<T>): Promise<T> {
    if (this.isExclusive) return this.#turnstile.pass(() => readSnapshot(required(this.#writer), work))
    required(this.#reader)
    const connection = this.#connect()
    try {
      return await readSnapshot(connection, work)
    } finally {
      connection.close()
    }
  }

  async rows<R>(query: CompiledQuery<R>): Promise<readonly R[]> {
    return (await this.#lookupConnection()).rows(query)
  }

  async find(ids: readonly string[]): Promise<ReadonlyMap<string, FoundRow>> {
    return findItems(await this.#lookupConnection(), ids)
  }

  classify(error: unknown): Failure {
    return classifySqliteError(error)
  }

  describe(error: unknown): string {
    return describeSqliteError(error)
  }

  /** The connection for a single statement, at a moment when it shows only what is committed. */
  async #lookupConnection(): Promise<SqliteConnection> {
    while (this.isExclusive && this.#isWriting) await this.#turnstile.current()
    return required(this.#reader)
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
      database.pragma(`cache_size = -${Math.ceil(cacheBytes / 1024)}`)
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }
}

async function readSnapshot<T>(
  connection: SqliteConnection,
  work: (session: ReadSession) => Promise<T>,
): Promise<T> {
  connection.begin('DEFERRED')
  try {
    return await work(new SqliteSession(connection))
  } finally {
    connection.rollback()
  }
}

/** @throws an error as of the driver, with a code: to callers, a closed archive is an unavailable one */
function required(connection: SqliteConnection | undefined): SqliteConnection {
  if (connection !== undefined) return connection
  throw Object.assign(new Error('the database is closed'), { code: 'SE_CLOSED' })
}

function sqliteDialect(clock: Clock): Dialect {
  return {
    builder: createBuilder({
      createAdapter: () => new SqliteAdapter(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    }),
    // BEGIN IMMEDIATE has locked everything.
    forUpdate: sql``,
    forShare: sql``,
    nowMs: (): RawBuilder<number> => sql<number>`${Math.floor(clock.nowMs())}`,
  }
}

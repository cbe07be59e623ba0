import {
  MysqlAdapter,
  MysqlDialect,
  MysqlQueryCompiler,
  sql,
  type CompiledQuery,
  type MysqlPool as KyselyPool,
} from 'kysely'
import type { Backend, Dialect, Failure, FoundRow, ReadSession, WriteSession } from '../backend.ts'
import { createBuilder } from '../compile-only.ts'
import { migrate } from '../migrate.ts'
import type { MysqlConnection } from './connection.ts'
import {
  ARCHIVE_CLOSED,
  classifyMysqlError,
  codedError,
  describeMysqlError,
  isConnectionLost,
} from './errors.ts'
import { mysqlMigrations } from './migrations.ts'
import { MysqlPool, type MysqlPoolOptions } from './pool.ts'
import { findItems, MysqlSession } from './session.ts'

const mysqlDialect: Dialect = {
  builder: createBuilder({
    createAdapter: () => new MysqlAdapter(),
    createQueryCompiler: () => new MysqlQueryCompiler(),
  }),
  forUpdate: sql`for update`,
  // MariaDB has no FOR SHARE; both have this.
  forShare: sql`lock in share mode`,
  nowMs: () => sql<number>`cast(unix_timestamp(now(3)) * 1000 as signed)`,
}

/** MySQL or MariaDB, through a pool of connections. */
export class MysqlBackend implements Backend {
  readonly name = 'mysql'
  readonly isExclusive = false
  readonly dialect = mysqlDialect
  readonly #options: MysqlPoolOptions
  #pool: MysqlPool | undefined

  constructor(options: MysqlPoolOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const pool = new MysqlPool(this.#options)
    this.#pool = pool
    try {
      await migrate(new MysqlDialect({ pool: pool.pool as unknown as KyselyPool }), mysqlMigrations)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await pool?.close()
  }

  async write<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
    const pool = this.#open()
    const connection = await pool.acquireToWrite()
    try {
      await connection.command('START TRANSACTION')
      const result = await work(new MysqlSession(connection))
      await connection.command('COMMIT')
      connection.release()
      return result
    } catch (error) {
      if (await isRolledBack(connection, error)) connection.release()
      else pool.abandon(connection)
      throw error
    }
  }

  async snapshot<T>(work: (session: ReadSession) => Promise<T>): Promise<T> {
    return this.#reading(async (connection) => {
      await connection.command('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
      await connection.command('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
      const result = await work(new MysqlSession(connection))
      await connection.command('COMMIT')
      return result
    })
  }

  rows<R>(query: CompiledQuery<R>): Promise<readonly R[]> {
    return this.#reading((connection) => connection.query(query))
  }

  find(ids: readonly string[]): Promise<ReadonlyMap<string, FoundRow>> {
    return this.#reading((connection) => findItems(connection, ids))
  }

  classify(error: unknown): Failure {
    return classifyMysqlError(error)
  }

  describe(error: unknown): string {
    return describeMysqlError(error)
  }

  async #reading<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    const connection = await this.#open().acquire()
    try {
      const result = await work(connection)
      connection.release()
      return result
    } catch (error) {
      if (await isRolledBack(connection, error)) connection.release()
      else connection.destroy()
      throw error
    }
  }

  #open(): MysqlPool {
    if (this.#pool === undefined) throw codedError(ARCHIVE_CLOSED, 'the archive is closed')
    return this.#pool
  }
}

/** Whether the connection is known to be outside any transaction, and can be used again. */
async function isRolledBack(connection: MysqlConnection, error: unknown): Promise<boolean> {
  if (isConnectionLost(error)) return false
  try {
    await connection.command('ROLLBACK')
    return true
  } catch {
    return false
  }
}

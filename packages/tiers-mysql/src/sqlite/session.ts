import type { CompiledQuery } from 'kysely'
import type { Dialect, WriteSession } from '../archive-database.ts'
import type { SqlValue } from '../item-row.ts'
import type { SqliteConnection } from './connection.ts'
import { SqliteItemTable, type SqliteItemTexts } from './item-table.ts'

/** Statements of one transaction. */
export class SqliteSession implements WriteSession {
  readonly items: SqliteItemTable
  readonly dialect: Dialect
  readonly #connection: SessionConnection

  constructor(connection: SessionConnection, dialect: Dialect, texts: SqliteItemTexts) {
    this.dialect = dialect
    this.#connection = connection
    this.items = new SqliteItemTable(texts, connection)
  }

  async rows<R>(query: CompiledQuery<R>): Promise<readonly R[]> {
    return this.#connection.rows(query)
  }

  async run(query: CompiledQuery): Promise<number> {
    return this.#connection.run(query.sql, query.parameters as readonly SqlValue[])
  }
}

/** What a session needs of its connection. */
export type SessionConnection = Pick<SqliteConnection, 'rows' | 'arrays' | 'run'>

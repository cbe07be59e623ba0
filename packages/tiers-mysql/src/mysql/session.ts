import type { CompiledQuery } from 'kysely'
import type { Dialect, WriteSession } from '../archive-database.ts'
import type { SqlValue } from '../item-row.ts'
import type { MysqlConnection } from './connection.ts'
import { MysqlItemTable, type MysqlItemTexts } from './item-table.ts'

/** Statements of one transaction on one connection. */
export class MysqlSession implements WriteSession {
  readonly items: MysqlItemTable
  readonly dialect: Dialect
  readonly #connection: SessionConnection

  constructor(connection: SessionConnection, dialect: Dialect, texts: MysqlItemTexts) {
    this.dialect = dialect
    this.#connection = connection
    this.items = new MysqlItemTable(texts, connection)
  }

  rows<R>(query: CompiledQuery<R>): Promise<readonly R[]> {
    return this.#connection.query(query)
  }

  run(query: CompiledQuery): Promise<number> {
    return this.#connection.run(query.sql, query.parameters as readonly SqlValue[])
  }
}

/** What a session needs of its connection. */
export type SessionConnection = Pick<MysqlConnection, 'limits' | 'query' | 'arrays' | 'run'>

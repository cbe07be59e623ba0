import type { ArchivedRow } from '@se/core'
import type { CompiledQuery } from 'kysely'
import type { Tombstone, WriteSession } from '../backend.ts'
import type { ItemHead, ItemRow, SqlValue } from '../item-row.ts'
import type { MysqlConnection } from './connection.ts'
import type { ItemStatements } from './item-statements.ts'

/** Statements of one transaction on one connection. */
export class MysqlSession implements WriteSession {
  readonly #connection: MysqlConnection
  readonly #items: ItemStatements

  constructor(connection: MysqlConnection, items: ItemStatements) {
    this.#connection = connection
    this.#items = items
  }

  rows<R>(query: CompiledQuery<R>): Promise<readonly R[]> {
    return this.#connection.query(query)
  }

  run(query: CompiledQuery): Promise<number> {
    return this.#connection.run(query.sql, query.parameters as readonly SqlValue[])
  }

  lockItems(ids: readonly string[]): Promise<ReadonlyMap<string, ItemHead>> {
    return this.#items.lock(this.#connection, ids)
  }

  storeItems(rows: readonly ItemRow[]): Promise<void> {
    return this.#items.store(this.#connection, rows)
  }

  tombstonesAfter(
    after: string | undefined,
    stampTime: number,
    limit: number,
  ): Promise<readonly Tombstone[]> {
    return this.#items.tombstonesAfter(this.#connection, after, stampTime, limit)
  }

  removeTombstones(ids: readonly string[], stampTime: number): Promise<number> {
    return this.#items.removeTombstones(this.#connection, ids, stampTime)
  }

  liveIdsAfter(after: string | undefined, limit: number): Promise<readonly string[]> {
    return this.#items.liveIdsAfter(this.#connection, after, limit)
  }

  sizesAfter(
    after: string | undefined,
    limit: number,
  ): Promise<readonly { id: string; valueBytes: number }[]> {
    return this.#items.sizesAfter(this.#connection, after, limit)
  }

  rowsBetween(after: string | undefined, last: string): Promise<readonly ArchivedRow[]> {
    return this.#items.rowsBetween(this.#connection, after, last)
  }
}

import type { ArchivedRow } from '@se/core'
import type { CompiledQuery } from 'kysely'
import type { FoundRow, Tombstone, WriteSession } from '../backend.ts'
import {
  bindItemRow,
  HEAD_COLUMNS,
  headOf,
  ownedBytes,
  type HeadColumns,
  type ItemHead,
  type ItemRow,
  type SqlValue,
} from '../item-row.ts'
import { ITEM_COLUMNS } from '../schema.ts'
import { paddedIds, placeholders } from '../statement-sizes.ts'
import type { SqliteConnection } from './connection.ts'

const INSERT = `INSERT INTO sync_items (${ITEM_COLUMNS.join(', ')}) VALUES (${placeholders(ITEM_COLUMNS.length)})`
/** SQLite rewrites an index whenever its column is assigned, also to what it was: what stays is not named. */
const CHANGING = [
  'stamp',
  'instance',
  'version',
  'content_type',
  'value',
  'digest',
  'deleted',
  'created_at',
  'updated_at',
]
const REPLACE = replaceText(CHANGING)
const REPLACE_WITH_STATE = replaceText([...CHANGING, 'state'])

function replaceText(columns: readonly string[]): string {
  return `UPDATE sync_items SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`
}
const FULL_COLUMNS = 'id, stamp, instance, version, state, content_type, value, digest, deleted, created_at'

interface FullRow {
  readonly id: string
  readonly stamp: number
  readonly instance: number
  readonly version: number
  readonly state: string
  readonly content_type: string
  readonly value: Uint8Array | null
  readonly digest: Uint8Array | null
  readonly deleted: number
  readonly created_at: number
  readonly updated_at: number
}

/** Statements of one transaction. Each runs at once: SQLite is in this process. */
export class SqliteSession implements WriteSession {
  readonly #connection: SqliteConnection

  constructor(connection: SqliteConnection) {
    this.#connection = connection
  }

  async rows<R>(query: CompiledQuery<R>): Promise<readonly R[]> {
    return this.#connection.rows(query)
  }

  async run(query: CompiledQuery): Promise<number> {
    return this.#connection.run(query.sql, query.parameters as readonly SqlValue[])
  }

  async lockItems(ids: readonly string[]): Promise<ReadonlyMap<string, ItemHead>> {
    const heads = new Map<string, ItemHead>()
    for (const part of paddedIds(ids)) {
      const statement = this.#connection.prepare(
        `SELECT ${HEAD_COLUMNS} FROM sync_items WHERE id IN (${placeholders(part.length)})`,
      )
      // Arrays, not objects: this is the larger half of a batch that replaces rows.
      const rows = statement.raw(true).all(part) as HeadColumns<string>[]
      for (const row of rows) heads.set(row[0], headOf(row))
    }
    return heads
  }

  async storeItems(rows: readonly ItemRow[]): Promise<void> {
    const insert = this.#connection.prepare(INSERT)
    const replace = this.#connection.prepare(REPLACE)
    const replaceWithState = this.#connection.prepare(REPLACE_WITH_STATE)
    for (const row of rows) {
      const values: SqlValue[] = []
      bindItemRow(row, values)
      if (row.replaces === undefined) {
        insert.run(values)
        continue
      }
      const [id, stamp, instance, version, state, contentType, value, digest, , , ...times] = values
      const changing = [stamp, instance, version, contentType, value, digest, ...times]
      if (row.replaces.state === state) replace.run(...changing, id)
      else replaceWithState.run(...changing, state, id)
    }
  }

  async tombstonesAfter(
    after: string | undefined,
    stampTime: number,
    limit: number,
  ): Promise<readonly Tombstone[]> {
    return this.#connection.all<Tombstone>(
      'SELECT id, stamp AS time FROM sync_items WHERE deleted = 1 AND id > ? AND stamp <= ? ORDER BY id LIMIT ?',
      [after ?? '', stampTime, limit],
    )
  }

  async removeTombstones(ids: readonly string[], stampTime: number): Promise<number> {
    let removedCount = 0
    for (const part of paddedIds(ids)) {
      removedCount += this.#connection.run(
        `DELETE FROM sync_items WHERE deleted = 1 AND stamp <= ? AND id IN (${placeholders(part.length)})`,
        [stampTime, ...part],
      )
    }
    return removedCount
  }

  async liveIdsAfter(after: string | undefined, limit: number): Promise<readonly string[]> {
    const rows = this.#connection.all<{ id: string }>(
      'SELECT id FROM sync_items WHERE deleted = 0 AND id > ? ORDER BY id LIMIT ?',
      [after ?? '', limit],
    )
    return rows.map(({ id }) => id)
  }

  async sizesAfter(
    after: string | undefined,
    limit: number,
  ): Promise<readonly { id: string; valueBytes: number }[]> {
    return this.#connection.all(
      'SELECT id, coalesce(length(value), 0) AS valueBytes FROM sync_items WHERE id > ? ORDER BY id LIMIT ?',
      [after ?? '', limit],
    )
  }

  async rowsBetween(after: string | undefined, last: string): Promise<readonly ArchivedRow[]> {
    const rows = this.#connection.all<FullRow>(
      `SELECT ${FULL_COLUMNS} FROM sync_items WHERE id > ? AND id <= ? ORDER BY id`,
      [after ?? '', last],
    )
    return rows.map((row) => ({
      id: row.id,
      stamp: { time: row.stamp, instance: row.instance },
      version: row.version,
      state: row.state,
      contentType: row.content_type,
      bytes: row.value === null ? undefined : ownedBytes(row.value),
      digest: row.digest === null ? undefined : ownedBytes(row.digest),
      createdAtMs: row.created_at,
    }))
  }
}

/** Rows by id, tombstones included. */
export function findItems(
  connection: SqliteConnection,
  ids: readonly string[],
): ReadonlyMap<string, FoundRow> {
  const found = new Map<string, FoundRow>()
  for (const part of paddedIds(ids)) {
    const rows = connection.all<FullRow>(
      `SELECT ${FULL_COLUMNS}, updated_at FROM sync_items WHERE id IN (${placeholders(part.length)})`,
      part,
    )
    for (const row of rows) {
      const stamp = { time: row.stamp, instance: row.instance }
      if (row.value === null) {
        found.set(row.id, { kind: 'tombstone', stamp })
        continue
      }
      found.set(row.id, {
        kind: 'item',
        item: {
          id: row.id,
          bytes: ownedBytes(row.value),
          stamp,
          version: row.version,
          state: row.state,
          contentType: row.content_type,
          createdAtMs: row.created_at,
          updatedAtMs: row.updated_at,
        },
      })
    }
  }
  return found
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ArchivedRow } from '@se/core'
import type { FoundRow, Tombstone } from '../backend.ts'
import { findItems, type FirstAnswer } from '../find-items.ts'
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
import { idParts, placeholders, textsByCount, type StatementLimits } from '../statement-sizes.ts'
import type { SqliteConnection } from './connection.ts'

/** SQLite takes 32,766 values and 1,000,000 bytes of text; a part of 4,096 ids holds the event loop for some milliseconds. */
const LIMITS: StatementLimits = { bytesMax: 16 * 2 ** 20, textBytesMax: 900_000 }
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
const FULL_COLUMNS =
  'id, stamp, instance, version, state, content_type, value, digest, deleted, created_at, updated_at'

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

/** The hot statements, on the table of the items. Each runs at once: SQLite is in this process. */
export class ItemStatements {
  readonly #items: string
  readonly #insert: string
  readonly #replace: string
  readonly #replaceWithState: string
  readonly #lock: (count: number) => string
  readonly #first: (count: number) => string
  readonly #whole: (count: number) => string

  /** @param items name of the table */
  constructor(items: string) {
    const replace = (columns: readonly string[]): string =>
      `UPDATE ${items} SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`
    this.#items = items
    this.#insert = `INSERT INTO ${items} (${ITEM_COLUMNS.join(', ')}) VALUES (${placeholders(ITEM_COLUMNS.length)})`
    this.#replace = replace(CHANGING)
    this.#replaceWithState = replace([...CHANGING, 'state'])
    const where = (terms: string): string => `FROM ${items} WHERE id IN (${terms})`
    const bounded = FULL_COLUMNS.replace('value', 'iif(length(value) <= ?, value, NULL) AS value')
    this.#lock = textsByCount((terms) => `SELECT ${HEAD_COLUMNS} ${where(terms)}`)
    this.#first = textsByCount((terms) => `SELECT ${bounded}, length(value) AS value_bytes ${where(terms)}`)
    this.#whole = textsByCount((terms) => `SELECT ${FULL_COLUMNS} ${where(terms)}`)
  }

  lock(connection: SqliteConnection, ids: readonly string[]): ReadonlyMap<string, ItemHead> {
    const heads = new Map<string, ItemHead>()
    for (const part of idParts(ids, LIMITS)) {
      const statement = connection.prepare(this.#lock(part.length))
      // Arrays, not objects: this is the larger half of a batch that replaces rows.
      const rows = statement.raw(true).all(part) as HeadColumns<string>[]
      for (const row of rows) heads.set(row[0], headOf(row))
    }
    return heads
  }

  store(connection: SqliteConnection, rows: readonly ItemRow[]): void {
    const insert = connection.prepare(this.#insert)
    const replace = connection.prepare(this.#replace)
    const replaceWithState = connection.prepare(this.#replaceWithState)
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

  tombstonesAfter(
    connection: SqliteConnection,
    after: string | undefined,
    stampTime: number,
    limit: number,
  ): readonly Tombstone[] {
    return connection.all<Tombstone>(
      `SELECT id, stamp AS time FROM ${this.#items}
        WHERE deleted = 1 AND id > ? AND stamp <= ? ORDER BY id LIMIT ?`,
      [after ?? '', stampTime, limit],
    )
  }

  removeTombstones(connection: SqliteConnection, ids: readonly string[], stampTime: number): number {
    let removedCount = 0
    for (const part of idParts(ids, LIMITS)) {
      removedCount += connection.run(
        `DELETE FROM ${this.#items} WHERE deleted = 1 AND stamp <= ? AND id IN (${placeholders(part.length)})`,
        [stampTime, ...part],
      )
    }
    return removedCount
  }

  liveIdsAfter(connection: SqliteConnection, after: string | undefined, limit: number): readonly string[] {
    const rows = connection.all<{ id: string }>(
      `SELECT id FROM ${this.#items} WHERE deleted = 0 AND id > ? ORDER BY id LIMIT ?`,
      [after ?? '', limit],
    )
    return rows.map(({ id }) => id)
  }

  sizesAfter(
    connection: SqliteConnection,
    after: string | undefined,
    limit: number,
  ): readonly { id: string; valueBytes: number }[] {
    return connection.all(
      `SELECT id, coalesce(length(value), 0) AS valueBytes FROM ${this.#items} WHERE id > ? ORDER BY id LIMIT ?`,
      [after ?? '', limit],
    )
  }

  rowsBetween(connection: SqliteConnection, after: string | undefined, last: string): readonly ArchivedRow[] {
    const rows = connection.all<FullRow>(
      `SELECT ${FULL_COLUMNS} FROM ${this.#items} WHERE id > ? AND id <= ? ORDER BY id`,
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

  /**
   * Rows by id, tombstones included.
   *
   * @param connect the connection for one statement: between two of them a transaction may have begun
   */
  find(
    connect: () => Promise<SqliteConnection>,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, FoundRow>> {
    return findItems(
      {
        limits: LIMITS,
        first: async (part, valueBytesMax) => {
          const rows = (await connect()).all<FullRow & { value_bytes: number | null }>(
            this.#first(part.length),
            [valueBytesMax, ...part],
          )
          return rows.map((row): FirstAnswer => {
            const isLeftOut = row.value === null && row.value_bytes !== null
            return {
              id: row.id,
              row: isLeftOut ? undefined : foundRow(row),
              valueBytes: row.value_bytes ?? 0,
            }
          })
        },
        whole: async (part) => {
          // Each of many holds the event loop.
          if (ids.length > 1) await nextTurn()
          const rows = (await connect()).all<FullRow>(this.#whole(part.length), part)
          return rows.map((row) => [row.id, foundRow(row)])
        },
      },
      ids,
    )
  }
}

function foundRow(row: FullRow): FoundRow {
  const stamp = { time: row.stamp, instance: row.instance }
  if (row.value === null) return { kind: 'tombstone', stamp }
  return {
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
  }
}

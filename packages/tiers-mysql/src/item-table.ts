import type { ArchivedRow } from '@se/core'
import { invariantOrder } from './byte-order.ts'
import {
  archivedRowOf,
  BOUNDED_COLUMNS,
  foundRowOf,
  FULL_COLUMNS,
  type BoundedColumns,
  type FoundRow,
  type FullColumns,
  type ItemRow,
  type RowHeader,
  type SqlId,
  type SqlValue,
} from './item-row.ts'
import {
  ANSWER_BYTES_MAX,
  idParts,
  partsOfBytes,
  placeholders,
  textsByCount,
  type StatementLimits,
} from './statement-sizes.ts'

/** Runs statements, prepared. What it returns may share memory with the driver. */
export interface ItemConnection {
  readonly limits: StatementLimits
  arrays<R extends readonly unknown[]>(text: string, values: readonly SqlValue[]): Promise<readonly R[]>
  /** @returns rows changed */
  run(text: string, values: readonly SqlValue[]): Promise<number>
}

/** A tombstone that may be collected. */
export interface Tombstone {
  readonly id: string
  /** Stamp time. */
  readonly time: number
}

/** A row, and how long its value is. */
export interface RowSize {
  readonly id: string
  readonly valueBytes: number
}

/** The texts of the statements on the table; those that every dialect says alike stand here. */
export class ItemTexts {
  readonly table: string
  /** By number of ids. */
  readonly bounded: (count: number) => string
  readonly whole: (count: number) => string

  /** @param table name of the table */
  constructor(table: string) {
    this.table = table
    this.bounded = textsByCount((terms) => `SELECT ${BOUNDED_COLUMNS} FROM ${table} WHERE id IN (${terms})`)
    this.whole = textsByCount((terms) => `SELECT ${FULL_COLUMNS} FROM ${table} WHERE id IN (${terms})`)
  }
}

/** Reads of the table of the items, on one connection. All walks are in byte order of the ids. */
export class ItemReader {
  readonly #texts: ItemTexts
  readonly #connection: ItemConnection

  constructor(texts: ItemTexts, connection: ItemConnection) {
    this.#texts = texts
    this.#connection = connection
  }

  /**
   * The rows of the ids that exist, tombstones included. One statement as a rule; large values are asked for in parts, so that no
   * answer grows with the number of ids times the size of a value.
   */
  async find(ids: readonly string[]): Promise<ReadonlyMap<string, FoundRow>> {
    const found = new Map<string, FoundRow>()
    // A single value is as large as it is.
    if (ids.length === 1) await this.#findWhole(ids, found)
    else {
      const large = await this.#findBounded(ids, found)
      for (const part of partsOfBytes(large, ({ valueBytes }) => valueBytes, ANSWER_BYTES_MAX)) {
        const named = part.map(({ id }) => id)
        await this.#findWhole(named, found)
      }
    }
    return found
  }

  async #findWhole(ids: readonly string[], found: Map<string, FoundRow>): Promise<void> {
    const rows = await this.#connection.arrays<FullColumns>(this.#texts.whole(ids.length), ids)
    for (const columns of rows) found.set(columns[0].toString(), foundRowOf(columns))
  }

  /** @returns the rows that were left out, as their values are too large to come along */
  async #findBounded(ids: readonly string[], found: Map<string, FoundRow>): Promise<readonly RowSize[]> {
    const large: RowSize[] = []
    for (const part of idParts(ids, this.#connection.limits)) {
      const rows = await this.#connection.arrays<BoundedColumns>(this.#texts.bounded(part.length), [
        Math.floor(ANSWER_BYTES_MAX / part.length),
        ...part,
      ])
      for (const columns of rows) {
        const id = columns[0].toString()
        const [value, valueBytes] = [columns[10], columns[11]]
        if (value === null && valueBytes !== null) large.push({ id, valueBytes })
        else found.set(id, foundRowOf(columns))
      }
    }
    return large
  }

  /** Ids of live rows after an id. */
  async liveIdsAfter(after: string | undefined, limit: number): Promise<readonly string[]> {
    const rows = await this.#connection.arrays<[SqlId]>(
      `SELECT id FROM ${this.#texts.table} WHERE digest IS NOT NULL AND id > ? ORDER BY id LIMIT ${limit}`,
      [after ?? ''],
    )
    return rows.map(([id]) => id.toString())
  }

  /** All rows after an id, with the length of their values. */
  async sizesAfter(after: string | undefined, limit: number): Promise<readonly RowSize[]> {
    const rows = await this.#connection.arrays<[SqlId, number]>(
      `SELECT id, coalesce(length(value), 0) FROM ${this.#texts.table} WHERE id > ? ORDER BY id LIMIT ${limit}`,
      [after ?? ''],
    )
    return rows.map(([id, valueBytes]) => ({ id: id.toString(), valueBytes }))
  }

  /** All rows after an id, up to and with another one. */
  async rowsBetween(after: string | undefined, last: string): Promise<readonly ArchivedRow[]> {
    const rows = await this.#connection.arrays<FullColumns>(
      `SELECT ${FULL_COLUMNS} FROM ${this.#texts.table} WHERE id > ? AND id <= ? ORDER BY id`,
      [after ?? '', last],
    )
    return rows.map(archivedRowOf)
  }

  /** Tombstones after an id whose stamp time is at most `stampTime`. */
  async tombstonesAfter(
    after: string | undefined,
    stampTime: number,
    limit: number,
  ): Promise<readonly Tombstone[]> {
    const rows = await this.#connection.arrays<[SqlId, number]>(
      `SELECT id, stamp FROM ${this.#texts.table} WHERE digest IS NULL AND id > ? AND stamp <= ? ORDER BY id LIMIT ${limit}`,
      [after ?? '', stampTime],
    )
    return rows.map(([id, time]) => ({ id: id.toString(), time }))
  }
}

/**
 * The table of the items, on the connection of one transaction. How rows are stored is each dialect's own; everything else is
 * done alike, and so stands here.
 */
export abstract class ItemTable extends ItemReader {
  readonly #texts: ItemTexts
  readonly #connection: ItemConnection

  constructor(texts: ItemTexts, connection: ItemConnection) {
    super(texts, connection)
    this.#texts = texts
    this.#connection = connection
  }

  /** Headers of the rows that exist, by id. They are locked, in id order, where the transaction does not lock the whole table. */
  abstract lock(ids: readonly string[]): Promise<ReadonlyMap<string, RowHeader>>

  /**
   * Inserts the rows of version 1, and overwrites those that the transaction has locked.
   *
   * A row that was to be inserted and is there meanwhile is a conflict, never overwritten [P39].
   *
   * @param rows in byte order of their ids: all processes lock in one order
   */
  store(rows: readonly ItemRow[]): Promise<void> {
    invariantOrder(rows, ({ write }) => write.id, 'rows are stored in byte order of their ids')
    return this.storeInOrder(rows)
  }

  protected abstract storeInOrder(rows: readonly ItemRow[]): Promise<void>

  /** @returns how many of the ids were still tombstones of at most that stamp time, and are gone */
  async removeTombstones(ids: readonly string[], stampTime: number): Promise<number> {
    let removedCount = 0
    for (const part of idParts(ids, this.#connection.limits)) {
      removedCount += await this.#connection.run(
        `DELETE FROM ${this.#texts.table} WHERE digest IS NULL AND stamp <= ? AND id IN (${placeholders(part.length)})`,
        [stampTime, ...part],
      )
    }
    return removedCount
  }
}

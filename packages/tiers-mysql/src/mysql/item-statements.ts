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
import {
  idParts,
  placeholders,
  rowParts,
  textBytesMax,
  textsByCount,
  type StatementLimits,
} from '../statement-sizes.ts'
import type { MysqlConnection } from './connection.ts'

const ROW = `(${placeholders(ITEM_COLUMNS.length)})`
const VALUE_AT = ITEM_COLUMNS.indexOf('value')
/**
 * The driver sends packets of 16 MiB less 1 to 3 bytes, and of multiples of it, in a form that is none. A row that
 * comes near them is sent with filling in front of its value, which the server cuts off again.
 */
const FILL = Buffer.alloc(1024, ' ')
const FILLED_ROW = `(${ITEM_COLUMNS.map((_, at) => (at === VALUE_AT ? `SUBSTRING(?, ${FILL.length + 1})` : '?')).join(', ')})`
const PACKET_PART_BYTES = 2 ** 24 - 1
/** More than the error of the estimate, less than half of the filling. */
const PACKET_PART_MARGIN_BYTES = 200
// An id has the same leaf for ever.
const FIXED = new Set<string>(['id', 'branch', 'bucket', 'version'])
/**
 * One statement for new rows and old ones. A row that was absent has version 1, and must not be there by now:
 * if it is, its version is set to NULL, which the column refuses, and the transaction is redone [P39]. A row that
 * was there is locked: no column is compared, so the order of the assignments cannot matter [P32].
 */
const OVERWRITE = [
  'version = IF(VALUES(version) = 1, NULL, VALUES(version))',
  ...ITEM_COLUMNS.filter((column) => !FIXED.has(column)).map((column) => `${column} = VALUES(${column})`),
].join(', ')
const FULL_COLUMNS =
  'id, stamp, instance, version, state, content_type, value, digest, deleted, created_at, updated_at'

/** Values of one statement, bytes, unless a single row is larger. */
const STATEMENT_BYTES = 4 * 1024 * 1024
/** What a row takes in a packet beside its texts and its value, at most: numbers, digest, types, lengths. */
const ROW_OVERHEAD_BYTES = 150

type FullColumns = readonly [
  id: Buffer,
  time: number,
  instance: number,
  version: number,
  state: string,
  contentType: string,
  value: Buffer | null,
  digest: Buffer | null,
  deleted: number,
  createdAtMs: number,
  updatedAtMs: number,
]

/** The hot statements, on the table of the items. */
export class ItemStatements {
  readonly #items: string
  readonly #lock: (count: number) => string
  readonly #first: (count: number) => string
  readonly #whole: (count: number) => string
  /** By number of rows. There are few sizes, and the largest has 13,000 placeholders. */
  readonly #storeTexts = new Map<number, string>()

  /** @param items name of the table */
  constructor(items: string) {
    this.#items = items
    const bounded = FULL_COLUMNS.replace('value', 'IF(OCTET_LENGTH(value) <= ?, value, NULL)')
    const from = `FROM ${items} WHERE id IN`
    // By the primary key, whatever the optimizer thinks of a small table: a scan would lock strangers' rows.
    this.#lock = textsByCount(
      (terms) => `SELECT ${HEAD_COLUMNS} FROM ${items} FORCE INDEX (PRIMARY)
        WHERE id IN (${terms}) ORDER BY id FOR UPDATE`,
    )
    this.#first = textsByCount((terms) => `SELECT ${bounded}, OCTET_LENGTH(value) ${from} (${terms})`)
    this.#whole = textsByCount((terms) => `SELECT ${FULL_COLUMNS} ${from} (${terms})`)
  }

  async lock(connection: MysqlConnection, ids: readonly string[]): Promise<ReadonlyMap<string, ItemHead>> {
    const heads = new Map<string, ItemHead>()
    for (const part of idParts(ids, limitsOf(connection))) {
      const rows = await connection.arrays<HeadColumns<Buffer>>(this.#lock(part.length), part)
      for (const row of rows) heads.set(row[0].toString('utf8'), headOf(row))
    }
    return heads
  }

  async store(connection: MysqlConnection, rows: readonly ItemRow[]): Promise<void> {
    for (const part of rowParts(rows, rowBytes, limitsOf(connection), ROW.length + 2)) {
      const values: SqlValue[] = []
      for (const row of part) bindItemRow(row, values)
      const isFilled = part.length === 1 && needsFilling(part[0]!)
      if (isFilled) values[VALUE_AT] = Buffer.concat([FILL, values[VALUE_AT] as Buffer])
      await connection.run(isFilled ? this.#storeText([FILLED_ROW]) : this.#storeTextOf(part.length), values)
    }
  }

  async tombstonesAfter(
    connection: MysqlConnection,
    after: string | undefined,
    stampTime: number,
    limit: number,
  ): Promise<readonly Tombstone[]> {
    const rows = await connection.arrays<[Buffer, number]>(
      `SELECT id, stamp FROM ${this.#items} WHERE id > ? AND deleted = 1 AND stamp <= ? ORDER BY id LIMIT ${limit}`,
      [after ?? '', stampTime],
    )
    return rows.map(([id, time]) => ({ id: id.toString('utf8'), time }))
  }

  async removeTombstones(
    connection: MysqlConnection,
    ids: readonly string[],
    stampTime: number,
  ): Promise<number> {
    let removedCount = 0
    for (const part of idParts(ids, limitsOf(connection))) {
      removedCount += await connection.run(
        `DELETE FROM ${this.#items} WHERE deleted = 1 AND stamp <= ? AND id IN (${placeholders(part.length)})`,
        [stampTime, ...part],
      )
    }
    return removedCount
  }

  async liveIdsAfter(
    connection: MysqlConnection,
    after: string | undefined,
    limit: number,
  ): Promise<readonly string[]> {
    const rows = await connection.arrays<[Buffer]>(
      `SELECT id FROM ${this.#items} WHERE id > ? AND deleted = 0 ORDER BY id LIMIT ${limit}`,
      [after ?? ''],
    )
    return rows.map(([id]) => id.toString('utf8'))
  }

  async sizesAfter(
    connection: MysqlConnection,
    after: string | undefined,
    limit: number,
  ): Promise<readonly { id: string; valueBytes: number }[]> {
    const rows = await connection.arrays<[Buffer, number]>(
      `SELECT id, COALESCE(OCTET_LENGTH(value), 0) FROM ${this.#items} WHERE id > ? ORDER BY id LIMIT ${limit}`,
      [after ?? ''],
    )
    return rows.map(([id, valueBytes]) => ({ id: id.toString('utf8'), valueBytes }))
  }

  async rowsBetween(
    connection: MysqlConnection,
    after: string | undefined,
    last: string,
  ): Promise<readonly ArchivedRow[]> {
    const rows = await connection.arrays<FullColumns>(
      `SELECT ${FULL_COLUMNS} FROM ${this.#items} WHERE id > ? AND id <= ? ORDER BY id`,
      [after ?? '', last],
    )
    return rows.map(([id, time, instance, version, state, contentType, value, digest, , createdAtMs]) => ({
      id: id.toString('utf8'),
      stamp: { time, instance },
      version,
      state,
      contentType,
      bytes: value === null ? undefined : ownedBytes(value),
      digest: digest === null ? undefined : ownedBytes(digest),
      createdAtMs,
    }))
  }

  /** Rows by id, tombstones included. */
  find(connection: MysqlConnection, ids: readonly string[]): Promise<ReadonlyMap<string, FoundRow>> {
    return findItems(
      {
        limits: limitsOf(connection),
        first: async (part, valueBytesMax) => {
          const rows = await connection.arrays<[...FullColumns, valueBytes: number | null]>(
            this.#first(part.length),
            [valueBytesMax, ...part],
          )
          return rows.map((columns): FirstAnswer => {
            const id = columns[0].toString('utf8')
            const valueBytes = columns[11] ?? 0
            const isLeftOut = columns[6] === null && columns[11] !== null
            return { id, row: isLeftOut ? undefined : foundRow(id, columns), valueBytes }
          })
        },
        whole: async (part) => {
          const rows = await connection.arrays<FullColumns>(this.#whole(part.length), part)
          return rows.map((columns) => {
            const id = columns[0].toString('utf8')
            return [id, foundRow(id, columns)]
          })
        },
      },
      ids,
    )
  }

  #storeTextOf(rowCount: number): string {
    let text = this.#storeTexts.get(rowCount)
    if (text === undefined) {
      text = this.#storeText(Array.from({ length: rowCount }, () => ROW))
      this.#storeTexts.set(rowCount, text)
    }
    return text
  }

  #storeText(rows: readonly string[]): string {
    return `INSERT INTO ${this.#items} (${ITEM_COLUMNS.join(', ')}) VALUES ${rows.join(', ')}
      ON DUPLICATE KEY UPDATE ${OVERWRITE}`
  }
}

function foundRow(
  id: string,
  [, time, instance, version, state, contentType, value, , , createdAtMs, updatedAtMs]: readonly [
    ...FullColumns,
    ...unknown[],
  ],
): FoundRow {
  const stamp = { time, instance }
  if (value === null) return { kind: 'tombstone', stamp }
  const bytes = ownedBytes(value)
  return {
    kind: 'item',
    item: { id, bytes, stamp, version, state, contentType, createdAtMs, updatedAtMs },
  }
}

function limitsOf({ session }: MysqlConnection): StatementLimits {
  const half = session.packetBytesMax / 2
  return { bytesMax: Math.min(STATEMENT_BYTES, half), textBytesMax: half }
}

/** Upper bound of what a row takes in a packet. */
function rowBytes({ write }: ItemRow): number {
  const { id, state, contentType, bytes } = write
  return (
    ROW_OVERHEAD_BYTES +
    textBytesMax(id) +
    textBytesMax(state) +
    textBytesMax(contentType) +
    (bytes?.length ?? 0)
  )
}

/** Whether the packet of a single row may come near a multiple of 16 MiB. */
function needsFilling({ write }: ItemRow): boolean {
  const { id, state, contentType, bytes } = write
  if (bytes === undefined || bytes.length < PACKET_PART_BYTES / 2) return false
  const textBytes = Buffer.byteLength(id) + Buffer.byteLength(state) + Buffer.byteLength(contentType)
  const beyond = (ROW_OVERHEAD_BYTES + textBytes + bytes.length) % PACKET_PART_BYTES
  return Math.min(beyond, PACKET_PART_BYTES - beyond) <= PACKET_PART_MARGIN_BYTES
}

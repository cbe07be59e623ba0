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
import { paddedIds, partsOf, placeholders } from '../statement-sizes.ts'
import type { MysqlConnection } from './connection.ts'
import { codedError, PACKET_TOO_LARGE } from './errors.ts'

const ROW = `(${placeholders(ITEM_COLUMNS.length)})`
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
/** Bytes of UTF-8 for one UTF-16 unit, at most. */
const UTF8_BYTES_MAX = 3

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

/** Statements of one transaction on one connection. */
export class MysqlSession implements WriteSession {
  readonly #connection: MysqlConnection

  constructor(connection: MysqlConnection) {
    this.#connection = connection
  }

  rows<R>(query: CompiledQuery<R>): Promise<readonly R[]> {
    return this.#connection.query(query)
  }

  run(query: CompiledQuery): Promise<number> {
    return this.#connection.run(query.sql, query.parameters as readonly SqlValue[])
  }

  async lockItems(ids: readonly string[]): Promise<ReadonlyMap<string, ItemHead>> {
    const heads = new Map<string, ItemHead>()
    for (const part of paddedIds(ids)) {
      // By the primary key, whatever the optimizer thinks of a small table: a scan would lock strangers' rows.
      const rows = await this.#connection.arrays<HeadColumns<Buffer>>(
        `SELECT ${HEAD_COLUMNS}
          FROM sync_items FORCE INDEX (PRIMARY) WHERE id IN (${placeholders(part.length)}) ORDER BY id FOR UPDATE`,
        part,
      )
      for (const row of rows) heads.set(row[0].toString('utf8'), headOf(row))
    }
    return heads
  }

  async storeItems(rows: readonly ItemRow[]): Promise<void> {
    const { packetBytesMax } = this.#connection
    const bytesMax = Math.min(STATEMENT_BYTES, packetBytesMax / 2)
    for (const part of partsOf(rows, rowBytes, bytesMax)) {
      // The server would cut the connection in the middle of such a packet, which looks like an outage [W6].
      if (part.length === 1 && rowBytes(part[0]!) > packetBytesMax) {
        throw codedError(PACKET_TOO_LARGE, `a row is larger than max_allowed_packet, ${packetBytesMax} bytes`)
      }
      const values: SqlValue[] = []
      for (const row of part) bindItemRow(row, values)
      await this.#connection.run(storeText(part.length), values)
    }
  }

  async tombstonesAfter(
    after: string | undefined,
    stampTime: number,
    limit: number,
  ): Promise<readonly Tombstone[]> {
    const rows = await this.#connection.arrays<[Buffer, number]>(
      `SELECT id, stamp FROM sync_items WHERE id > ? AND deleted = 1 AND stamp <= ? ORDER BY id LIMIT ${limit}`,
      [after ?? '', stampTime],
    )
    return rows.map(([id, time]) => ({ id: id.toString('utf8'), time }))
  }

  async removeTombstones(ids: readonly string[], stampTime: number): Promise<number> {
    let removedCount = 0
    for (const part of paddedIds(ids)) {
      removedCount += await this.#connection.run(
        `DELETE FROM sync_items WHERE deleted = 1 AND stamp <= ? AND id IN (${placeholders(part.length)})`,
        [stampTime, ...part],
      )
    }
    return removedCount
  }

  async liveIdsAfter(after: string | undefined, limit: number): Promise<readonly string[]> {
    const rows = await this.#connection.arrays<[Buffer]>(
      `SELECT id FROM sync_items WHERE id > ? AND deleted = 0 ORDER BY id LIMIT ${limit}`,
      [after ?? ''],
    )
    return rows.map(([id]) => id.toString('utf8'))
  }

  async sizesAfter(
    after: string | undefined,
    limit: number,
  ): Promise<readonly { id: string; valueBytes: number }[]> {
    const rows = await this.#connection.arrays<[Buffer, number]>(
      `SELECT id, COALESCE(OCTET_LENGTH(value), 0) FROM sync_items WHERE id > ? ORDER BY id LIMIT ${limit}`,
      [after ?? ''],
    )
    return rows.map(([id, valueBytes]) => ({ id: id.toString('utf8'), valueBytes }))
  }

  async rowsBetween(after: string | undefined, last: string): Promise<readonly ArchivedRow[]> {
    const rows = await this.#connection.arrays<FullColumns>(
      `SELECT ${FULL_COLUMNS} FROM sync_items WHERE id > ? AND id <= ? ORDER BY id`,
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
}

/** Rows by id, tombstones included. */
export async function findItems(
  connection: MysqlConnection,
  ids: readonly string[],
): Promise<ReadonlyMap<string, FoundRow>> {
  const found = new Map<string, FoundRow>()
  for (const part of paddedIds(ids)) {
    const rows = await connection.arrays<FullColumns>(
      `SELECT ${FULL_COLUMNS} FROM sync_items WHERE id IN (${placeholders(part.length)})`,
      part,
    )
    for (const [
      idBytes,
      time,
      instance,
      version,
      state,
      contentType,
      value,
      ,
      ,
      createdAtMs,
      updatedAtMs,
    ] of rows) {
      const id = idBytes.toString('utf8')
      const stamp = { time, instance }
      if (value === null) {
        found.set(id, { kind: 'tombstone', stamp })
        continue
      }
      const bytes = ownedBytes(value)
      found.set(id, {
        kind: 'item',
        item: { id, bytes, stamp, version, state, contentType, createdAtMs, updatedAtMs },
      })
    }
  }
  return found
}

/** Upper bound of what a row takes in a packet. */
function rowBytes({ write }: ItemRow): number {
  const textUnits = write.id.length + write.state.length + write.contentType.length
  return ROW_OVERHEAD_BYTES + UTF8_BYTES_MAX * textUnits + (write.bytes?.length ?? 0)
}

const storeTexts = new Map<number, string>()

/** The statement for so many rows; there are few sizes, and the largest has 13,000 placeholders. */
function storeText(rowCount: number): string {
  let text = storeTexts.get(rowCount)
  if (text === undefined) {
    const rows = Array.from({ length: rowCount }, () => ROW).join(', ')
    text = `INSERT INTO sync_items (${ITEM_COLUMNS.join(', ')}) VALUES ${rows} ON DUPLICATE KEY UPDATE ${OVERWRITE}`
    storeTexts.set(rowCount, text)
  }
  return text
}

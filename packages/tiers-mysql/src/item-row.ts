import {
  stampMs,
  type ArchivedRow,
  type BatchPosition,
  type ItemWrite,
  type Stamp,
  type StoredItem,
} from '@se/core'

/** A row without its value: the stamp decides who wins, the digest goes into the ledger entry. */
export interface RowHeader {
  readonly stamp: Stamp
  readonly version: number
  readonly isDeleted: boolean
  /** 16 bytes; `undefined`: a tombstone. */
  readonly digest: Uint8Array | undefined
  readonly createdAtMs: number
}

/** Columns of a {@link RowHeader}, in the order of {@link HeaderColumns}. */
export const HEADER_COLUMNS = 'id, stamp, instance, version, digest, created_at'

/** An id as a driver gives it: text, or its bytes of UTF-8. `toString` makes text of both. */
export type SqlId = string | Buffer

/** A row of `HEADER_COLUMNS` as a driver gives it. */
export type HeaderColumns = readonly [
  id: SqlId,
  time: number,
  instance: number,
  version: number,
  digest: Uint8Array | null,
  createdAtMs: number,
]

/** The headers of rows, by id. Digests are not copied. */
export function addHeaders(rows: readonly HeaderColumns[], headers: Map<string, RowHeader>): void {
  for (const row of rows) headers.set(row[0].toString(), headerOf(row))
}

function headerOf(columns: HeaderColumns): RowHeader {
  const [, time, instance, version, digest, createdAtMs] = columns
  return {
    stamp: { time, instance },
    version,
    isDeleted: digest === null,
    digest: digest ?? undefined,
    createdAtMs,
  }
}

/** A row as a batch writes it. */
export interface ItemRow {
  readonly write: ItemWrite
  /** 1: no row was there. */
  readonly version: number
  /** 16 bytes; `undefined`: a tombstone. */
  readonly digest: Uint8Array | undefined
  readonly createdAtMs: number
  /** The batch that writes it. */
  readonly batch: BatchPosition
}

/** Columns of a whole row, in the order of {@link FullColumns}. */
export const FULL_COLUMNS =
  'id, stamp, instance, version, state, content_type, digest, created_at, batch_sequence, batch_instance, value'
/** The same, and the length of the value, without a value that is longer than the first argument. */
export const BOUNDED_COLUMNS = `${FULL_COLUMNS.replace('value', 'CASE WHEN length(value) <= ? THEN value END')}, length(value)`

/** A row of `FULL_COLUMNS` as a driver gives it. */
export type FullColumns = readonly [
  id: SqlId,
  time: number,
  instance: number,
  version: number,
  state: string,
  contentType: string,
  digest: Buffer | null,
  createdAtMs: number,
  batchSequence: number,
  batchInstance: number | null,
  value: Buffer | null,
]

/** A row of `BOUNDED_COLUMNS` as a driver gives it. */
export type BoundedColumns = readonly [...FullColumns, valueBytes: number | null]

/** A row as a lookup finds it. */
export type FoundRow =
  { readonly kind: 'item'; readonly item: StoredItem } | { readonly kind: 'tombstone'; readonly stamp: Stamp }

export function foundRowOf(columns: FullColumns | BoundedColumns): FoundRow {
  const [id, time, instance, version, state, contentType, , createdAtMs, , , value] = columns
  const stamp = { time, instance }
  if (value === null) return { kind: 'tombstone', stamp }
  const bytes = ownedBytes(value)
  const updatedAtMs = stampMs(stamp)
  return {
    kind: 'item',
    item: { id: id.toString(), bytes, stamp, version, state, contentType, createdAtMs, updatedAtMs },
  }
}

export function archivedRowOf(columns: FullColumns): ArchivedRow {
  const [id, time, instance, version, state, contentType, digest, createdAtMs, ...rest] = columns
  const [sequence, batchInstance, value] = rest
  return {
    id: id.toString(),
    stamp: { time, instance },
    version,
    state,
    contentType,
    bytes: value === null ? undefined : ownedBytes(value),
    digest: digest === null ? undefined : ownedBytes(digest),
    createdAtMs,
    batch: { instance: batchInstance ?? instance, sequence },
  }
}

/** What both drivers bind. Bytes are Buffers: mysql2 takes no other view for bytes. */
export type SqlValue = string | number | Buffer | null

/** Appends a row's values in the order of `ITEM_COLUMNS`. */
export function bindItemRow(row: ItemRow, target: SqlValue[]): void {
  const { write, batch } = row
  target.push(
    write.id,
    write.stamp.time,
    write.stamp.instance,
    row.version,
    write.state,
    write.contentType,
    row.digest === undefined ? null : asBuffer(row.digest),
    row.createdAtMs,
    batch.sequence,
    batch.instance === write.stamp.instance ? null : batch.instance,
    write.bytes === undefined ? null : asBuffer(write.bytes),
  )
}

/** The same bytes under the type the drivers know; nothing is copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/**
 * A copy that owns its memory: what drivers return are views of buffers they share among many rows, and an item
 * kept in memory would keep them all.
 */
function ownedBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

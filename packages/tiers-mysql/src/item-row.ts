import { stampMs, type ItemWrite, type Stamp } from '@se/core'

/** What a batch must know of a row that is there: by its stamp the newest wins, by its digest the ledger tells. */
export interface ItemHead {
  readonly stamp: Stamp
  readonly version: number
  readonly isDeleted: boolean
  readonly state: string
  /** 16 bytes; `undefined`: a tombstone. */
  readonly digest: Uint8Array | undefined
  readonly createdAtMs: number
}

/** What a session selects of a row for its {@link ItemHead}, in the order of {@link HeadColumns}. */
export const HEAD_COLUMNS = 'id, stamp, instance, version, deleted, digest, created_at, state'

/** A row of `HEAD_COLUMNS` as a driver gives it; drivers differ in the type of `id`. */
export type HeadColumns<Id> = readonly [
  id: Id,
  time: number,
  instance: number,
  version: number,
  deleted: number,
  digest: Uint8Array | null,
  createdAtMs: number,
  state: string,
]

/** Reads {@link HeadColumns}; the digest is not copied. */
export function headOf(columns: HeadColumns<unknown>): ItemHead {
  const [, time, instance, version, deleted, digest, createdAtMs, state] = columns
  return {
    stamp: { time, instance },
    version,
    isDeleted: deleted === 1,
    state,
    digest: digest ?? undefined,
    createdAtMs,
  }
}

/** A row as a batch writes it. */
export interface ItemRow {
  readonly write: ItemWrite
  /** The row that is there, and locked; `undefined`: there was none. */
  readonly replaces: ItemHead | undefined
  readonly version: number
  /** 16 bytes; `undefined`: a tombstone. */
  readonly digest: Uint8Array | undefined
  /** Leaf of the digest tree. */
  readonly branch: number
  readonly bucket: number
  readonly createdAtMs: number
}

/** What both drivers bind. Bytes are Buffers: mysql2 takes no other view for bytes. */
export type SqlValue = string | number | Buffer | null

/** Appends a row's values in the order of `ITEM_COLUMNS`. */
export function bindItemRow(row: ItemRow, target: SqlValue[]): void {
  const { write } = row
  target.push(
    write.id,
    write.stamp.time,
    write.stamp.instance,
    row.version,
    write.state,
    write.contentType,
    write.bytes === undefined ? null : asBuffer(write.bytes),
    row.digest === undefined ? null : asBuffer(row.digest),
    row.branch,
    row.bucket,
    write.bytes === undefined ? 1 : 0,
    row.createdAtMs,
    stampMs(write.stamp),
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
export function ownedBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

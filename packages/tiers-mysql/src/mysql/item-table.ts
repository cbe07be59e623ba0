import {
  addHeaders,
  bindItemRow,
  HEADER_COLUMNS,
  type HeaderColumns,
  type ItemRow,
  type RowHeader,
  type SqlValue,
} from '../item-row.ts'
import { ItemTable, ItemTexts, type ItemConnection } from '../item-table.ts'
import { ITEM_COLUMNS } from '../schema.ts'
import { idParts, placeholders, rowParts, textBytesMax, textsByCount } from '../statement-sizes.ts'

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
/**
 * One statement for new rows and old ones. A row that was absent has version 1, and must not be there by now:
 * if it is, its version is set to NULL, which the column refuses, and the transaction is redone [P39]. A row that
 * was there is locked: no column is compared, so the order of the assignments cannot matter [P32].
 */
const OVERWRITE = [
  'version = IF(VALUES(version) = 1, NULL, VALUES(version))',
  ...ITEM_COLUMNS.filter((column) => column !== 'id' && column !== 'version').map(
    (column) => `${column} = VALUES(${column})`,
  ),
].join(', ')
/** What a row takes in a packet beside its texts and its value, at most: numbers, digest, types, lengths. */
const ROW_OVERHEAD_BYTES = 150

/** The texts of the statements on the table of the items. */
export class MysqlItemTexts extends ItemTexts {
  /** By the primary key, whatever the optimizer thinks of a small table: a scan would lock strangers' rows. */
  readonly lock = textsByCount(
    (terms) =>
      `SELECT ${HEADER_COLUMNS} FROM ${this.table} FORCE INDEX (PRIMARY) WHERE id IN (${terms}) ORDER BY id FOR UPDATE`,
  )
  /** Stores one row with filling in front of its value. */
  readonly storeFilled = this.#storing([FILLED_ROW])
  /** By number of rows. There are few sizes, and the largest has 11,000 placeholders. */
  readonly #storeTexts = new Map<number, string>()

  /** Stores so many rows. */
  store(rowCount: number): string {
    let text = this.#storeTexts.get(rowCount)
    if (text === undefined) {
      text = this.#storing(Array.from({ length: rowCount }, () => ROW))
      this.#storeTexts.set(rowCount, text)
    }
    return text
  }

  #storing(rows: readonly string[]): string {
    const columns = ITEM_COLUMNS.join(', ')
    return `INSERT INTO ${this.table} (${columns}) VALUES ${rows.join(', ')} ON DUPLICATE KEY UPDATE ${OVERWRITE}`
  }
}

/** The table of the items, on one connection. */
export class MysqlItemTable extends ItemTable {
  readonly #texts: MysqlItemTexts
  readonly #connection: ItemConnection

  constructor(texts: MysqlItemTexts, connection: ItemConnection) {
    super(texts, connection)
    this.#texts = texts
    this.#connection = connection
  }

  override async lock(ids: readonly string[]): Promise<ReadonlyMap<string, RowHeader>> {
    const headers = new Map<string, RowHeader>()
    for (const part of idParts(ids, this.#connection.limits)) {
      addHeaders(await this.#connection.arrays<HeaderColumns>(this.#texts.lock(part.length), part), headers)
    }
    return headers
  }

  protected override async storeInOrder(rows: readonly ItemRow[]): Promise<void> {
    for (const part of rowParts(rows, rowBytes, this.#connection.limits, ROW.length + 2)) {
      const values: SqlValue[] = []
      for (const row of part) bindItemRow(row, values)
      const isFilled = part.length === 1 && needsFilling(part[0]!)
      if (isFilled) values[VALUE_AT] = Buffer.concat([FILL, values[VALUE_AT] as Buffer])
      const text = isFilled ? this.#texts.storeFilled : this.#texts.store(part.length)
      await this.#connection.run(text, values)
    }
  }
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

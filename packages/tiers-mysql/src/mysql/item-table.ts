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
  /** By number of rows. There are few sizes, and the largest has 11,000 placeholders. */
  readonly #storeTexts = new Map<number, string>()

  /** Stores so many rows. */
  store(rowCount: number): string {
    let text = this.#storeTexts.get(rowCount)
    if (text === undefined) {
      const columns = ITEM_COLUMNS.join(', ')
      const rows = Array.from({ length: rowCount }, () => ROW).join(', ')
      text = `INSERT INTO ${this.table} (${columns}) VALUES ${rows} ON DUPLICATE KEY UPDATE ${OVERWRITE}`
      this.#storeTexts.set(rowCount, text)
    }
    return text
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
      await this.#connection.run(this.#texts.store(part.length), values)
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

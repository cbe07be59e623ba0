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
import { partsOfCount, placeholders, type StatementLimits } from '../statement-sizes.ts'
import type { SqliteConnection } from './connection.ts'

/** SQLite takes 32,766 values and 1,000,000 bytes of text; a part of 4,096 ids holds the event loop for some milliseconds. */
const LIMITS: StatementLimits = { bytesMax: 16 * 2 ** 20, textBytesMax: 900_000 }
/** Rows of one statement. */
const ROWS_PER_STATEMENT = 50
/** Ids of one statement. The list is one value of it: an id has 255 bytes at most, twice as many where each has to be escaped. */
const IDS_PER_STATEMENT = 4_096
/** The transaction holds the lock of the whole file: no row can have come since it was looked for [P39]. */
const OVERWRITE = ITEM_COLUMNS.filter((column) => column !== 'id')
  .map((column) => `${column} = excluded.${column}`)
  .join(', ')

/** The texts of the statements on the table of the items. */
export class SqliteItemTexts extends ItemTexts {
  /** The ids are one value, a JSON array, so that one text serves any number of them. */
  readonly headers = `SELECT ${HEADER_COLUMNS} FROM ${this.table} WHERE id IN (SELECT value FROM json_each(?))`
  readonly storeMany = this.#storing(ROWS_PER_STATEMENT)
  readonly storeOne = this.#storing(1)

  #storing(rowCount: number): string {
    const row = `(${placeholders(ITEM_COLUMNS.length)})`
    const rows = Array.from({ length: rowCount }, () => row).join(', ')
    return `INSERT INTO ${this.table} (${ITEM_COLUMNS.join(', ')}) VALUES ${rows} ON CONFLICT (id) DO UPDATE SET ${OVERWRITE}`
  }
}

/** What the table needs of its connection. Each statement runs at once: SQLite is in this process. */
export type SyncConnection = Pick<SqliteConnection, 'arrays' | 'run'>

/**
 * A connection as the statements that are said alike want it.
 *
 * @param connect the connection for one statement: between two of them a transaction may have begun
 */
export function itemConnection(connect: () => Promise<SyncConnection>): ItemConnection {
  return {
    limits: LIMITS,
    arrays: async (text, values) => (await connect()).arrays(text, values),
    run: async (text, values) => (await connect()).run(text, values),
  }
}

/** The table of the items, on one connection. */
export class SqliteItemTable extends ItemTable {
  readonly #texts: SqliteItemTexts
  readonly #connection: SyncConnection

  constructor(texts: SqliteItemTexts, connection: SyncConnection) {
    super(
      texts,
      itemConnection(async () => connection),
    )
    this.#texts = texts
    this.#connection = connection
  }

  override async lock(ids: readonly string[]): Promise<ReadonlyMap<string, RowHeader>> {
    const headers = new Map<string, RowHeader>()
    for (const part of partsOfCount(ids, IDS_PER_STATEMENT)) {
      addHeaders(this.#connection.arrays<HeaderColumns>(this.#texts.headers, [JSON.stringify(part)]), headers)
    }
    return headers
  }

  protected override async storeInOrder(rows: readonly ItemRow[]): Promise<void> {
    const { storeMany, storeOne } = this.#texts
    for (const part of partsOfCount(rows, ROWS_PER_STATEMENT)) {
      if (part.length === ROWS_PER_STATEMENT) this.#store(storeMany, part)
      else for (const row of part) this.#store(storeOne, [row])
    }
  }

  #store(text: string, rows: readonly ItemRow[]): void {
    const values: SqlValue[] = []
    for (const row of rows) bindItemRow(row, values)
    this.#connection.run(text, values)
  }
}

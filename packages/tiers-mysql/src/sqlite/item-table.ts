import { bindItemRow, HEADER_COLUMNS, type ItemRow, type SqlValue } from '../item-row.ts'
import { ItemTable, ItemTexts, type ItemConnection } from '../item-table.ts'
import { ITEM_COLUMNS } from '../schema.ts'
import { placeholders, textsByCount, type StatementLimits } from '../statement-sizes.ts'
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

/** The texts of the statements on the table of the items. */
export class SqliteItemTexts extends ItemTexts {
  override readonly lock = textsByCount(
    (terms) => `SELECT ${HEADER_COLUMNS} FROM ${this.table} WHERE id IN (${terms})`,
  )
  readonly insert = `INSERT INTO ${this.table} (${ITEM_COLUMNS.join(', ')}) VALUES (${placeholders(ITEM_COLUMNS.length)})`
  readonly replace = this.#replacing(CHANGING)
  readonly replaceWithState = this.#replacing([...CHANGING, 'state'])

  #replacing(columns: readonly string[]): string {
    const assignments = columns.map((column) => `${column} = ?`).join(', ')
    return `UPDATE ${this.table} SET ${assignments} WHERE id = ?`
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

  protected override async storeInOrder(rows: readonly ItemRow[]): Promise<void> {
    const { insert, replace, replaceWithState } = this.#texts
    for (const row of rows) {
      const values: SqlValue[] = []
      bindItemRow(row, values)
      if (row.replaces === undefined) {
        this.#connection.run(insert, values)
        continue
      }
      const [id, stamp, instance, version, state, contentType, value, digest, , , ...times] = values
      const changing = [stamp!, instance!, version!, contentType!, value!, digest!, ...times]
      if (row.replaces.state === state) this.#connection.run(replace, [...changing, id!])
      else this.#connection.run(replaceWithState, [...changing, state!, id!])
    }
  }
}

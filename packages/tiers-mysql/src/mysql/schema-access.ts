import type { ArchiveSchema, SchemaAccess } from '../install.ts'
import type { ColumnInfo } from '../schema-check.ts'
import type { TableNames } from '../tables.ts'
import type { MysqlConnection } from './connection.ts'

/** The tables, through one connection. */
export class MysqlSchema implements SchemaAccess {
  readonly tables: TableNames
  readonly migrations: SchemaAccess['migrations']
  readonly migrationsTable: string
  readonly #connection: MysqlConnection

  constructor(connection: MysqlConnection, schema: ArchiveSchema) {
    this.#connection = connection
    this.tables = schema.tables
    this.migrations = schema.migrations
    this.migrationsTable = schema.migrationsTable
  }

  async installed(): Promise<readonly string[] | undefined> {
    const [table] = await this.#connection.rows(
      `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
      [this.tables.migrations],
    )
    if (table === undefined) return undefined
    const rows = await this.#connection.rows<{ name: string }>(
      `SELECT name FROM ${this.tables.migrations}`,
      [],
    )
    return rows.map(({ name }) => name)
  }

  async columns(): Promise<ReadonlyMap<string, readonly ColumnInfo[]>> {
    const names = Object.values(this.tables) as string[]
    const rows = await this.#connection.arrays<
      [
        table: string,
        name: string,
        type: string,
        nullable: string,
        key: string,
        fallback: unknown,
        extra: string,
      ]
    >(
      `SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_KEY, COLUMN_DEFAULT, EXTRA
        FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (${names.map(() => '?').join(', ')})`,
      names,
    )
    const columns = new Map<string, ColumnInfo[]>()
    for (const [table, name, type, nullable, key, fallback, extra] of rows) {
      const isNullable = nullable === 'YES'
      const mayBeOmitted = isNullable || fallback !== null || extra !== ''
      const column = { name, type, isNullable, isPrimaryKey: key === 'PRI', mayBeOmitted }
      columns.set(table, [...(columns.get(table) ?? []), column])
    }
    return columns
  }

  async run(statement: string): Promise<void> {
    await this.#connection.command(statement)
  }

  /** Each statement commits by itself; what another process has made meanwhile is found by the name of the migration. */
  asOne(work: () => Promise<void>): Promise<void> {
    return work()
  }
}

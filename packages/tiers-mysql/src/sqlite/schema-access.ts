import type { ArchiveSchema, SchemaAccess } from '../install.ts'
import type { ColumnInfo } from '../schema-check.ts'
import type { SqliteConnection } from './connection.ts'

/** The tables, through one connection. */
export function sqliteSchema(connection: SqliteConnection, schema: ArchiveSchema): SchemaAccess {
  const { tables } = schema
  const exists = (table: string): boolean =>
    connection.all(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`, [table]).length > 0
  return {
    ...schema,
    async installed() {
      if (!exists(tables.migrations)) return undefined
      return connection
        .all<{ name: string }>(`SELECT name FROM ${tables.migrations}`, [])
        .map(({ name }) => name)
    },
    async columns() {
      const columns = new Map<string, readonly ColumnInfo[]>()
      for (const table of Object.values(tables) as string[]) {
        if (exists(table)) columns.set(table, columnsOf(connection, table))
      }
      return columns
    },
    async run(statement) {
      connection.database.exec(statement)
    },
    async asOne(work) {
      connection.begin('IMMEDIATE')
      try {
        await work()
        connection.commit()
      } finally {
        connection.rollback()
      }
    },
  }
}

function columnsOf(connection: SqliteConnection, table: string): readonly ColumnInfo[] {
  const rows = connection.all<{
    name: string
    type: string
    notnull: number
    dflt_value: unknown
    pk: number
  }>('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', [table])
  return rows.map(({ name, type, notnull, dflt_value: fallback, pk }) => ({
    name,
    type,
    isNullable: notnull === 0,
    isPrimaryKey: pk > 0,
    mayBeOmitted: notnull === 0 || fallback !== null,
  }))
}

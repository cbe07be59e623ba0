import { ArchiveTooNew, TierMisconfigured } from '@se/core'
import { faultOf, planOf, type ColumnInfo } from './schema-check.ts'
import type { TableNames } from './tables.ts'

/**
 * A step from one form of the tables to the next. Numbered, never edited once released: an archive that an older
 * version made runs what it lacks. Where statements of this kind commit at once, it may run again from its beginning, and several processes
 * may run it at the same time; its own name, which only one of them can note, says that it has run.
 */
export interface Migration {
  readonly name: string
  statements(tables: TableNames): readonly string[]
}

/** The tables, and what it takes to make them. */
export interface ArchiveSchema {
  readonly tables: TableNames
  readonly migrations: readonly Migration[]
  /** Makes the table of the migrations that ran, where it is missing. */
  readonly migrationsTable: string
}

/** What installing needs of a database. Errors are the driver's. */
export interface SchemaAccess extends ArchiveSchema {
  /** Names of the migrations that ran; `undefined`: there is no such table yet. */
  installed(): Promise<readonly string[] | undefined>
  /** Columns of the archive's tables that are there, by table. */
  columns(): Promise<ReadonlyMap<string, readonly ColumnInfo[]>>
  run(statement: string): Promise<void>
  /**
   * Runs the statements as one, where the database can. Nothing that strangers lock is waited for: there is no lock with a name, which
   * every program on the server could take, and which several servers that hold one database together do not share [P79].
   */
  asOne(work: () => Promise<void>): Promise<void>
}

/**
 * Brings the tables up to date, and looks whether they are ours. Where nothing is to be done, nothing is locked.
 *
 * Another process may do the same meanwhile. The driver's error for what it has made first is a conflict: then this is to be done again.
 *
 * @throws ArchiveTooNew when a newer version of this package has been here
 * @throws TierMisconfigured when a table is not what it must be
 */
export async function install(access: SchemaAccess): Promise<void> {
  if (missingOf(access.migrations, await access.installed()).length > 0) {
    await access.asOne(async () => {
      const missing = missingOf(access.migrations, await access.installed())
      // Strangers' tables of these names are left as they are.
      if (missing.length > 0) checkTables(access, await access.columns(), { areRequired: false })
      for (const migration of missing) {
        for (const statement of statementsOf(migration, access)) await access.run(statement)
      }
    })
  }
  checkTables(access, await access.columns(), { areRequired: true })
}

function checkTables(
  access: SchemaAccess,
  columns: ReadonlyMap<string, readonly ColumnInfo[]>,
  { areRequired }: { readonly areRequired: boolean },
): void {
  for (const plan of plansOf(access)) {
    const actual = columns.get(plan.table)
    if (actual === undefined && !areRequired) continue
    const fault = faultOf(plan, actual)
    if (fault === undefined) continue
    const { table, column, what } = fault
    const name = column === undefined ? `table ${table}` : `table ${table}: column ${column}`
    throw new TierMisconfigured(`${name} ${what}; give another database, or the option tablePrefix`, {
      details: { because: 'tables', table, column },
    })
  }
}

/** All statements that make an archive's tables, for users who may not make tables. */
export function schemaText(access: ArchiveSchema): string {
  return access.migrations
    .flatMap((migration) => statementsOf(migration, access))
    .map((statement) => `${statement};\n`)
    .join('')
}

function statementsOf(
  migration: Migration,
  { tables, migrationsTable }: Pick<ArchiveSchema, 'tables' | 'migrationsTable'>,
): readonly string[] {
  return [
    migrationsTable,
    ...migration.statements(tables),
    `INSERT INTO ${tables.migrations} (name, timestamp) VALUES ('${migration.name}', '')`,
  ]
}

function plansOf({ migrations, tables }: SchemaAccess) {
  return migrations
    .flatMap((migration) => migration.statements(tables))
    .map(planOf)
    .filter((plan) => plan !== undefined)
}

function missingOf(
  migrations: readonly Migration[],
  installed: readonly string[] | undefined,
): readonly Migration[] {
  if (installed === undefined) return migrations
  const known = new Set(migrations.map(({ name }) => name))
  const newer = installed.filter((name) => !known.has(name)).sort()
  if (newer.length > 0) {
    const ours = migrations.at(-1)!.name
    const theirs = newer.at(-1)!
    throw new ArchiveTooNew(
      `the archive's tables are of version ${theirs}, this package knows them up to ${ours}: update it`,
      { details: { archive: theirs, package: ours } },
    )
  }
  return migrations.filter(({ name }) => !installed.includes(name))
}

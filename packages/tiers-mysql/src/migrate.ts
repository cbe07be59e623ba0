import { invariant } from '@se/core'
import { Kysely, type Dialect } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'

/**
 * Brings the tables up to date. Safe to run by several processes at once where the dialect's lock is.
 *
 * The Kysely is not destroyed: it would close the connection, which the caller still uses.
 *
 * @throws the driver's error of the migration that failed
 */
export async function migrate(
  dialect: Dialect,
  migrations: Readonly<Record<string, Migration>>,
): Promise<void> {
  const migrator = new Migrator({
    db: new Kysely<unknown>({ dialect }),
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: 'sync_migrations',
    migrationLockTableName: 'sync_migrations_lock',
  })
  const { error } = await migrator.migrateToLatest()
  if (error instanceof Error) throw error
  invariant(error === undefined, 'a driver throws errors')
}

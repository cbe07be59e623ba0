import type { Clock } from '@se/core'
import { sql, SqliteAdapter, SqliteQueryCompiler, type RawBuilder } from 'kysely'
import type { Dialect } from '../archive-database.ts'
import { createBuilder } from '../compile-only.ts'

/** @param clock also the archive's: database and process share a machine */
export function sqliteDialect(clock: Pick<Clock, 'nowMs'>, tablePrefix: string): Dialect {
  return {
    builder: createBuilder(
      {
        createAdapter: () => new SqliteAdapter(),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
      tablePrefix,
    ),
    // BEGIN IMMEDIATE has locked everything.
    forUpdate: sql``,
    nowMs: (): RawBuilder<number> => sql<number>`${Math.floor(clock.nowMs())}`,
    // A file that cannot be written says so at each write, and no other process writes for us.
    readOnly: () => sql<string>`''`,
    checkWritable: () => undefined,
  }
}

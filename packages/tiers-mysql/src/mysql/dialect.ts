import { MysqlAdapter, MysqlQueryCompiler, sql } from 'kysely'
import type { Dialect } from '../archive-database.ts'
import { createBuilder } from '../compile-only.ts'
import { OWN_CODES } from './error-table.ts'
import { codedError } from './errors.ts'
import { isReadOnly, readOnlyExpression, type Topology } from './topology.ts'

/** @param topology of the server that is spoken to now */
export function mysqlDialect(tablePrefix: string, topology: () => Topology): Dialect {
  return {
    builder: createBuilder(
      {
        createAdapter: () => new MysqlAdapter(),
        createQueryCompiler: () => new MysqlQueryCompiler(),
      },
      tablePrefix,
    ),
    forUpdate: sql`for update`,
    // MariaDB has no FOR SHARE; both have this.
    nowMs: () => sql<number>`cast(unix_timestamp(now(3)) * 1000 as signed)`,
    readOnly: () => sql<string>`${sql.raw(readOnlyExpression(topology()))}`,
    checkWritable(readOnly) {
      if (isReadOnly(readOnly)) throw codedError(OWN_CODES.readOnly, 'the server cannot be written')
    },
  }
}

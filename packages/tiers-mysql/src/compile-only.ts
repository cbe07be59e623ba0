import { InvariantViolation } from '@se/core'
import { DummyDriver, Kysely, type DialectAdapter, type QueryCompiler } from 'kysely'
import { PrefixPlugin } from './prefix-plugin.ts'
import type { ArchiveTables } from './schema.ts'
import { TABLE_PREFIX_DEFAULT } from './tables.ts'

/**
 * A Kysely that builds statements and never runs one: what it compiles goes through the same connection, in
 * the same transaction and prepared the same way as the hot statements.
 */
export function createBuilder(
  parts: {
    createAdapter(): DialectAdapter
    createQueryCompiler(): QueryCompiler
  },
  tablePrefix: string,
): Kysely<ArchiveTables> {
  return new Kysely<ArchiveTables>({
    dialect: {
      ...parts,
      createDriver: () => new DummyDriver(),
      createIntrospector: () => {
        throw new InvariantViolation('this Kysely only builds statements')
      },
    },
    plugins: tablePrefix === TABLE_PREFIX_DEFAULT ? [] : [new PrefixPlugin(tablePrefix)],
  })
}

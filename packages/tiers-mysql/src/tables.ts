import { InvalidConfig } from '@se/core'

/** Prefix of the tables' names where none is given. */
export const TABLE_PREFIX_DEFAULT = 'sync_'
/** The longest name of a table has 10 characters more; MySQL takes 64. */
const TABLE_PREFIX_CHARS_MAX = 40

/** The archive's tables in a database, by what they hold. */
export interface TableNames {
  readonly items: string
  readonly instances: string
  readonly ledger: string
  readonly tree: string
  readonly meta: string
  readonly migrations: string
}

export function tableNames(prefix: string): TableNames {
  return {
    items: `${prefix}items`,
    instances: `${prefix}instances`,
    ledger: `${prefix}ledger`,
    tree: `${prefix}tree`,
    meta: `${prefix}meta`,
    migrations: `${prefix}migrations`,
  }
}

/**
 * A prefix stands in statements as it is, so it is nothing but small letters, digits and underlines.
 *
 * @throws InvalidConfig naming `archive.tablePrefix`
 */
export function checkTablePrefix(prefix: string): string {
  if (!/^[a-z][a-z0-9_]*$/.test(prefix) || prefix.length > TABLE_PREFIX_CHARS_MAX) {
    throw new InvalidConfig(
      'archive.tablePrefix',
      `must be 1 to ${TABLE_PREFIX_CHARS_MAX} small letters, digits and underlines, a letter first`,
    )
  }
  return prefix
}

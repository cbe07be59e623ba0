import type { Migration } from '../install.ts'
import type { TableNames } from '../tables.ts'

/** Tables: docs/formats/archive-tables.md. TEXT compares by the bytes of its UTF-8 (collation BINARY). */
export const sqliteMigrations: readonly Migration[] = [
  { name: '0001-tables', statements: (tables) => createTables(tables) },
]

export function sqliteMigrationsTable({ migrations }: TableNames): string {
  return `CREATE TABLE IF NOT EXISTS ${migrations} (
    name TEXT NOT NULL PRIMARY KEY,
    timestamp TEXT NOT NULL
  ) STRICT`
}

const createTables = (tables: TableNames): readonly string[] => [
  `CREATE TABLE IF NOT EXISTS ${tables.items} (
    id TEXT NOT NULL PRIMARY KEY,
    stamp INTEGER NOT NULL,
    instance INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    content_type TEXT NOT NULL,
    digest BLOB,
    created_at INTEGER NOT NULL,
    batch_sequence INTEGER NOT NULL,
    batch_instance INTEGER,
    value BLOB
  ) STRICT`,
  `CREATE INDEX IF NOT EXISTS ${tables.items}_tombstones ON ${tables.items} (id) WHERE digest IS NULL`,
  `CREATE TABLE IF NOT EXISTS ${tables.instances} (
    number INTEGER NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    nonce TEXT NOT NULL UNIQUE,
    last_sequence INTEGER NOT NULL,
    link TEXT NOT NULL,
    pruned_sequence INTEGER NOT NULL,
    pruned_link TEXT NOT NULL,
    max_stamp INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS ${tables.ledger} (
    instance INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    link TEXT NOT NULL,
    kind INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (instance, sequence)
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS ${tables.tree} (
    branch INTEGER NOT NULL,
    page INTEGER NOT NULL,
    leaves BLOB NOT NULL,
    PRIMARY KEY (branch, page)
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS ${tables.meta} (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT`,
]

import type { Migration } from 'kysely/migration'
import { sql, type Kysely } from 'kysely'

/**
 * Numbered, never edited once released: an archive made by an older version runs what it lacks.
 *
 * Tables: docs/formats/archive-tables.md. TEXT compares by the bytes of its UTF-8 (collation BINARY).
 */
export const sqliteMigrations: Readonly<Record<string, Migration>> = {
  '0001-tables': {
    async up(db) {
      for (const statement of TABLES) await sql.raw(statement).execute(db as Kysely<unknown>)
    },
  },
}

const TABLES = [
  `CREATE TABLE sync_items (
    id TEXT NOT NULL PRIMARY KEY,
    stamp INTEGER NOT NULL,
    instance INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    content_type TEXT NOT NULL,
    value BLOB,
    digest BLOB,
    branch INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE INDEX sync_items_state ON sync_items (state)`,
  `CREATE INDEX sync_items_leaf ON sync_items (branch, bucket)`,
  `CREATE INDEX sync_items_tombstones ON sync_items (id) WHERE deleted = 1`,
  `CREATE TABLE sync_instances (
    number INTEGER NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    nonce TEXT NOT NULL UNIQUE,
    last_sequence INTEGER NOT NULL,
    link TEXT NOT NULL,
    pruned_sequence INTEGER NOT NULL,
    pruned_link TEXT NOT NULL,
    max_stamp INTEGER NOT NULL,
    state TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE sync_ledger (
    instance INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    link TEXT NOT NULL,
    kind INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (instance, sequence)
  ) STRICT`,
  `CREATE TABLE sync_tree (
    branch INTEGER NOT NULL,
    page INTEGER NOT NULL,
    leaves BLOB NOT NULL,
    PRIMARY KEY (branch, page)
  ) STRICT`,
  `CREATE TABLE sync_meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT`,
]

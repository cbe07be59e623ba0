import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * Numbered, never edited once released: an archive made by an older version runs what it lacks.
 *
 * A statement of this kind commits at once, so a migration cut short runs again from its beginning: each must
 * bear that (`IF NOT EXISTS`). Tables: docs/formats/archive-tables.md.
 */
export const mysqlMigrations: Readonly<Record<string, Migration>> = {
  '0001-tables': {
    async up(db) {
      for (const statement of TABLES) await sql.raw(statement).execute(db as Kysely<unknown>)
    },
  },
}

const TABLE_OPTIONS = 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin'

const TABLES = [
  // VARBINARY: the one type that MySQL and MariaDB both compare by bytes, trailing spaces included [P17].
  `CREATE TABLE IF NOT EXISTS sync_items (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    stamp BIGINT NOT NULL,
    instance INT UNSIGNED NOT NULL,
    version BIGINT NOT NULL,
    state VARCHAR(64) NOT NULL,
    content_type VARCHAR(127) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    value LONGBLOB,
    digest BINARY(16),
    branch SMALLINT UNSIGNED NOT NULL,
    bucket SMALLINT UNSIGNED NOT NULL,
    deleted TINYINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    KEY sync_items_state (state),
    KEY sync_items_leaf (branch, bucket)
  ) ${TABLE_OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS sync_instances (
    number INT UNSIGNED NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    nonce CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    last_sequence BIGINT NOT NULL,
    link CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    pruned_sequence BIGINT NOT NULL,
    pruned_link CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    max_stamp BIGINT NOT NULL,
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    claimed_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    UNIQUE KEY sync_instances_nonce (nonce)
  ) ${TABLE_OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS sync_ledger (
    instance INT UNSIGNED NOT NULL,
    sequence BIGINT NOT NULL,
    link CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind TINYINT NOT NULL,
    committed_at BIGINT NOT NULL,
    entries LONGBLOB NOT NULL,
    PRIMARY KEY (instance, sequence)
  ) ${TABLE_OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS sync_tree (
    branch SMALLINT UNSIGNED NOT NULL,
    page SMALLINT UNSIGNED NOT NULL,
    leaves BLOB NOT NULL,
    PRIMARY KEY (branch, page)
  ) ${TABLE_OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS sync_meta (
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    value MEDIUMTEXT NOT NULL
  ) ${TABLE_OPTIONS}`,
]

import type { Migration } from '../install.ts'
import type { TableNames } from '../tables.ts'

/** Tables: docs/formats/archive-tables.md. */
export const mysqlMigrations: readonly Migration[] = [
  { name: '0001-tables', statements: (tables) => createTables(tables) },
]

const TABLE_OPTIONS = 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin'

export function mysqlMigrationsTable({ migrations }: TableNames): string {
  return `CREATE TABLE IF NOT EXISTS ${migrations} (
    name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    timestamp VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
  ) ${TABLE_OPTIONS}`
}

const createTables = (tables: TableNames): readonly string[] => [
  // VARBINARY: the one type that MySQL and MariaDB both compare by bytes, trailing spaces included [P17].
  `CREATE TABLE IF NOT EXISTS ${tables.items} (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    stamp BIGINT NOT NULL,
    instance INT UNSIGNED NOT NULL,
    version BIGINT NOT NULL,
    state VARCHAR(64) NOT NULL,
    content_type VARCHAR(127) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    digest BINARY(16),
    created_at BIGINT NOT NULL,
    batch_sequence BIGINT NOT NULL,
    batch_instance INT UNSIGNED,
    value LONGBLOB
  ) ${TABLE_OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS ${tables.instances} (
    number INT UNSIGNED NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    nonce CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    last_sequence BIGINT NOT NULL,
    link CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    pruned_sequence BIGINT NOT NULL,
    pruned_link CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    max_stamp BIGINT NOT NULL,
    floor BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    claimed_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    UNIQUE KEY ${tables.instances}_nonce (nonce)
  ) ${TABLE_OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS ${tables.ledger} (
    instance INT UNSIGNED NOT NULL,
    sequence BIGINT NOT NULL,
    link CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind TINYINT NOT NULL,
    committed_at BIGINT NOT NULL,
    entries LONGBLOB NOT NULL,
    PRIMARY KEY (instance, sequence)
  ) ${TABLE_OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS ${tables.tree} (
    branch SMALLINT UNSIGNED NOT NULL,
    page SMALLINT UNSIGNED NOT NULL,
    leaves BLOB NOT NULL,
    PRIMARY KEY (branch, page)
  ) ${TABLE_OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS ${tables.meta} (
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    value MEDIUMTEXT NOT NULL
  ) ${TABLE_OPTIONS}`,
]

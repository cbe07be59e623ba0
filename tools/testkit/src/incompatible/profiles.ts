/**
 * What servers that are not MariaDB do with statements that MariaDB takes: data, each piece with the place that tells it. Emulated from
 * documentation and reports; none of these servers was at hand.
 */
import type { ServerError } from './packets.ts'

export type ProfileName = 'tidb' | 'vitess' | 'group-replication' | 'galera' | 'aurora'

/** A statement that is not for this server. */
export interface Rule {
  readonly name: string
  /** Of the statement in its plain form (`plainForm`). */
  readonly pattern: RegExp
  /** A statement that the rule is about, and that MariaDB takes. */
  readonly example: string
  /** What the server answers. Without it: the server takes the statement, but it does not do what it says; it is noted, and passes. */
  readonly error?: ServerError
  readonly source: string
}

/** How a text must be changed so that MariaDB does what this server would. */
export interface Rewrite {
  readonly pattern: RegExp
  readonly replacement: string
  readonly source: string
}

/** A bound, and what the server answers beyond it. */
export interface Limit {
  readonly max: number
  readonly error: ServerError
  readonly source: string
}

export interface Profile {
  readonly name: ProfileName
  /** Version in the greeting. */
  readonly version: string
  /** What SHOW GLOBAL VARIABLES knows. */
  readonly variables: Readonly<Record<string, string>>
  readonly rules: readonly Rule[]
  readonly rewrites: readonly Rewrite[]
  /** What COMMIT of a transaction that wrote may answer, when another was faster. It is then rolled back. */
  readonly conflicts: readonly ServerError[]
  /** Longest value of a row, bytes. */
  readonly rowBytes?: Limit
  /** All that one transaction writes, bytes. */
  readonly transactionBytes?: Limit
  /** How long a transaction may last, ms. Then it is rolled back, and each of its statements gets the error. */
  readonly transactionMs?: Limit
  /** What writes get where this server is no longer the one that writes; its variables then say so. */
  readonly demoted?: ServerError
}

const general = (errno: number, text: string): ServerError => ({ errno, sqlState: 'HY000', text })
const refusedSyntax = (errno: number, text: string): ServerError => ({ errno, sqlState: '42000', text })

/** User variable of the server's session that is 1 once the server was demoted. */
export const DEMOTED_VARIABLE = '@se_demoted'

const MYSQL_VARIABLES = {
  transaction_isolation: 'REPEATABLE-READ',
  read_only: 'OFF',
  super_read_only: 'OFF',
  innodb_read_only: 'OFF',
}

const MARIADB_ONLY =
  '(?:TX_ISOLATION|IDLE_(?:WRITE_|READONLY_)?TRANSACTION_TIMEOUT|IN_PREDICATE_CONVERSION_THRESHOLD|WSREP_\\w+)'

/** What MariaDB alone has. */
const MYSQL_RULES: readonly Rule[] = [
  {
    name: 'variables of MariaDB',
    pattern: new RegExp(`(?:@@(?:GLOBAL\\.|SESSION\\.)?|\\b(?:SET|SESSION|GLOBAL) |, )${MARIADB_ONLY}\\b`),
    example: 'SET SESSION idle_transaction_timeout = 1',
    error: general(1193, 'Unknown system variable'),
    source: 'MySQL 8.4 Reference, "Server System Variable Reference"',
  },
  {
    name: 'RETURNING',
    pattern: /^(?:INSERT|DELETE|REPLACE)\b.*\bRETURNING\b/,
    example: 'DELETE FROM rule_example RETURNING id',
    error: refusedSyntax(1064, 'You have an error in your SQL syntax'),
    source: 'MySQL 8.4 Reference, "DELETE Statement"',
  },
  {
    name: 'SET STATEMENT',
    pattern: /^SET STATEMENT\b/,
    example: 'SET STATEMENT max_statement_time = 1 FOR SELECT 1',
    error: refusedSyntax(1064, 'You have an error in your SQL syntax'),
    source: 'MySQL 8.4 Reference, "SET Statements"',
  },
]

/** Names under which MariaDB has what these servers call otherwise. */
const MYSQL_REWRITES: readonly Rewrite[] = [
  {
    pattern: /@@session\.transaction_isolation\b/gi,
    replacement: '@@session.tx_isolation',
    source: 'MariaDB documentation, "transaction_isolation": from 11.1 on',
  },
  {
    pattern: /@@global\.(?:tidb_)?super_read_only\b/gi,
    replacement: '0',
    source: 'variables of MySQL and TiDB alone',
  },
]

const NAMED_LOCKS = {
  name: 'named locks',
  pattern: /\b(?:GET_LOCK|IS_USED_LOCK|IS_FREE_LOCK|RELEASE_LOCK|RELEASE_ALL_LOCKS)\s?\(/,
  example: "SELECT GET_LOCK('rule example', 0)",
} satisfies Partial<Rule>

const SHARED_LOCKS = {
  name: 'shared row locks',
  pattern: /\b(?:LOCK IN SHARE MODE|FOR SHARE)\b/,
  example: 'SELECT id FROM rule_example LOCK IN SHARE MODE',
} satisfies Partial<Rule>

const READ_ONLY = {
  name: 'read-only transactions',
  pattern: /\bTRANSACTION\b.*\bREAD ONLY\b/,
  example: 'START TRANSACTION READ ONLY',
} satisfies Partial<Rule>

const LOCK_TABLES = {
  name: 'locks of tables',
  pattern: /^LOCK TABLES?\b/,
  example: 'LOCK TABLES rule_example WRITE',
} satisfies Partial<Rule>

const SERIALIZABLE = {
  name: 'SERIALIZABLE',
  pattern: /\bISOLATION LEVEL SERIALIZABLE\b/,
  example: 'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
} satisfies Partial<Rule>

const NOOP =
  'has only noop implementation in tidb now, use tidb_enable_noop_functions to enable these functions'

const tidb: Profile = {
  name: 'tidb',
  version: '8.0.11-TiDB-v8.5.0',
  variables: {
    ...MYSQL_VARIABLES,
    version: '8.0.11-TiDB-v8.5.0',
    version_comment: 'TiDB Server (Apache License 2.0) Community Edition, MySQL 8.0 compatible',
    tidb_super_read_only: 'OFF',
  },
  rules: [
    ...MYSQL_RULES,
    {
      ...SHARED_LOCKS,
      error: refusedSyntax(1235, `function LOCK IN SHARE MODE ${NOOP}`),
      source: 'TiDB documentation, tidb_enable_noop_functions; pingcap/tidb#52432',
    },
    {
      ...READ_ONLY,
      error: refusedSyntax(1235, `function READ ONLY ${NOOP}`),
      source: 'TiDB documentation, tidb_enable_noop_functions; pingcap/tidb#34626',
    },
    {
      ...NAMED_LOCKS,
      error: refusedSyntax(1235, `function GET_LOCK ${NOOP}`),
      source: 'TiDB before 6.2; since then they last at least a second',
    },
    {
      ...SERIALIZABLE,
      error: general(8048, "The isolation level 'SERIALIZABLE' is not supported"),
      source: 'TiDB documentation, "TiDB Transaction Isolation Levels"',
    },
    { ...LOCK_TABLES, source: 'TiDB documentation, enable-table-lock: off' },
  ],
  rewrites: MYSQL_REWRITES,
  conflicts: [
    general(9007, 'Write conflict, txnStartTS=1, conflictStartTS=2, conflictCommitTS=3 [try again later]'),
    general(8002, '[1] can not retry select for update statement'),
    general(8022, 'Error: KV error safe to retry Error: Txn(Mvcc(TxnLockNotFound)) [try again later]'),
  ],
  rowBytes: {
    max: 6 * 2 ** 20,
    error: general(8025, 'entry too large, the max entry size is 6291456'),
    source: 'TiDB documentation, txn-entry-size-limit; pingcap/tidb#35903',
  },
  transactionBytes: {
    max: 100 * 2 ** 20,
    error: general(8004, 'Transaction is too large'),
    source: 'TiDB documentation, txn-total-size-limit',
  },
  transactionMs: {
    max: 600_000,
    error: general(9006, 'GC life time is shorter than transaction duration'),
    source: 'TiDB documentation, tidb_gc_life_time',
  },
}

const vitess: Profile = {
  name: 'vitess',
  version: '8.0.30-Vitess',
  variables: {
    ...MYSQL_VARIABLES,
    version: '8.0.30-Vitess',
    version_comment: 'Version: 21.0.0',
  },
  rules: [
    ...MYSQL_RULES,
    {
      ...READ_ONLY,
      error: general(1105, "syntax error at position 23 near 'READ'"),
      source: 'juicedata/juicefs#2237, before Vitess 16',
    },
    {
      ...NAMED_LOCKS,
      error: general(1105, 'get_lock() not allowed'),
      source:
        'vitessio/vitess#3900; later versions hold a connection for it, which may be killed (vitessio/vitess#10130)',
    },
    {
      name: 'KILL',
      pattern: /^KILL\b/,
      example: 'KILL 4294967295',
      error: general(1095, 'VT07001: Kill statement execution is not permitted'),
      source: 'Vitess documentation, VT07001; before 18 there was none (vitessio/vitess#13371)',
    },
    {
      name: 'number of the session',
      pattern: /\bCONNECTION_ID ?\( ?\)/,
      example: 'SELECT CONNECTION_ID()',
      source: 'Vitess documentation, "Reserved Connections": statements share the connections of a pool',
    },
    {
      name: 'isolation of the next transaction',
      pattern: /^SET TRANSACTION\b/,
      example: 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED',
      source: 'vitessio/vitess#19361: it stays for the whole session',
    },
    { ...LOCK_TABLES, source: 'vitessio/vitess#7139: a warning in the log of the server' },
  ],
  rewrites: [
    ...MYSQL_REWRITES,
    {
      pattern: /^SET TRANSACTION\b/i,
      replacement: 'SET SESSION TRANSACTION',
      source: 'vitessio/vitess#19361',
    },
    {
      pattern: /SESSION (?:wait_timeout|collation_connection) = /gi,
      replacement: '@se_ignored = ',
      source: 'vitessio/vitess, go/vt/sysvars/sysvars.go: IgnoreThese, CheckAndIgnore',
    },
    {
      pattern: /@@session\.wait_timeout\b/gi,
      replacement: '28800',
      source: 'the default of MySQL, as it cannot be set',
    },
    {
      pattern: /@@session\.collation_connection\b/gi,
      replacement: "'utf8mb4_0900_ai_ci'",
      source: 'the default of MySQL 8, as it cannot be set',
    },
  ],
  conflicts: [],
  transactionMs: {
    max: 20_000,
    error: general(
      1105,
      'target: main.-.primary: vttablet: rpc error: code = Aborted desc = transaction 1: in use: for tx killer rollback',
    ),
    source: 'PlanetScale documentation, "System limits"',
  },
}

const groupReplication: Profile = {
  name: 'group-replication',
  version: '8.4.3',
  variables: {
    ...MYSQL_VARIABLES,
    version: '8.4.3',
    version_comment: 'MySQL Community Server - GPL',
    group_replication_group_name: '8a94f357-aab4-11df-86ab-c80aa9429444',
    group_replication_consistency: 'EVENTUAL',
  },
  rules: [
    ...MYSQL_RULES,
    { ...NAMED_LOCKS, source: 'MySQL 8.4 Reference, "Group Replication Limitations": named locks' },
    {
      ...SHARED_LOCKS,
      source: 'MySQL 8.4 Reference, "Group Replication Limitations": gap locks, table locks',
    },
    { ...LOCK_TABLES, source: 'MySQL 8.4 Reference, "Group Replication Limitations": table locks' },
    {
      ...SERIALIZABLE,
      error: general(3098, 'The table does not comply with the requirements by an external plugin.'),
      source: 'MySQL 8.4 Reference, "Group Replication Limitations": SERIALIZABLE isolation level',
    },
  ],
  rewrites: [
    ...MYSQL_REWRITES,
    {
      pattern: /SESSION group_replication_consistency = /gi,
      replacement: '@se_consistency = ',
      source: 'a variable of MySQL alone',
    },
    {
      pattern: /@@session\.group_replication_consistency\b/gi,
      replacement: '@se_consistency',
      source: 'a variable of MySQL alone',
    },
  ],
  conflicts: [
    {
      errno: 3101,
      sqlState: '40000',
      text: 'Plugin instructed the server to rollback the current transaction.',
    },
    // Documented is the one above; in the field this one is seen.
    general(1180, "Got error 149 - 'Lock deadlock; Retry transaction' during COMMIT"),
  ],
}

const galera: Profile = {
  name: 'galera',
  version: '10.11.3-MariaDB',
  variables: {
    version: '10.11.3-MariaDB',
    version_comment: 'MariaDB Server',
    wsrep_on: 'ON',
    wsrep_sync_wait: '0',
    tx_isolation: 'REPEATABLE-READ',
    read_only: 'OFF',
    innodb_read_only: 'OFF',
    idle_transaction_timeout: '0',
    idle_write_transaction_timeout: '0',
    idle_readonly_transaction_timeout: '0',
    in_predicate_conversion_threshold: '1000',
  },
  rules: [
    {
      ...NAMED_LOCKS,
      error: refusedSyntax(
        1235,
        "This version of MariaDB doesn't yet support 'GET_LOCK in cluster (WSREP_ON=ON)'",
      ),
      source: 'MDEV-30473; other versions take it and lock one node',
    },
    { ...SHARED_LOCKS, source: 'MariaDB documentation, "Galera Cluster - Known Limitations"' },
    { ...LOCK_TABLES, source: 'MariaDB documentation, "Galera Cluster - Known Limitations"' },
    { ...SERIALIZABLE, source: 'MariaDB documentation, "Galera Cluster - Known Limitations"' },
  ],
  rewrites: [],
  conflicts: [
    {
      errno: 1213,
      sqlState: '40001',
      text: 'Deadlock found when trying to get lock; try restarting transaction',
    },
  ],
}

const aurora: Profile = {
  name: 'aurora',
  version: '8.0.mysql_aurora.3.08.0',
  variables: {
    ...MYSQL_VARIABLES,
    version: '8.0.mysql_aurora.3.08.0',
    version_comment: 'MySQL Community Server (GPL)',
  },
  rules: [
    ...MYSQL_RULES,
    { ...NAMED_LOCKS, source: 'Amazon Aurora User Guide, "High availability": lost when the writer changes' },
  ],
  rewrites: [
    ...MYSQL_REWRITES,
    {
      pattern: /@@global\.innodb_read_only\b/gi,
      replacement: `CAST(COALESCE(${DEMOTED_VARIABLE}, 0) AS UNSIGNED)`,
      source: 'Amazon Aurora User Guide: innodb_read_only is 1 on a reader',
    },
  ],
  conflicts: [],
  demoted: general(
    1290,
    'The MySQL server is running with the --read-only option so it cannot execute this statement',
  ),
}

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  tidb,
  vitess,
  'group-replication': groupReplication,
  galera,
  aurora,
}

/**
 * What kind of server this is, and what that means for a session. Pure: reads variables that were asked for, and says
 * what to set and what to expect.
 */

/** Several servers that hold one database together ask for more than one that stands alone. */
export type Cluster = 'none' | 'galera' | 'group-replication'

export interface Topology {
  readonly isMariaDb: boolean
  /**
   * Vitess, also as PlanetScale: sessions share connections to the server behind it, so some settings are not taken, a session has no number
   * of its own, and what is set for the next transaction stays. It ends a transaction that lasts too long by itself.
   */
  readonly isVitess: boolean
  readonly cluster: Cluster
  /** Variables of this server that say, when on, that it cannot be written. */
  readonly readOnlyVariables: readonly string[]
  /** Name of the variable that holds the isolation level. */
  readonly isolationVariable: string
  /** Names of all variables that were found. */
  readonly variables: ReadonlySet<string>
}

const READ_ONLY_VARIABLES = [
  'read_only',
  'super_read_only',
  'innodb_read_only',
  'tidb_super_read_only',
] as const

/** Variables whose presence, or value, tells what the server is. */
export const TOPOLOGY_VARIABLES = [
  'version',
  'version_comment',
  'wsrep_on',
  'group_replication_group_name',
  'group_replication_consistency',
  'wsrep_sync_wait',
  'transaction_isolation',
  'tx_isolation',
  'idle_transaction_timeout',
  'idle_write_transaction_timeout',
  'idle_readonly_transaction_timeout',
  'in_predicate_conversion_threshold',
  ...READ_ONLY_VARIABLES,
] as const

/** @param rows of SHOW VARIABLES */
export function topologyOf(rows: Iterable<{ readonly name: string; readonly value: string }>): Topology {
  const values = new Map<string, string>()
  for (const { name, value } of rows) values.set(name.toLowerCase(), value)
  const versions = `${values.get('version') ?? ''} ${values.get('version_comment') ?? ''}`
  return {
    isMariaDb: /mariadb/i.test(versions),
    isVitess: /vitess|planetscale/i.test(versions),
    cluster: clusterOf(values),
    readOnlyVariables: READ_ONLY_VARIABLES.filter((name) => values.has(name)),
    isolationVariable: values.has('transaction_isolation') ? 'transaction_isolation' : 'tx_isolation',
    variables: new Set(values.keys()),
  }
}

function clusterOf(values: ReadonlyMap<string, string>): Cluster {
  if (isOn(values.get('wsrep_on'))) return 'galera'
  return (values.get('group_replication_group_name') ?? '') === '' ? 'none' : 'group-replication'
}

/** How long a node of a cluster that seems to have gone back is asked again before it is believed, ms [P78]. */
const BEHIND_MS_OF_CLUSTER = 1_000
/**
 * The same for a server that stands alone, ms. A transaction reads there what is committed, so it can only be behind when
 * it was promoted while it still applies what it had been sent. A process that such a failover has put back doubts twice,
 * when its batch is not the next one and when it claims its instance again; both must fit in the 2 s after which it writes.
 */
const BEHIND_MS_ALONE = 300

/** How long a server that seems to have gone back may only be behind, ms. */
export function behindMsOf({ cluster }: Pick<Topology, 'cluster'>): number {
  return cluster === 'none' ? BEHIND_MS_ALONE : BEHIND_MS_OF_CLUSTER
}

/** Whether a variable is on, as any of these servers says it: 1, ON, or a word of its own such as NO_LOCK. */
export function isOn(value: unknown): boolean {
  if (value === undefined || value === null) return false
  const text = String(value as string | number)
    .trim()
    .toUpperCase()
  return text !== '' && text !== '0' && text !== 'OFF' && text !== 'FALSE'
}

/** An expression that names the values of the variables that forbid writing, joined by commas; `''`: there are none. */
export function readOnlyExpression({ readOnlyVariables }: Pick<Topology, 'readOnlyVariables'>): string {
  if (readOnlyVariables.length === 0) return "''"
  return `concat_ws(',', ${readOnlyVariables.map((name) => `@@global.${name}`).join(', ')})`
}

/** Reads what {@link readOnlyExpression} gave. */
export function isReadOnly(values: string): boolean {
  return values !== '' && values.split(',').some(isOn)
}

export interface SessionLimits {
  /** Longest wait of one statement for a row lock, s. */
  readonly lockWaitSeconds: number
}

/**
 * How long the server lets a session be silent within a transaction, s. Its locks are in everybody's way: a process that was
 * frozen there must not hold up the others for long. One that has not written yet may have locks as well, and counts as one that only reads.
 */
export const IDLE_TRANSACTION_SECONDS = 3
/** The same for scans, whose visitors take their time, s. */
export const IDLE_SCAN_SECONDS = 600
/** Outside of any transaction, s. */
const IDLE_SECONDS = 600
/** A server without limits for transactions has only the one for all silence; idle connections must be younger, s. */
const IDLE_SECONDS_WITHOUT = 10

/** Limits of silence that this server takes, by variable, with and without a slow visitor. */
function idleLimits(topology: Topology, isScan: boolean): readonly (readonly [string, number])[] {
  const { variables, isVitess } = topology
  if (isVitess) return []
  if (variables.has('idle_write_transaction_timeout')) {
    return [
      ['wait_timeout', IDLE_SECONDS],
      ['idle_transaction_timeout', isScan ? IDLE_SCAN_SECONDS : IDLE_TRANSACTION_SECONDS],
      ['idle_readonly_transaction_timeout', isScan ? IDLE_SCAN_SECONDS : IDLE_TRANSACTION_SECONDS],
      ['idle_write_transaction_timeout', IDLE_TRANSACTION_SECONDS],
    ]
  }
  return [['wait_timeout', isScan ? IDLE_SECONDS : IDLE_SECONDS_WITHOUT]]
}

/** How long a pooled connection may be idle before it is closed here, ms: sooner than the server would. */
export function idleMsMax(topology: Topology): number {
  const limit = idleLimits(topology, false).find(([name]) => name === 'wait_timeout')
  return (limit?.[1] ?? IDLE_SECONDS) * 500
}

/** Statement that gives a session the patience of a scan, or takes it back. `undefined`: the server takes none. */
export function patienceStatement(topology: Topology, isScan: boolean): string | undefined {
  const limits = idleLimits(topology, isScan).map(([name, seconds]) => `SESSION ${name} = ${seconds}`)
  return limits.length === 0 ? undefined : `SET ${limits.join(', ')}`
}

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ'

/** Statement that isolates the next transaction otherwise than the session is; on Vitess, also those after it. */
export function isolationStatement({ isVitess }: Topology, level: Isolation): string {
  return `SET ${isVitess ? 'SESSION ' : ''}TRANSACTION ISOLATION LEVEL ${level}`
}

/** What a session must be. */
export interface SessionPlan {
  /** Statements that make it so, in order. */
  readonly statements: readonly string[]
  /** Variables as they must read afterwards; a text is compared without case, a set of words without order. */
  readonly expected: ReadonlyMap<string, string | number>
}

const SQL_MODE = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'

/**
 * What to set, and what to read back [P47, P68]: a server's `init_connect`, a proxy or a default of the server's may
 * have left anything in a new session, for any request of the handshake.
 */
export function planSession(topology: Topology, { lockWaitSeconds }: SessionLimits): SessionPlan {
  const { variables, cluster, isVitess, isolationVariable } = topology
  const settings: (readonly [string, string | number])[] = [
    ['character_set_client', 'utf8mb4'],
    ['character_set_results', 'utf8mb4'],
    // No statement relies on it: columns have their own.
    ...(isVitess ? [] : ([['collation_connection', 'utf8mb4_bin']] as const)),
    ['sql_mode', SQL_MODE],
    ['time_zone', '+00:00'],
    ['autocommit', 1],
    ['innodb_lock_wait_timeout', lockWaitSeconds],
    ...idleLimits(topology, false),
  ]
  // Long IN lists are turned into joins, which lock in another order.
  if (variables.has('in_predicate_conversion_threshold'))
    settings.push(['in_predicate_conversion_threshold', 0])
  // A node that is milliseconds behind waits until it has what the others had when it was asked [P78].
  if (cluster === 'galera') settings.push(['wsrep_sync_wait', 1])
  if (cluster === 'group-replication' && variables.has('group_replication_consistency')) {
    settings.push(['group_replication_consistency', 'BEFORE'])
  }
  return {
    statements: [
      'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
      `SET ${settings.map(([name, value]) => `SESSION ${name} = ${literal(value)}`).join(', ')}`,
    ],
    expected: new Map([...settings, [isolationVariable, 'READ-COMMITTED']]),
  }
}

function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value}'`
}

/** Text that is sent as a value and read back as the bytes that the server understood, and those bytes in hex. */
export const ENCODING_PROBE = { text: 'é\u{1f600}', hex: 'C3A9F09F9880' } as const

/** Statement that reads a session back; its one parameter is the probe. */
export function readBackStatement(topology: Topology, plan: SessionPlan): string {
  const columns = [...plan.expected.keys()].map((name) => `@@session.${name} AS \`${name}\``)
  return `SELECT ${columns.join(', ')}, HEX(?) AS probe,
    @@session.max_allowed_packet AS packet_bytes, ${readOnlyExpression(topology)} AS read_only_values`
}

/** Names of what differs from the plan; empty: the session is what it must be. */
export function sessionFaults(plan: SessionPlan, row: Readonly<Record<string, unknown>>): readonly string[] {
  const faults: string[] = []
  for (const [name, value] of plan.expected) {
    if (canonical(row[name]) !== canonical(value)) faults.push(name)
  }
  if (row['probe'] !== ENCODING_PROBE.hex) faults.push('the encoding of texts')
  return faults
}

function canonical(value: unknown): string {
  const text = String(value as string | number)
    .trim()
    .toLowerCase()
  return text.includes(',') ? text.split(',').sort().join(',') : text
}

/**
 * What every error that a server or the driver can answer with means: for the operation, and for the connection.
 *
 * Sources: MySQL 8.4 Reference, "Server Error Message Reference"; MariaDB documentation, "MariaDB Error Codes"; Galera
 * and Group Replication manuals; the driver's own sources. What is not here is {@link UNKNOWN}.
 */

/** What the operation may do. */
export type OperationVerdict =
  /** Others were in the way, and the transaction is rolled back: all of it may be done again at once. */
  | 'redo'
  /** Nothing was done, and it may be done later or on another connection. */
  | 'retry'
  /** This data can never be stored. */
  | 'refuse'
  /** Nothing will ever be done before an operator changes something: see `because`. */
  | 'misconfigured'
  /** What became of it is not known. */
  | 'unknown'

/** What must become of the connection. */
export type ConnectionVerdict =
  /** It may be used again, once it has rolled back. */
  | 'keep'
  /** It must not be used again. */
  | 'end'
  /** Nor may any of its siblings: the server that they lead to is not, or no longer, the one that is wanted [P69]. */
  | 'drain'

export interface ErrorVerdict {
  readonly operation: OperationVerdict
  readonly connection: ConnectionVerdict
  /** With `misconfigured`: a short word for it, and what to change. */
  readonly because?: Misconfiguration
}

export type Misconfiguration =
  | 'credentials'
  | 'missing-right'
  | 'unknown-database'
  | 'unknown-host'
  | 'tls'
  | 'tables'
  | 'server-settings'
  | 'session'

/** Where nothing is known of an error, nothing is assumed. */
export const UNKNOWN: ErrorVerdict = { operation: 'unknown', connection: 'end' }

const REDO: ErrorVerdict = { operation: 'redo', connection: 'keep' }
const REDO_ELSEWHERE: ErrorVerdict = { operation: 'redo', connection: 'end' }
const RETRY: ErrorVerdict = { operation: 'retry', connection: 'keep' }
const RETRY_ELSEWHERE: ErrorVerdict = { operation: 'retry', connection: 'end' }
const DEMOTED: ErrorVerdict = { operation: 'retry', connection: 'drain' }
const REFUSE: ErrorVerdict = { operation: 'refuse', connection: 'keep' }
const REFUSE_AND_END: ErrorVerdict = { operation: 'refuse', connection: 'end' }
const misconfigured = (because: Misconfiguration, connection: ConnectionVerdict = 'end'): ErrorVerdict => ({
  operation: 'misconfigured',
  connection,
  because,
})
const CREDENTIALS = misconfigured('credentials')
const MISSING_RIGHT = misconfigured('missing-right')
const TABLES = misconfigured('tables', 'keep')
const SETTINGS = misconfigured('server-settings', 'keep')
const TLS = misconfigured('tls')

/** One row: number or code, its name, what it means. */
export type ErrorRow = readonly [code: number | string, name: string, verdict: ErrorVerdict]

/** Errors that the server answers with. */
export const SERVER_ERRORS: readonly ErrorRow[] = [
  // Others were in the way.
  [1020, 'ER_CHECKREAD: changed since it was read (snapshot isolation)', REDO],
  [1048, 'ER_BAD_NULL_ERROR: how a row is refused that was inserted since it was looked for [P39]', REDO],
  [1062, 'ER_DUP_ENTRY', REDO],
  [1050, 'ER_TABLE_EXISTS_ERROR: another process made it meanwhile', REDO],
  [1205, 'ER_LOCK_WAIT_TIMEOUT', REDO],
  [1213, 'ER_LOCK_DEADLOCK, also of a certification that Galera lost', REDO],
  [1412, 'ER_TABLE_DEF_CHANGED', REDO],
  [1637, 'ER_TOO_MANY_CONCURRENT_TRXS', RETRY],
  [3101, 'ER_TRANSACTION_ROLLBACK_DURING_COMMIT: certification that Group Replication lost', REDO],
  [8002, 'TiDB: a conflict at COMMIT', REDO],
  [8022, 'TiDB: COMMIT failed, and may be done again', REDO],
  [8028, 'TiDB: the tables were changed meanwhile', REDO],
  [9007, 'TiDB: a conflict', REDO],
  [1243, 'ER_UNKNOWN_STMT_HANDLER: prepared for another session', REDO_ELSEWHERE],
  [1615, 'ER_NEED_REPREPARE', REDO_ELSEWHERE],

  // Room, and limits that pass.
  [1021, 'ER_DISK_FULL', RETRY],
  [1026, 'ER_ERROR_ON_WRITE', RETRY],
  [1030, 'ER_GET_ERRNO: the storage engine could not, often no space', RETRY],
  [1037, 'ER_OUTOFMEMORY', RETRY_ELSEWHERE],
  [1038, 'ER_OUT_OF_SORTMEMORY', RETRY],
  [1041, 'ER_OUT_OF_RESOURCES', RETRY_ELSEWHERE],
  [1114, 'ER_RECORD_FILE_FULL', RETRY],
  [1135, 'ER_CANT_CREATE_THREAD', RETRY_ELSEWHERE],
  [1206, 'ER_LOCK_TABLE_FULL', RETRY],
  [1317, 'ER_QUERY_INTERRUPTED: another session ended the statement', RETRY_ELSEWHERE],
  [1461, 'ER_MAX_PREPARED_STMT_COUNT_REACHED', RETRY_ELSEWHERE],
  [1969, 'ER_STATEMENT_TIMEOUT, MariaDB', RETRY_ELSEWHERE],
  [3024, 'ER_QUERY_TIMEOUT, MySQL', RETRY_ELSEWHERE],
  [1040, 'ER_CON_COUNT_ERROR', RETRY_ELSEWHERE],
  [1129, 'ER_HOST_IS_BLOCKED', RETRY_ELSEWHERE],
  [1203, 'ER_TOO_MANY_USER_CONNECTIONS', RETRY_ELSEWHERE],
  [1226, 'ER_USER_LIMIT_REACHED', RETRY_ELSEWHERE],
  [9001, 'ProxySQL: no server behind it answered; TiDB: its PD does not', RETRY_ELSEWHERE],
  [9006, 'TiDB: a snapshot that is older than tidb_gc_life_time', RETRY],

  // The data.
  [1118, 'ER_TOO_BIG_ROWSIZE', REFUSE],
  [1197, 'ER_TRANS_CACHE_FULL: larger than max_binlog_cache_size', REFUSE],
  [1264, 'ER_WARN_DATA_OUT_OF_RANGE', REFUSE],
  [1265, 'WARN_DATA_TRUNCATED', REFUSE],
  [1292, 'ER_TRUNCATED_WRONG_VALUE', REFUSE],
  [1300, 'ER_INVALID_CHARACTER_STRING', REFUSE],
  [1301, 'ER_WARN_ALLOWED_PACKET_OVERFLOWED', REFUSE],
  [1366, 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD', REFUSE],
  [1406, 'ER_DATA_TOO_LONG', REFUSE],
  [1690, 'ER_DATA_OUT_OF_RANGE', REFUSE],
  [3819, 'ER_CHECK_CONSTRAINT_VIOLATED, MySQL', REFUSE],
  [3988, 'ER_IMPOSSIBLE_STRING_CONVERSION', REFUSE],
  [4025, 'ER_CONSTRAINT_FAILED, MariaDB', REFUSE],
  [8004, 'TiDB: a transaction beyond txn-total-size-limit', REFUSE],
  [8025, 'TiDB: a row beyond txn-entry-size-limit', REFUSE],
  [1153, 'ER_NET_PACKET_TOO_LARGE', REFUSE_AND_END],

  // A server that does not take writes, or is about to go: so do all connections to it.
  [1047, 'ER_UNKNOWN_COM_ERROR: a Galera node that has not joined, or has lost the others', DEMOTED],
  [1053, 'ER_SERVER_SHUTDOWN', DEMOTED],
  [1290, 'ER_OPTION_PREVENTS_STATEMENT: read_only', DEMOTED],
  [1792, 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', DEMOTED],
  [1836, 'ER_READ_ONLY_MODE', DEMOTED],
  [1874, 'ER_INNODB_READ_ONLY', DEMOTED],
  [
    3100,
    'ER_RUN_HOOK_ERROR: Group Replication could not commit',
    { operation: 'unknown', connection: 'drain' },
  ],
  [3796, 'ER_GRP_TRX_CONSISTENCY_NOT_ALLOWED', DEMOTED],
  [3797, 'ER_GRP_TRX_CONSISTENCY_BEFORE: the member could not catch up', DEMOTED],
  [3798, 'ER_GRP_TRX_CONSISTENCY_AFTER_ON_TRX_BEGIN', DEMOTED],

  // Connections that end by the server.
  [1077, 'ER_NORMAL_SHUTDOWN', RETRY_ELSEWHERE],
  [1079, 'ER_SHUTDOWN_COMPLETE', RETRY_ELSEWHERE],
  [1080, 'ER_FORCING_CLOSE', UNKNOWN],
  [1152, 'ER_ABORTING_CONNECTION', UNKNOWN],
  [1156, 'ER_NET_PACKETS_OUT_OF_ORDER', UNKNOWN],
  [1157, 'ER_NET_UNCOMPRESS_ERROR', UNKNOWN],
  [1158, 'ER_NET_READ_ERROR', UNKNOWN],
  [1159, 'ER_NET_READ_INTERRUPTED', UNKNOWN],
  [1160, 'ER_NET_ERROR_ON_WRITE', UNKNOWN],
  [1161, 'ER_NET_WRITE_INTERRUPTED', UNKNOWN],
  [1180, 'ER_ERROR_DURING_COMMIT', UNKNOWN],
  [1184, 'ER_NEW_ABORTING_CONNECTION', UNKNOWN],
  [1927, 'ER_CONNECTION_KILLED, MariaDB', UNKNOWN],
  [4031, 'ER_CLIENT_INTERACTION_TIMEOUT: idle for too long', RETRY_ELSEWHERE],

  // Who we are, and what we may.
  [1043, 'ER_HANDSHAKE_ERROR', RETRY_ELSEWHERE],
  [1045, 'ER_ACCESS_DENIED_ERROR', CREDENTIALS],
  [1130, 'ER_HOST_NOT_PRIVILEGED', CREDENTIALS],
  [1251, 'ER_NOT_SUPPORTED_AUTH_MODE', CREDENTIALS],
  [1275, 'ER_SERVER_IS_IN_SECURE_AUTH_MODE', CREDENTIALS],
  [1524, 'ER_PLUGIN_IS_NOT_LOADED', CREDENTIALS],
  [1698, 'ER_ACCESS_DENIED_NO_PASSWORD_ERROR', CREDENTIALS],
  [1820, 'ER_MUST_CHANGE_PASSWORD', CREDENTIALS],
  [1862, 'ER_MUST_CHANGE_PASSWORD_LOGIN', CREDENTIALS],
  [3118, 'ER_ACCOUNT_HAS_BEEN_LOCKED, MySQL', CREDENTIALS],
  [3955, 'ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK', CREDENTIALS],
  [4151, 'ER_ACCOUNT_HAS_BEEN_LOCKED, MariaDB', CREDENTIALS],
  [3159, 'ER_SECURE_TRANSPORT_REQUIRED', TLS],
  [1044, 'ER_DBACCESS_DENIED_ERROR', MISSING_RIGHT],
  [1095, 'ER_KILL_DENIED_ERROR', MISSING_RIGHT],
  [1142, 'ER_TABLEACCESS_DENIED_ERROR', MISSING_RIGHT],
  [1143, 'ER_COLUMNACCESS_DENIED_ERROR', MISSING_RIGHT],
  [1227, 'ER_SPECIFIC_ACCESS_DENIED_ERROR', MISSING_RIGHT],
  [1370, 'ER_PROCACCESS_DENIED_ERROR', MISSING_RIGHT],
  [1046, 'ER_NO_DB_ERROR', misconfigured('unknown-database')],
  [1049, 'ER_BAD_DB_ERROR', misconfigured('unknown-database')],

  // Tables that are not ours, or no longer.
  [1054, 'ER_BAD_FIELD_ERROR', TABLES],
  [1109, 'ER_UNKNOWN_TABLE', TABLES],
  [1136, 'ER_WRONG_VALUE_COUNT_ON_ROW', TABLES],
  [1146, 'ER_NO_SUCH_TABLE', TABLES],
  [1176, 'ER_KEY_DOES_NOT_EXITS', TABLES],
  [1347, 'ER_WRONG_OBJECT: a view', TABLES],
  [1364, 'ER_NO_DEFAULT_FOR_FIELD', TABLES],
  [1452, 'ER_NO_REFERENCED_ROW_2', TABLES],
  [1451, 'ER_ROW_IS_REFERENCED_2', TABLES],

  // Servers whose settings forbid what the archive does.
  [1286, 'ER_UNKNOWN_STORAGE_ENGINE: InnoDB is off', SETTINGS],
  [1665, 'ER_BINLOG_STMT_MODE_AND_ROW_ENGINE: binlog_format=STATEMENT', SETTINGS],
  [3098, 'ER_BEFORE_DML_VALIDATION_ERROR: a rule of Group Replication', SETTINGS],
]

/** Errors that the driver and the network answer with. */
export const DRIVER_ERRORS: readonly ErrorRow[] = [
  ['PROTOCOL_CONNECTION_LOST', 'the server closed the connection', UNKNOWN],
  ['PROTOCOL_SEQUENCE_TIMEOUT', 'the driver gave a statement up', UNKNOWN],
  ['PROTOCOL_ERROR', 'bytes that are no answer', UNKNOWN],
  ['ECONNRESET', 'network', UNKNOWN],
  ['EPIPE', 'network', UNKNOWN],
  ['ECONNABORTED', 'network', UNKNOWN],
  ['ETIMEDOUT', 'network, or no handshake in time', UNKNOWN],
  ['ECONNREFUSED', 'no server listens', RETRY_ELSEWHERE],
  ['EHOSTUNREACH', 'network', RETRY_ELSEWHERE],
  ['EHOSTDOWN', 'network', RETRY_ELSEWHERE],
  ['ENETUNREACH', 'network', RETRY_ELSEWHERE],
  ['ENETDOWN', 'network', RETRY_ELSEWHERE],
  ['EADDRNOTAVAIL', 'network: no port left here', RETRY_ELSEWHERE],
  ['EMFILE', 'no file descriptor left here', RETRY_ELSEWHERE],
  ['ENFILE', 'no file descriptor left here', RETRY_ELSEWHERE],
  ['EAI_AGAIN', 'the name server does not answer', RETRY_ELSEWHERE],
  ['ENOTFOUND', 'no such host', misconfigured('unknown-host')],
  ['ENOENT', 'no such socket', RETRY_ELSEWHERE],
  ['HANDSHAKE_NO_SSL_SUPPORT', 'the server speaks no TLS', TLS],
  ['HANDSHAKE_SSL_ERROR', 'TLS', TLS],
  ['HANDSHAKE_UNKNOWN_ERROR', 'handshake', RETRY_ELSEWHERE],
  ['AUTH_SWITCH_PLUGIN_ERROR', 'an authentication method that the driver does not have', CREDENTIALS],
  ['MYSQL_CLEAR_PASSWORD_NOT_ENABLED', 'the server asks for the password in the clear', CREDENTIALS],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'TLS', TLS],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS', TLS],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS', TLS],
  ['UNABLE_TO_GET_ISSUER_CERT', 'TLS', TLS],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'TLS', TLS],
  ['CERT_HAS_EXPIRED', 'TLS', TLS],
  ['CERT_NOT_YET_VALID', 'TLS', TLS],
  ['CERT_REVOKED', 'TLS', TLS],
  ['CERT_SIGNATURE_FAILURE', 'TLS', TLS],
  ['HOSTNAME_MISMATCH', 'TLS', TLS],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS', TLS],
]

/** Codes of our own, for what a driver would have to say. */
export const OWN_CODES = {
  /** No answer in time. */
  statementTimeout: 'SE_STATEMENT_TIMEOUT',
  /** No free connection in time. */
  acquireTimeout: 'SE_NO_FREE_CONNECTION',
  /** A row that no packet of this server can carry. */
  packetTooLarge: 'SE_PACKET_TOO_LARGE',
  /** The same by the limits of a connection that may be older than the server's. */
  limitsOutdated: 'SE_LIMITS_OUTDATED',
  closed: 'SE_CLOSED',
  /** The server cannot be written. */
  readOnly: 'SE_READ_ONLY',
  /** The session is not what was asked for. */
  session: 'SE_SESSION',
  /** An error of the driver that has no code. */
  driver: 'SE_DRIVER',
} as const

const OWN_ERRORS: readonly ErrorRow[] = [
  [OWN_CODES.statementTimeout, 'no answer in time', UNKNOWN],
  [OWN_CODES.acquireTimeout, 'no free connection in time', RETRY],
  [OWN_CODES.packetTooLarge, 'refused before it was sent', REFUSE],
  [
    OWN_CODES.limitsOutdated,
    'limits are read again on new connections',
    { operation: 'redo', connection: 'drain' },
  ],
  [OWN_CODES.closed, 'the archive is closed', RETRY],
  [OWN_CODES.readOnly, 'the server cannot be written', DEMOTED],
  [OWN_CODES.session, 'the session is not what was asked for', misconfigured('session')],
  [OWN_CODES.driver, 'an error of the driver without a code', UNKNOWN],
]

const VERDICTS: ReadonlyMap<number | string, ErrorVerdict> = new Map(
  [...SERVER_ERRORS, ...DRIVER_ERRORS, ...OWN_ERRORS].map(([code, , verdict]) => [code, verdict]),
)

interface DriverError {
  readonly code?: unknown
  readonly errno?: unknown
  /** Present on what the server said; absent on what the driver or the network did. */
  readonly sqlState?: unknown
  readonly message?: unknown
  readonly fatal?: unknown
}

/** How Group Replication may tell, under ER_ERROR_DURING_COMMIT, that the transaction lost its certification and is rolled back. */
const LOST_CERTIFICATION = { errno: 1180, text: /\berror 149\b/ } as const

/**
 * What an error means. `undefined`: it comes from no server, no driver and no network, but from this program (one
 * of our typed errors, a visitor's, a mistake), and says nothing of the connection.
 */
export function judgeMysqlError(error: unknown): ErrorVerdict | undefined {
  const { code, errno, sqlState, message, fatal } = (error ?? {}) as DriverError
  if (typeof sqlState === 'string' && typeof errno === 'number') {
    const hasLost = errno === LOST_CERTIFICATION.errno && LOST_CERTIFICATION.text.test(String(message))
    const verdict = hasLost ? REDO : (VERDICTS.get(errno) ?? UNKNOWN)
    // The driver has closed it, whatever the server's answer was.
    return fatal === true && verdict.connection === 'keep' ? { ...verdict, connection: 'end' } : verdict
  }
  if (typeof code !== 'string') return undefined
  const verdict = VERDICTS.get(code)
  if (verdict !== undefined) return verdict
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return TLS
  // Codes of the packages and of Node's own checks are those of a mistake, or of another library's error.
  return code.startsWith('SE_') || code.startsWith('ERR_') ? undefined : UNKNOWN
}

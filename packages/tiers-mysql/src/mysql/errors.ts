import type { Failure } from '../backend.ts'

/** Numbers of the server's errors. Source: MySQL 8.4 Reference, "Server Error Message Reference"; MariaDB KB. */
const CONFLICTS = new Set([
  1213, // deadlock
  1205, // lock wait timeout
  1048, // column cannot be null: how `storeItems` refuses a row inserted since it looked [P39]
  1062, // duplicate key: the same, of other tables
  1020, // record has changed since it was read (MariaDB's snapshot isolation, Galera)
])
const REFUSALS = new Set([
  1118, // row, or the values of one transaction, too large
  1153, // packet too large
  1264, // number out of range
  1265, // data truncated
  1300, // invalid character string
  1366, // incorrect value
  1406, // data too long
  1690, // number out of range in an expression
  3819, // check constraint, MySQL
  4025, // check constraint, MariaDB
])
/** Answers after which the server has closed the connection, or is about to. */
const ENDINGS = new Set([
  1053, // server shutdown in progress
  1080, // forced close
  1152, // aborted connection
  1153, // packet too large
  1158, // network: reading
  1159, // network: read timeout
  1160, // network: writing
  1161, // network: write timeout
  1184, // aborted connection
  1927, // connection was killed, MariaDB
  4031, // idle too long, MySQL
])
/** Codes of our own, for what a driver would have to say. */
export const STATEMENT_TIMEOUT = 'SE_STATEMENT_TIMEOUT'
export const PACKET_TOO_LARGE = 'SE_PACKET_TOO_LARGE'
export const ARCHIVE_CLOSED = 'SE_CLOSED'
export const OLD_CONNECTION_LIVES = 'SE_OLD_CONNECTION_LIVES'

interface DriverError {
  readonly code?: unknown
  readonly errno?: unknown
  /** Present on what the server said; absent on what the client or the network did. */
  readonly sqlState?: unknown
  readonly fatal?: unknown
}

/** An error that carries a code, as a driver's would. */
export function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

export function classifyMysqlError(error: unknown): Failure {
  const { code, errno, sqlState } = error as DriverError
  if (code === PACKET_TOO_LARGE) return 'refused'
  if (sqlState === undefined || typeof errno !== 'number') return 'unavailable'
  if (CONFLICTS.has(errno)) return 'conflict'
  return REFUSALS.has(errno) ? 'refused' : 'unavailable'
}

/**
 * Whether the connection must not be used again: what became of its transaction may be unknown. Errors of this
 * program (fenced, refused, a bug, a visitor's) say nothing about it.
 */
export function isConnectionLost(error: unknown): boolean {
  const { code, errno, sqlState, fatal } = (error ?? {}) as DriverError
  if (code === STATEMENT_TIMEOUT || fatal === true) return true
  if (typeof code !== 'string' || code.startsWith('SE_')) return false
  return sqlState === undefined || (typeof errno === 'number' && ENDINGS.has(errno))
}

/**
 * Code and number only: the server's sentences quote users, hosts and values, and what is thrown ends up in
 * logs [P49]. They are in the `cause`.
 */
export function describeMysqlError(error: unknown): string {
  const { code, errno } = error as DriverError
  const number = typeof errno === 'number' && errno > 0 ? ` (${errno})` : ''
  return `${typeof code === 'string' ? code : 'error'}${number}`
}

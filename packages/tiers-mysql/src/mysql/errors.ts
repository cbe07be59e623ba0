import type { ErrorMeanings, Failure } from '../archive-database.ts'
import { judgeMysqlError, OWN_CODES, type Misconfiguration } from './error-table.ts'

/** An error that carries a code, as a driver's would. */
export function codedError(code: (typeof OWN_CODES)[keyof typeof OWN_CODES], message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** Gives an error of the driver a code where it has none, so that it is never taken for a mistake in this program. */
export function driverError(error: Error): Error {
  const { code, errno } = error as { code?: unknown; errno?: unknown }
  return typeof code === 'string' || typeof errno === 'number'
    ? error
    : Object.assign(error, { code: OWN_CODES.driver })
}

/** What to change, by the table's word for it. None of it names a user, a host or a password [P49]. */
const ADVICE: Readonly<Record<Misconfiguration, string>> = {
  credentials:
    'the server refuses the user, its password or its host: check the url, and the user at the server',
  'missing-right':
    'the user lacks a right: it needs SELECT, INSERT, UPDATE and DELETE on the tables, and CREATE to make them',
  'unknown-database': 'the database does not exist: create it, or check the url',
  'unknown-host': 'no such host: check the url',
  tls: 'TLS failed: check the option ssl, and what the server demands',
  tables: 'the tables are not those of this package: check the database and the option tablePrefix',
  'server-settings':
    'settings of the server forbid what the archive does: InnoDB must be on, and binlog_format ROW or MIXED',
  session: 'the session is not what was asked for: something between here and the server changes it',
}

function classify(error: unknown): Failure {
  const verdict = judgeMysqlError(error)
  if (verdict === undefined) return { kind: 'own' }
  switch (verdict.operation) {
    case 'redo':
      return { kind: 'conflict' }
    case 'refuse':
      return { kind: 'refused' }
    case 'misconfigured': {
      const because = verdict.because ?? 'server-settings'
      return { kind: 'misconfigured', because, advice: ADVICE[because] }
    }
    case 'retry':
    case 'unknown':
      return { kind: 'unavailable' }
  }
}

/**
 * Code and number only: the server's sentences quote users, hosts and values, and what is thrown ends up in
 * logs [P49]. They are in the `cause`.
 */
function describe(error: unknown): string {
  const { code, errno, message } = error as { code?: unknown; errno?: unknown; message?: unknown }
  const number = typeof errno === 'number' && errno > 0 ? ` (${errno})` : ''
  const own = Object.values<unknown>(OWN_CODES).includes(code) && code !== OWN_CODES.driver
  return `${typeof code === 'string' ? code : 'error'}${number}${own ? `: ${String(message)}` : ''}`
}

/** What the errors of the driver mean. */
export const mysqlErrors: ErrorMeanings = { classify, describe }

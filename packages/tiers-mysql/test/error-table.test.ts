import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { StorageError, TierUnavailable } from '@se/core'
import {
  DRIVER_ERRORS,
  judgeMysqlError,
  OWN_CODES,
  SERVER_ERRORS,
  UNKNOWN,
  type ErrorVerdict,
} from '../src/mysql/error-table.ts'
import { mysqlErrors } from '../src/mysql/errors.ts'
import { SQLITE_ERRORS, sqliteErrors } from '../src/sqlite/errors.ts'

const require = createRequire(import.meta.url)
/** Names by number; the driver exports them to nobody. */
const driverNames = require(join(dirname(require.resolve('mysql2')), 'lib/constants/errors.js')) as Record<
  string,
  string
>

/** As the driver gives an answer of the server; it names only the numbers that it knows. */
const serverError = (errno: number, more: object = {}) =>
  Object.assign(new Error('x'), { errno, code: driverNames[errno], sqlState: 'HY000', ...more })

describe('every error of the server and the driver has a verdict [P69, P72]', () => {
  it.each(SERVER_ERRORS)('%s %s', (errno, _name, verdict) => {
    expect(judgeMysqlError(serverError(Number(errno)))).toEqual(verdict)
    // What the driver does not know by name is an error of the server all the same, not a mistake of ours.
    expect(judgeMysqlError(serverError(Number(errno), { code: undefined }))).toEqual(verdict)
    expect(mysqlErrors.classify(serverError(Number(errno))).kind).not.toBe('own')
  })

  it.each(DRIVER_ERRORS)('%s %s', (code, _name, verdict) => {
    expect(judgeMysqlError(Object.assign(new Error('x'), { code }))).toEqual(verdict)
  })

  it('each stands there once, under the name that the driver has for it', () => {
    const codes = [...SERVER_ERRORS, ...DRIVER_ERRORS].map(([code]) => code)
    expect(new Set(codes).size).toBe(codes.length)
    for (const [errno, name] of SERVER_ERRORS) {
      const known = driverNames[errno]
      // MariaDB has numbers of its own beside those of the driver's list.
      if (known === undefined || /MariaDB|ProxySQL|TiDB/.test(name)) continue
      expect(name.split(/[:,]/)[0], String(errno)).toBe(known)
    }
  })

  it('a commit that failed is done again only where it says that another transaction was faster [W7]', () => {
    const failed = (message: string) => judgeMysqlError(serverError(1180, { message }))
    expect(failed("Got error 149 - 'Lock deadlock; Retry transaction' during COMMIT")?.operation).toBe('redo')
    for (const other of ["Got error 5 - 'Out of memory' during COMMIT", 'Got error 1490', '', undefined]) {
      expect(judgeMysqlError(serverError(1180, { message: other }))).toEqual(UNKNOWN)
    }
    expect(judgeMysqlError(serverError(1105, { message: 'Got error 149' }))).toEqual(UNKNOWN)
  })

  it('any other number of the server ends the connection, and its fate is unknown', () => {
    const listed = new Set(SERVER_ERRORS.map(([errno]) => errno))
    let others = 0
    for (let errno = 1_000; errno < 12_000; errno++) {
      if (listed.has(errno)) continue
      others += 1
      expect(judgeMysqlError(serverError(errno))).toEqual(UNKNOWN)
    }
    expect(others).toBeGreaterThan(10_000)
    expect(judgeMysqlError(Object.assign(new Error('x'), { code: 'EWHATEVER' }))).toEqual(UNKNOWN)
  })

  it('a server that was demoted, has left its cluster or shuts down drains the pool', () => {
    for (const errno of [1290, 1792, 1836, 1874, 1047, 1053, 3100, 3796, 3797, 3798]) {
      expect(judgeMysqlError(serverError(errno))?.connection, String(errno)).toBe('drain')
      expect(mysqlErrors.classify(serverError(errno)).kind).toBe('unavailable')
    }
  })

  it('what the driver has closed is not kept, whatever the server said', () => {
    const kept: ErrorVerdict = { operation: 'redo', connection: 'keep' }
    expect(judgeMysqlError(serverError(1213))).toEqual(kept)
    expect(judgeMysqlError(serverError(1213, { fatal: true }))).toEqual({ ...kept, connection: 'end' })
    expect(judgeMysqlError(serverError(1053, { fatal: true }))?.connection).toBe('drain')
  })

  it('errors of this program, of the packages and of Node say nothing of the connection', () => {
    for (const error of [
      new TypeError('a mistake'),
      new TierUnavailable('ours'),
      Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' }),
      undefined,
      null,
      'text',
    ]) {
      expect(judgeMysqlError(error)).toBeUndefined()
      expect(mysqlErrors.classify(error)).toEqual({ kind: 'own' })
    }
    for (const code of Object.values(OWN_CODES)) {
      expect(judgeMysqlError(Object.assign(new Error('x'), { code })), code).toBeDefined()
    }
  })

  it('TLS that fails is a matter of configuration, under whatever name', () => {
    for (const code of ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED']) {
      expect(mysqlErrors.classify(Object.assign(new Error('x'), { code }))).toMatchObject({
        kind: 'misconfigured',
        because: 'tls',
      })
    }
  })

  it('no message repeats what the server said, which quotes users and hosts [P49]', () => {
    const error = Object.assign(new Error("Access denied for user 'bob'@'10.0.0.1'"), {
      errno: 1045,
      code: 'ER_ACCESS_DENIED_ERROR',
      sqlState: '28000',
    })
    const failure = mysqlErrors.classify(error)
    expect(failure).toMatchObject({ kind: 'misconfigured', because: 'credentials' })
    expect(`${mysqlErrors.describe(error)} ${JSON.stringify(failure)}`).not.toMatch(/bob|10\.0/)
  })
})

describe('every code of SQLite has a verdict [P72]', () => {
  it.each(SQLITE_ERRORS)('%s', (beginning, failure) => {
    expect(sqliteErrors.classify(Object.assign(new Error('x'), { code: beginning }))).toEqual(failure)
  })

  it('the longest beginning counts, and what is not there is unavailable', () => {
    const kindOf = (code: string) => sqliteErrors.classify(Object.assign(new Error('x'), { code })).kind
    expect(kindOf('SQLITE_BUSY_SNAPSHOT')).toBe('conflict')
    expect(kindOf('SQLITE_CONSTRAINT_UNIQUE')).toBe('conflict')
    expect(kindOf('SQLITE_CONSTRAINT_DATATYPE')).toBe('refused')
    expect(kindOf('SQLITE_READONLY_DBMOVED')).toBe('misconfigured')
    expect(kindOf('SQLITE_IOERR_LOCK')).toBe('misconfigured')
    expect(kindOf('SQLITE_CORRUPT_VTAB')).toBe('misconfigured')
    expect(kindOf('SQLITE_FULL')).toBe('unavailable')
    expect(kindOf('SQLITE_IOERR_FSYNC')).toBe('unavailable')
    expect(kindOf('SE_CLOSED')).toBe('unavailable')
    expect(kindOf('ERR_INVALID_ARG_TYPE')).toBe('own')
    expect(
      sqliteErrors.classify(
        new (class extends StorageError {
          readonly code = 'SE_X'
        })('x'),
      ).kind,
    ).toBe('own')
    expect(sqliteErrors.classify(undefined).kind).toBe('own')
  })
})

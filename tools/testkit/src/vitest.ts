import { describe } from 'vitest'
import { TestServerUnavailable } from './errors.ts'
import { GALERA_VARIABLE } from './services/galera.ts'
import type { ServerKind } from './services/running-server.ts'
import type { TestKind } from './services/start-any.ts'

const needs = {
  sql: { given: 'SE_TEST_SQL_URL', reason: 'SE_TEST_SQL_SKIP_REASON', what: 'sql server' },
  redis: { given: 'SE_TEST_REDIS_URL', reason: 'SE_TEST_REDIS_SKIP_REASON', what: 'redis server' },
  galera: { given: GALERA_VARIABLE, reason: 'SE_TEST_GALERA_SKIP_REASON', what: 'Galera cluster' },
} as const

/**
 * `describe` for tests on a real server. Without one they are skipped, with the reason in the title, so that the
 * report lists what was not tested and why.
 *
 * The server is shared: create a `uniqueDatabase(url)` or take a `uniquePrefix()`.
 *
 * @param define gets the url of the server
 * @throws TestServerUnavailable when the server is missing and SE_REQUIRE_SERVERS=1
 */
export function describeWithServer(kind: ServerKind, title: string, define: (url: string) => void): void {
  describeWith(kind, title, define)
}

/**
 * `describe` for tests that start Galera clusters of their own with `startPrivateGalera()`; skipped as with
 * {@link describeWithServer} where none can be started.
 *
 * @throws TestServerUnavailable when none can be started and SE_REQUIRE_SERVERS=1
 */
export function describeWithGalera(title: string, define: () => void): void {
  describeWith('galera', title, define)
}

function describeWith(kind: TestKind, title: string, define: (given: string) => void): void {
  const { given, reason, what } = needs[kind]
  const value = process.env[given] ?? ''
  if (value !== '') {
    describe(title, () => {
      define(value)
    })
    return
  }
  const why = process.env[reason] ?? 'test servers were not acquired'
  if (process.env['SE_REQUIRE_SERVERS'] === '1') {
    throw new TestServerUnavailable(`SE_REQUIRE_SERVERS=1, but there is no ${what}: ${why}`)
  }
  describe.skip(`${title} (skipped, no ${what}: ${why})`, () => {
    define('')
  })
}

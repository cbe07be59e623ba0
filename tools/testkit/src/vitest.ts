import { describe } from 'vitest'
import { TestServerUnavailable } from './errors.ts'
import type { ServerKind } from './services/start-any.ts'

const variables = {
  sql: { url: 'SE_TEST_SQL_URL', reason: 'SE_TEST_SQL_SKIP_REASON' },
  redis: { url: 'SE_TEST_REDIS_URL', reason: 'SE_TEST_REDIS_SKIP_REASON' },
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
  const url = process.env[variables[kind].url]
  if (url !== undefined && url !== '') {
    describe(title, () => {
      define(url)
    })
    return
  }
  const reason = process.env[variables[kind].reason] ?? 'test servers were not acquired'
  if (process.env['SE_REQUIRE_SERVERS'] === '1') {
    throw new TestServerUnavailable(`SE_REQUIRE_SERVERS=1, but there is no ${kind} server: ${reason}`)
  }
  describe.skip(`${title} (skipped, no ${kind} server: ${reason})`, () => {
    define('')
  })
}

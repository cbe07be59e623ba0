import { afterAll, afterEach, beforeAll, it } from 'vitest'
import { archiveContract } from '@se/core/testing'
import { startPrivateMariaDb, uniqueDatabase, type PrivateServer } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { mariaDbHarness, plainUser } from './mariadb-harness.ts'

const drops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const drop of drops.splice(0)) await drop()
})

/** What servers are found with, all at once; and a user who is nobody, for whom `init_connect` is run. */
const STRANGE_SETTINGS = [
  '--character-set-server=latin1',
  '--collation-server=latin1_swedish_ci',
  "--init-connect=SET NAMES utf8, autocommit = 0, sql_mode = 'ANSI_QUOTES', time_zone = '-03:00'",
  '--default-time-zone=+05:30',
  '--transaction-isolation=SERIALIZABLE',
  '--innodb-snapshot-isolation=ON',
  '--autocommit=0',
  '--sql-mode=ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES',
  '--innodb-lock-wait-timeout=1',
  '--wait-timeout=20',
  '--table-open-cache=10',
  '--max-allowed-packet=4M',
]

describeWithServer('sql', 'MariaDB archive on a strange server, under a prefix: contract', () => {
  let server: PrivateServer

  beforeAll(async () => {
    server = await startPrivateMariaDb({ args: STRANGE_SETTINGS })
  })

  afterAll(() => server.stop())

  for (const { title, run } of archiveContract) {
    it(`${title} [P47, P68]`, async () => {
      const { url, drop } = await uniqueDatabase(server.url)
      drops.push(drop)
      await run(mariaDbHarness(url, { url: await plainUser(url), tablePrefix: 'app_' }))
    })
  }
})

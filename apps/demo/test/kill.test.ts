import { seededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { dropPrefix, uniqueDatabase, uniquePrefix } from '@se/testkit/services'
import { describeWithServer } from '@se/testkit/vitest'
import { expect, it } from 'vitest'
import { runKillRounds, type KillTally } from './kill-rounds.ts'
import { withDirectory } from './run-demo.ts'

/**
 * Goal: what the importing process has acknowledged survives its death at any moment [W1, W2, P1].
 * Method: SIGKILL at random moments, also during the recovery from the kill before; then everything is compared.
 */
const ROUNDS = 5
const TIMEOUT_MS = 180_000

function expectToHaveProvedSomething(tally: KillTally): void {
  expect(tally.rounds).toBe(ROUNDS)
  expect(tally.killed).toBeGreaterThan(0)
  expect(tally.killedAfterAcknowledgement).toBeGreaterThan(0)
  expect(tally.acknowledged).toBeGreaterThan(0)
}

it(
  'loses nothing acknowledged when it is killed, on SQLite [W1]',
  async () => {
    const random = seededRandom(seed('kill rounds on SQLite'))
    await withDirectory(async (directory) => {
      const tally = await runKillRounds({ target: { directory }, rounds: ROUNDS, random, log: console.log })
      expectToHaveProvedSomething(tally)
    })
  },
  TIMEOUT_MS,
)

describeWithServer('sql', 'killed on MySQL or MariaDB', (sqlUrl) => {
  describeWithServer('redis', 'and Redis', (redisUrl) => {
    it(
      'loses nothing acknowledged when it is killed [W1]',
      async () => {
        const random = seededRandom(seed('kill rounds on SQL and Redis'))
        const database = await uniqueDatabase(sqlUrl)
        const redisPrefix = uniquePrefix()
        try {
          await withDirectory(async (directory) => {
            const target = { directory, servers: { sqlUrl: database.url, redisUrl, redisPrefix } }
            expectToHaveProvedSomething(
              await runKillRounds({ target, rounds: ROUNDS, random, log: console.log }),
            )
          })
        } finally {
          await database.drop()
          await dropPrefix(redisUrl, redisPrefix)
        }
      },
      TIMEOUT_MS,
    )
  })
})

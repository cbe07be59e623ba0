import { seededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { dropPrefix, uniqueDatabase, uniquePrefix } from '@se/testkit/services'
import { describeWithServer } from '@se/testkit/vitest'
import { hash } from 'node:crypto'
import { expect, it } from 'vitest'
import { checkRecovery, runKillRounds, type KillTally } from './kill-rounds.ts'
import { runDemo, withDirectory } from './run-demo.ts'

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
  'would notice an item that is lost, older than acknowledged, or of unknown bytes',
  async () => {
    await withDirectory(async (directory) => {
      const stdin = Buffer.from('{"id":"a","value":1}\n{"id":"b","value":2}\n')
      const { code } = await runDemo(['import', '-'], {
        hasRedis: false,
        stdin,
        env: { SE_DATA_DIR: directory },
      })
      expect(code).toBe(0)
      const digest = (text: string) => hash('sha256', text, 'hex')
      const check = (given: Record<string, string>[], acknowledged: Record<string, number>) =>
        checkRecovery(
          { directory },
          directory,
          given.map((values) => new Map(Object.entries(values).map(([id, value]) => [id, digest(value)]))),
          new Map(Object.entries(acknowledged)),
          'here',
        )
      await check([{ a: '1', b: '2' }], { a: 0, b: 0 })
      await expect(check([{ a: '1', b: '2', c: '3' }], { c: 0 })).rejects.toThrow(
        'c was acknowledged in round 0',
      )
      await expect(check([{ a: '1' }, { a: '9' }], { a: 1 })).rejects.toThrow('in round 1, found is round 0')
      await expect(check([{ a: '9' }], {})).rejects.toThrow('a has bytes that nobody gave it')
    })
  },
  TIMEOUT_MS,
)

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

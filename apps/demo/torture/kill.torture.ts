import { seededRandom } from '@se/core/testing'
import { acquireTestServices, uniqueDatabase, uniquePrefix } from '@se/testkit/services'
import { runKillRounds, type KillTarget, type KillTally } from '../test/kill-rounds.ts'
import { withDirectory } from '../test/run-demo.ts'

export const area = 'engine.kill'

const ROUNDS = 20

/**
 * Twenty kills of the importing process on SQLite, and twenty on MariaDB with Redis where there are such servers.
 *
 * @throws Error naming the round and the promise that was broken
 */
export async function run({ seed, log }: { seed: number; log: (line: string) => void }): Promise<void> {
  const rounds = (name: string, target: KillTarget, ofSeed: number) =>
    runKillRounds({
      target,
      rounds: ROUNDS,
      random: seededRandom(ofSeed),
      log: (line) => log(`${name}: ${line}`),
    }).then((tally) => log(`${name}: ${describe(tally)}`))

  log(`seed ${seed}`)
  await withDirectory((directory) => rounds('SQLite', { directory }, seed))
  const services = await acquireTestServices()
  try {
    const { sql, redis } = services
    if ('skipped' in sql || 'skipped' in redis) {
      const because = [sql, redis].flatMap((server) => ('skipped' in server ? [server.skipped] : []))
      log(`MariaDB and Redis: skipped: ${because.join('; ')}`)
      return
    }
    const database = await uniqueDatabase(sql.url)
    const servers = { sqlUrl: database.url, redisUrl: redis.url, redisPrefix: uniquePrefix() }
    await withDirectory((directory) =>
      rounds('MariaDB and Redis', { directory, servers }, (seed ^ 0x5bd1e995) >>> 0),
    )
  } finally {
    await services.release()
  }
}

function describe({ rounds, killed, killedAfterAcknowledgement, acknowledged }: KillTally): string {
  return `${rounds} rounds, ${killed} processes killed (${killedAfterAcknowledgement} after acknowledging), ${acknowledged} items acknowledged, none lost`
}

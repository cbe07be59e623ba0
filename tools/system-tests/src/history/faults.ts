import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '@se/core/testing'
import type { FaultProxy } from '@se/testkit/fault-proxy'
import type { PrivateServer } from '@se/testkit/services'
import type { Redis } from 'ioredis'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { WorkerSlot } from './worker-slot.ts'

/** What faults are done to. */
export interface World {
  readonly workers: readonly WorkerSlot[]
  readonly redisServer: PrivateServer
  /** Straight to the servers, for what an administrator does. */
  readonly redisAdmin: Redis
  readonly sqlAdmin: Connection
  readonly random: SeededRandom
}

/** Does something to the world and undoes what would last. */
export type Fault = (world: World) => Promise<void>

const SHORT_MS_MAX = 1_500
const LONG_MS_MAX = 3_000
/** A slow connection holds what it carries for so long at most, ms, and lets through for so long. */
const SLOW_MS_MAX = 120
const OPEN_MS = 5
/** How long an orderly stop may take amid the faults before it becomes a kill, ms. */
const STOP_MS = 5_000
/** Room that Redis has beside what it uses without any entry, bytes, while it evicts. */
const EVICTING_BYTES = 1024 * 1024

/** What happens to processes. */
export const processFaults: Readonly<Record<string, Fault>> = {
  async freeze({ workers, random }) {
    const worker = random.pick(workers)
    worker.freeze()
    await delay(random.fraction() * LONG_MS_MAX)
    worker.thaw()
  },
  async 'freeze all but one'({ workers, random }) {
    const awake = random.pick(workers)
    const frozen = workers.filter((worker) => worker !== awake)
    for (const worker of frozen) worker.freeze()
    await delay(random.fraction() * SHORT_MS_MAX)
    for (const worker of frozen) worker.thaw()
  },
  async kill({ workers, random }) {
    const worker = random.pick(workers)
    await worker.kill()
    await delay(random.fraction() * SHORT_MS_MAX)
    worker.start()
  },
  async 'kill two'({ workers, random }) {
    const killed = [random.pick(workers), random.pick(workers)]
    await Promise.all(killed.map((worker) => worker.kill()))
    for (const worker of killed) worker.start()
  },
  async 'freeze and kill'({ workers, random }) {
    const worker = random.pick(workers)
    worker.freeze()
    await delay(random.fraction() * SHORT_MS_MAX)
    await worker.kill()
    worker.start()
  },
  async stop({ workers, random }) {
    const worker = random.pick(workers)
    if (worker.isReady) await worker.tell('stop', STOP_MS).catch(() => worker.kill())
    worker.start()
  },
}

/** What happens to the cache. */
export const cacheFaults: Readonly<Record<string, Fault>> = {
  async 'redis killed'({ redisServer, random }) {
    await redisServer.kill()
    await rm(dumpOf(redisServer), { force: true })
    await delay(random.fraction() * SHORT_MS_MAX)
    await redisServer.restart()
  },
  async 'redis emptied'({ redisAdmin }) {
    await redisAdmin.flushall()
  },
  async 'redis set back behind its connections'({ redisAdmin, random }) {
    await redisAdmin.save()
    await delay(random.fraction() * LONG_MS_MAX)
    await redisAdmin.call('DEBUG', 'RELOAD', 'NOSAVE')
  },
  async 'redis killed and set back'({ redisServer, redisAdmin, random }) {
    await redisAdmin.save()
    await delay(random.fraction() * LONG_MS_MAX)
    await redisServer.kill()
    await redisServer.restart()
  },
  async 'redis evicting'({ redisAdmin, random }) {
    const used = Number(/^used_memory:(\d+)/m.exec(await redisAdmin.info('memory'))?.[1])
    await redisAdmin.config('SET', 'maxmemory-policy', random.pick(['allkeys-lru', 'allkeys-random']))
    await redisAdmin.config('SET', 'maxmemory', String(used - random.below(EVICTING_BYTES)))
    await delay(random.fraction() * LONG_MS_MAX)
    await redisAdmin.config('SET', 'maxmemory', '0')
  },
  async 'redis frozen'({ redisServer, random }) {
    await redisServer.pause()
    await delay(random.fraction() * SHORT_MS_MAX)
    redisServer.resume()
  },
  async 'redis connections cut'({ workers, random }) {
    for (const { redis } of some(workers, random)) redis.cut()
  },
  async 'redis slow for some'({ workers, random }) {
    await slowDown(
      some(workers, random).map(({ redis }) => redis),
      random,
    )
  },
  async 'redis refused for all but one'({ workers, random }) {
    // What the others write comes into the cache by nobody but the one, who is slow.
    const one = random.pick(workers)
    const refused = workers.filter((worker) => worker !== one)
    for (const { redis } of refused) await redis.refuse()
    await slowDown([one.redis, ...(random.chance(0.5) ? [one.sql] : [])], random)
    for (const { redis } of refused) await redis.resume()
  },
  async 'redis stalled for some'({ workers, random }) {
    const stalled = some(workers, random)
    for (const { redis } of stalled) redis.stall(random.pick(['to-server', 'to-client', 'both']))
    await delay(random.fraction() * SHORT_MS_MAX)
    for (const { redis } of stalled) await redis.resume()
  },
}

/** What happens to the archive's connections. */
export const archiveFaults: Readonly<Record<string, Fault>> = {
  async 'archive cut'({ workers, random }) {
    for (const { sql } of some(workers, random)) sql.cut(random.pick(['both', 'client']))
  },
  async 'archive cut at COMMIT'({ workers, random }) {
    const { sql } = random.pick(workers)
    const isCommit = (chunk: Buffer, direction: string) =>
      direction === 'to-server' && chunk.includes('COMMIT')
    const isForwarded = random.chance(0.5)
    const side = random.pick(['both', 'client'] as const)
    await Promise.race([sql.cutWhen(isCommit, { isForwarded, side }), delay(SHORT_MS_MAX)])
  },
  async 'archive connections killed'({ sqlAdmin, random }) {
    const [rows] = await sqlAdmin.query<RowDataPacket[]>(
      "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND command NOT IN ('Daemon')",
    )
    for (const { id } of rows) {
      // Gone by now, perhaps.
      if (random.chance(0.7)) await sqlAdmin.query(`KILL CONNECTION ${Number(id)}`).catch(() => {})
    }
  },
  async 'archive refused'({ workers, random }) {
    const refused = some(workers, random)
    for (const { sql } of refused) await sql.refuse()
    await delay(random.fraction() * LONG_MS_MAX)
    for (const { sql } of refused) await sql.resume()
  },
  async 'archive slow for some'({ workers, random }) {
    await slowDown(
      some(workers, random).map(({ sql }) => sql),
      random,
    )
  },
  async 'archive stalled'({ workers, random }) {
    const stalled = some(workers, random)
    for (const { sql } of stalled) sql.stall(random.pick(['to-server', 'to-client', 'both']))
    await delay(random.fraction() * SHORT_MS_MAX)
    for (const { sql } of stalled) await sql.resume()
  },
  async 'archive swallowed'({ workers, random }) {
    const { sql } = random.pick(workers)
    sql.blackHole(random.pick(['to-server', 'to-client', 'both']))
    await delay(random.fraction() * SHORT_MS_MAX)
    await sql.resume()
  },
}

/** Makes round trips long, so that what happens between two of them has time to happen. */
async function slowDown(proxies: readonly FaultProxy[], random: SeededRandom): Promise<void> {
  const heldMs = random.fraction() * SLOW_MS_MAX
  for (let leftMs = random.fraction() * LONG_MS_MAX; leftMs > 0; leftMs -= heldMs + OPEN_MS) {
    for (const proxy of proxies) proxy.stall()
    await delay(heldMs)
    for (const proxy of proxies) await proxy.resume()
    await delay(OPEN_MS)
  }
}

/** Where a Redis that is told to SAVE puts its dump, and finds it when it starts. */
function dumpOf(server: PrivateServer): string {
  return join(server.directory, 'dump.rdb')
}

/** One of them, or all. */
function some(workers: readonly WorkerSlot[], random: SeededRandom): readonly WorkerSlot[] {
  return random.chance(0.3) ? workers : [random.pick(workers)]
}

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startPrivateMariaDbPair, startPrivateRedis, type PrivateMariaDbPair } from '@se/testkit/services'
import type { RowDataPacket } from 'mysql2'
import { createConnection } from 'mysql2/promise'
import { nowUs } from '../history/recorded-engine.ts'
import { Service } from './service.ts'

/** Δ. */
export const STALENESS_MS = 500
/** Connections of each service's pool. */
export const POOL_SIZE = 8

const SERVICES = 2
const LOOK_MS = 10
/** Who does not write by then never will, ms. How soon it must is asserted by the tests. */
const WRITTEN_WITHIN_MS = 120_000
const PROCESSES = "SELECT COUNT(*) AS count FROM information_schema.processlist WHERE user = 'app'"

/** Two services on one archive, which a primary and a replica hold, and one Redis. */
export interface FailoverWorld {
  readonly pair: PrivateMariaDbPair
  readonly services: readonly Service[]
  /** Connections of the services to a server of the pair. */
  connectionsTo(index: 0 | 1): Promise<number>
  /** Ids of all items that a server of the pair holds, deleted ones excluded. */
  idsAt(index: 0 | 1): Promise<ReadonlySet<string>>
  /** Opens all connections that the pools may have. */
  warmUp(): Promise<void>
  /**
   * Resolves when every service has had a write of level `archive` acknowledged after that moment.
   *
   * @returns how long it took the slower one, ms
   */
  writingAgain(afterUs: number): Promise<number>
  close(): Promise<void>
}

/** How many times slower than when it is quiet this machine is, at least 1: others may be at work on it. */
export function slowness(): number {
  return Math.max(1, (loadavg()[0] ?? 0) / availableParallelism())
}

export async function startFailoverWorld(): Promise<FailoverWorld> {
  const closers: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const directory = await mkdtemp(join(tmpdir(), 'se-failover-'))
    closers.push(() => rm(directory, { recursive: true }))
    const pair = await startPrivateMariaDbPair()
    closers.push(() => pair.stop())
    const redis = await startPrivateRedis()
    closers.push(() => redis.stop())
    const services: Service[] = []
    for (let worker = 0; worker < SERVICES; worker++) {
      const service = await Service.start({
        worker,
        directory,
        sqlUrl: pair.url,
        redisUrl: redis.url,
        poolSize: POOL_SIZE,
        stalenessMs: STALENESS_MS,
      })
      services.push(service)
      closers.push(() => service.stop())
    }

    async function query(index: 0 | 1, statement: string): Promise<readonly RowDataPacket[]> {
      const connection = await createConnection(pair.servers[index].url)
      try {
        const [rows] = await connection.query<RowDataPacket[]>(statement)
        return rows
      } finally {
        connection.destroy()
      }
    }
    const connectionsTo = async (index: 0 | 1) => Number((await query(index, PROCESSES))[0]?.['count'])

    return {
      pair,
      services,
      connectionsTo,
      async idsAt(index) {
        const rows = await query(
          index,
          'SELECT CAST(id AS CHAR) AS id FROM sync_items WHERE value IS NOT NULL',
        )
        return new Set(rows.map((row) => String(row['id'])))
      },
      async warmUp() {
        while ((await connectionsTo(0)) < SERVICES * POOL_SIZE) {
          await Promise.all(
            services.flatMap(({ engine }) =>
              Array.from({ length: 4 * POOL_SIZE }, () => engine.get('nobody', { consistency: 'source' })),
            ),
          )
        }
      },
      async writingAgain(afterUs) {
        const deadlineUs = nowUs() + WRITTEN_WITHIN_MS * 1_000
        while (services.some(({ lastArchiveWriteUs }) => lastArchiveWriteUs <= afterUs)) {
          if (nowUs() > deadlineUs) {
            const phases = services.map(({ engine }) => engine.phase).join()
            throw new Error(`not writing again after ${WRITTEN_WITHIN_MS} ms, phases ${phases}`)
          }
          await delay(LOOK_MS)
        }
        return (nowUs() - afterUs) / 1_000
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

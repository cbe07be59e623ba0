/**
 * The whole server, over real sockets, beside what somebody would write without the engine. Each server runs in a process of
 * its own and the load in a third, so on two cores neither waits for the other; a note says how busy the servers were.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { defineCase, type ComparedCase } from '@se/bench'
import { acquireTestServices, uniqueDatabase } from '@se/testkit/services'
import { startContestant, type Contestant } from './contestant.ts'
import { getRequest, openLoad, putRequest, type Load } from './load.ts'

export const area = 'server'

const BODY = JSON.stringify({ name: 'alice', role: 'admin', note: 'x'.repeat(56) })
const CONNECTIONS = 64
const HOT_ITEMS = 1_000
const GETS = 10_000
const PUTS = 4_000
/** Untimed requests to each side before the first sample: the machine code of a server settles late. */
const WARM_UP = 20_000

/** A contestant under load, and how busy its process was. */
interface Measured {
  sample(count: number, request: (index: number) => Buffer): Promise<number>
  note(name: string): string
  close(): void
}

function measured(contestant: Contestant, load: Load): Measured {
  let cpuMs = 0
  let wallMs = 0
  return {
    async sample(count, request) {
      const cpuBefore = await contestant.cpuMs()
      const startedMs = performance.now()
      await load.run(count, request)
      await contestant.settle()
      const tookMs = performance.now() - startedMs
      cpuMs += (await contestant.cpuMs()) - cpuBefore
      wallMs += tookMs
      return (count * 1_000) / tookMs
    },
    note: (name) => `${name}: its process used ${Math.round((100 * cpuMs) / wallMs)} % of a core`,
    close() {
      load.close()
      contestant.stop()
    },
  }
}

async function start(file: string, environment: Readonly<Record<string, string>>): Promise<Measured> {
  const contestant = await startContestant(file, environment)
  return measured(contestant, await openLoad(contestant.port, CONNECTIONS))
}

export const cases: readonly ComparedCase[] = [
  defineCase({
    case: 'server.get.l1',
    unit: 'requests/s',
    better: 'higher',
    setup: async () => {
      const directory = await mkdtemp(path.join(tmpdir(), 'se-bench-server-'))
      const ours = await start('./serve-engine.ts', {
        SE_DATA_DIR: directory,
        SE_SQL_URL: '',
        SE_REDIS_URL: '',
      })
      const bare = await start('./serve-bare.ts', { BENCH_BODY: BODY })
      const ids = Array.from({ length: HOT_ITEMS }, (_, index) => `user.${index}`)
      await ours.sample(HOT_ITEMS, (index) => putRequest(ids[index]!, BODY))
      const requests = ids.map(getRequest)
      const next = (index: number) => requests[index % HOT_ITEMS]!
      await ours.sample(WARM_UP, next)
      await bare.sample(WARM_UP, next)
      return {
        ours: () => ours.sample(GETS, next),
        against: { 'fastify constant route': () => bare.sample(GETS, next) },
        notes: () => [
          `${CONNECTIONS} connections, ${HOT_ITEMS} items of ${BODY.length} B in L1, metrics on`,
          ours.note('ours'),
          bare.note('constant route'),
        ],
        async teardown() {
          ours.close()
          bare.close()
          await rm(directory, { recursive: true, force: true })
        },
      }
    },
  }),

  defineCase({
    case: 'server.put.durable.64',
    unit: 'requests/s',
    better: 'higher',
    setup: async () => {
      const services = await acquireTestServices({ kinds: ['sql'] })
      if ('skipped' in services.sql) throw new Error(`no MariaDB: ${services.sql.skipped}`)
      const database = await uniqueDatabase(services.sql.url)
      const directory = await mkdtemp(path.join(tmpdir(), 'se-bench-server-'))
      const SE_SQL_URL = database.url
      const ours = await start('./serve-engine.ts', { SE_DATA_DIR: directory, SE_SQL_URL, SE_REDIS_URL: '' })
      const bare = await start('./serve-bare.ts', { SE_SQL_URL, BENCH_CONNECTIONS: String(CONNECTIONS) })
      /** Every sample writes ids that are new. */
      let round = 0
      const sampleOf = (side: Measured, count = PUTS) => {
        round++
        const requests = Array.from({ length: count }, (_, index) =>
          putRequest(`user.${round}.${index}`, BODY),
        )
        return side.sample(count, (index) => requests[index]!)
      }
      await sampleOf(ours, WARM_UP)
      await sampleOf(bare, WARM_UP)
      return {
        ours: () => sampleOf(ours),
        against: { 'fastify route, one mysql2 upsert a request': () => sampleOf(bare) },
        notes: () => [
          `${CONNECTIONS} connections, ${BODY.length} B a value, level log; the clock stops when the last item is in MariaDB`,
          ours.note('ours'),
          bare.note('one upsert a request'),
        ],
        async teardown() {
          ours.close()
          bare.close()
          await database.drop()
          await services.release()
          await rm(directory, { recursive: true, force: true })
        },
      }
    },
  }),
]

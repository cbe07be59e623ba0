/**
 * One process of the histories: a real engine on a log directory of its own, at work on the hot ids until it is told
 * otherwise. Its only argument is a {@link WorkerTask} as JSON.
 *
 * It prints `ready`, and obeys these lines on its standard input, answering each with a line of the same word:
 *
 * - `quiet`: begin nothing more, wait for what was begun;
 * - `flush`: until it succeeds;
 * - `read`: each id in each way;
 * - `stop`: in an orderly way. The process ends.
 */
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '@se/core/testing'
import { createEngine } from '@se/engine'
import { mysqlArchive } from '@se/tiers-mysql/mysql'
import { redisCache } from '@se/tiers-redis'
import type { Consistency } from '@se/testkit/history'
import { RecordedEngine } from './recorded-engine.ts'
import { createWorkload, HOT_IDS, type Figure } from './workload.ts'

export interface WorkerTask {
  readonly worker: number
  readonly life: number
  readonly seed: number
  readonly sqlUrl: string
  /** Absent: this process has no cache. */
  readonly redisUrl?: string
  readonly logDirectory: string
  readonly historyFile: string
  readonly stalenessMs: number
}

/** Figures that may be under way at once. */
const FIGURES_MAX = 48
/** Pause between two figures at most, ms; half of that on average. */
const PAUSE_MS_MAX = 12
const RETRY_MS = 100

const task = JSON.parse(process.argv[2]!) as WorkerTask
const random = seededRandom(task.seed)
const engine = createEngine({
  log: { directory: task.logDirectory },
  archive: mysqlArchive({ url: task.sqlUrl }),
  ...(task.redisUrl === undefined ? {} : { cache: redisCache({ url: task.redisUrl }) }),
  stalenessMs: task.stalenessMs,
})
const recorded = new RecordedEngine(engine, openSync(task.historyFile, 'a'))
let values = 0
const nextFigure = createWorkload(random, () => `w${task.worker}.${task.life}.${values++}`)
const underWay = new Set<Promise<void>>()
let isQuiet = false

await engine.start()
console.log('ready')
const working = work()
for await (const line of createInterface({ input: process.stdin })) {
  switch (line) {
    case 'quiet':
      isQuiet = true
      await working
      await Promise.all(underWay)
      break
    case 'flush':
      while ((await recorded.call({ kind: 'flush' })).kind !== 'flushed') await delay(RETRY_MS)
      break
    case 'read':
      for (const id of HOT_IDS) {
        for (const consistency of ['source', 'local', 'shared'] satisfies Consistency[]) {
          await recorded.call({ kind: 'get', id, consistency })
        }
        await recorded.call({ kind: 'containsFast', id })
      }
      await recorded.call({ kind: 'getMany', ids: HOT_IDS })
      break
    case 'stop':
      isQuiet = true
      await engine.stop()
  }
  console.log(line)
  if (line === 'stop') process.exit(0)
}

async function work(): Promise<void> {
  while (!isQuiet) {
    // Fenced, or its log has failed: the next life goes on.
    if (engine.phase === 'Failed') process.exit(1)
    if (underWay.size < FIGURES_MAX) {
      const dance = perform(nextFigure()).finally(() => void underWay.delete(dance))
      underWay.add(dance)
    }
    await delay(random.fraction() * PAUSE_MS_MAX)
  }
}

async function perform({ together, then }: Figure): Promise<void> {
  await Promise.all(together.map((call) => recorded.call(call)))
  for (const call of then) await recorded.call(call)
}

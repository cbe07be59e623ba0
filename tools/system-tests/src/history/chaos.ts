import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import { checkHistory, describeAnomaly, type HistoryCounts } from '@se/testkit/history'
import { startPrivateMariaDb, startPrivateRedis } from '@se/testkit/services'
import { Redis } from 'ioredis'
import { createConnection } from 'mysql2/promise'
import { archiveFaults, cacheFaults, processFaults, type Fault, type World } from './faults.ts'
import { nowUs } from './recorded-engine.ts'
import { loadHistory, saveLives } from './saved-history.ts'
import { WorkerSlot } from './worker-slot.ts'

export interface ChaosOptions {
  /** u32; all that is random follows from it, but when things happen depends on the machine too. */
  readonly seed: number
  readonly durationMs: number
  /** Faults to choose from, by name; default: all. */
  readonly faults?: readonly string[]
  /** Empty; logs and histories stay there. Default: a temporary one, removed unless an anomaly was found. */
  readonly directory?: string
  log(line: string): void
}

export interface ChaosReport {
  readonly counts: HistoryCounts
  /** How often each fault happened. */
  readonly faults: ReadonlyMap<string, number>
  /** Processes that were started. */
  readonly lives: number
}

const WORKERS = 4
const STALENESS_MS = 500
const KINDS = [processFaults, cacheFaults, archiveFaults]
/** For so long, ms, faults are of one kind (so often), or of all. */
const SPELL_MS = 6_000
const ALONE = 0.6
/** Pause between two faults of a kind at most, ms. Mostly short ones. */
const PAUSE_MS_MAX = 3_000
/** For a process to come up, to answer what it had begun, to flush, once all is healed, ms. */
const HEALED_MS = 60_000
/** What a read that must not be older than Δ waits beyond it, ms. */
const MARGIN_MS = 100
const ANOMALIES_SHOWN_MAX = 5

/** The history holds what must not be. */
export class HistoryBroken extends Error {
  override readonly name = 'HistoryBroken'
}

/**
 * Four processes on one archive and one Redis at work on ten ids, under faults of processes, cache and archive at once;
 * then all is healed and flushed, each process reads all, and the whole history is checked.
 *
 * @throws HistoryBroken with the first anomalies and where the histories lie; Error when the world does not heal
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, durationMs, faults, log } = options
  const random = seededRandom(seed)
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'se-history-')))
  const closers: (() => unknown)[] = []
  try {
    const sqlServer = await startPrivateMariaDb()
    closers.push(() => sqlServer.stop())
    const redisServer = await startPrivateRedis({ args: ['--enable-debug-command', 'local'] })
    closers.push(() => redisServer.stop())
    const redisAdmin = new Redis(redisServer.url, { maxRetriesPerRequest: null })
    redisAdmin.on('error', () => {})
    closers.push(() => redisAdmin.disconnect())
    const sqlAdmin = await createConnection(sqlServer.url)
    closers.push(() => sqlAdmin.destroy())
    const workers: WorkerSlot[] = []
    for (let worker = 0; worker < WORKERS; worker++) {
      const slot = await WorkerSlot.create({
        worker,
        directory,
        sqlUrl: sqlServer.url,
        redisUrl: redisServer.url,
        stalenessMs: STALENESS_MS,
        random: fork(random),
      })
      workers.push(slot)
      closers.push(() => slot.close())
    }
    for (const worker of workers) worker.start()
    await Promise.all(workers.map((worker) => worker.ready(HEALED_MS)))

    const happened = new Map<string, number>()
    const deadline = Date.now() + durationMs
    const world = { workers, redisServer, redisAdmin, sqlAdmin }
    const startedUs = nowUs()
    while (Date.now() < deadline) {
      const spellEnd = Math.min(deadline, Date.now() + SPELL_MS)
      // Alone a kind meets caches that are warm and processes that stand where the others do.
      const kinds = random.chance(ALONE) ? [random.pick(KINDS)] : KINDS
      await Promise.all(
        kinds.map((kind) =>
          runSpell({ ...world, random: fork(random) }, kind, faults, spellEnd, (name) => {
            happened.set(name, (happened.get(name) ?? 0) + 1)
            log(`${Math.round((nowUs() - startedUs) / 1000)} ms: ${name}`)
          }),
        ),
      )
    }

    const settledUs = await settle(workers)
    const lives = workers.flatMap((worker) => worker.lives)
    saveLives(directory, { lives, settledUs })
    const history = loadHistory(directory)
    const { anomalies, counts } = checkHistory(history, { stalenessMs: STALENESS_MS })
    log(JSON.stringify(counts))
    if (anomalies.length > 0) {
      const shown = anomalies.slice(0, ANOMALIES_SHOWN_MAX).map((each) => describeAnomaly(each, history))
      throw new HistoryBroken(
        `${anomalies.length} anomalies with seed ${seed}; histories in ${directory}\n\n${shown.join('\n\n')}`,
      )
    }
    if (options.directory === undefined) await rm(directory, { recursive: true })
    return { counts, faults: happened, lives: lives.length }
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

/** One fault of a kind after the other until the time is over. */
async function runSpell(
  world: World,
  kind: Readonly<Record<string, Fault>>,
  names: readonly string[] | undefined,
  deadline: number,
  tell: (name: string) => void,
): Promise<void> {
  const { random } = world
  const chosen = Object.entries(kind).filter(([name]) => names?.includes(name) ?? true)
  while (chosen.length > 0) {
    await delay(random.fraction() ** 2 * PAUSE_MS_MAX)
    if (Date.now() >= deadline) break
    const [name, fault] = random.pick(chosen)
    tell(name)
    await fault(world)
  }
  await delay(Math.max(0, deadline - Date.now()))
}

/** @returns since when nothing is written any more and everything is flushed, µs */
async function settle(workers: readonly WorkerSlot[]): Promise<number> {
  await Promise.all(workers.map((worker) => worker.ready(HEALED_MS)))
  await Promise.all(workers.map((worker) => worker.tell('quiet', HEALED_MS)))
  await Promise.all(workers.map((worker) => worker.tell('flush', HEALED_MS)))
  const settledUs = nowUs()
  await delay(STALENESS_MS + MARGIN_MS)
  await Promise.all(workers.map((worker) => worker.tell('read', HEALED_MS)))
  await Promise.all(workers.map((worker) => worker.tell('stop', HEALED_MS)))
  return settledUs
}

/** Randomness of its own, so that what one part draws does not depend on how fast another one is. */
function fork(random: SeededRandom): SeededRandom {
  return seededRandom(random.below(2 ** 32))
}

import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createEngine, type Engine } from '@se/engine'
import { mysqlArchive } from '@se/tiers-mysql/mysql'
import { redisCache } from '@se/tiers-redis'
import { decodeHistory, type Answer, type Call, type Life, type Operation } from '@se/testkit/history'
import { nowUs, RecordedEngine } from '../history/recorded-engine.ts'
import { historyFile } from '../history/saved-history.ts'
import type { Figure } from '../history/workload.ts'

export interface ServiceOptions {
  /** Number of its log directory. */
  readonly worker: number
  /** Where its log and its histories lie. */
  readonly directory: string
  readonly sqlUrl: string
  readonly redisUrl: string
  /** Connections of its pool. */
  readonly poolSize: number
  /** Δ. */
  readonly stalenessMs: number
}

/** Figures that are under way at once. */
const FIGURES_MAX = 8
const PAUSE_MS = 5
/** For a restarted engine to find its servers. */
const START_MS = 120_000
const RETRY_MS = 50

/** A process of a service, as a supervisor keeps it: an engine on one log directory, made and started anew when it has failed. */
export class Service {
  readonly #options: ServiceOptions
  readonly #lives: { endedUs?: number }[] = []
  #engine!: Engine
  #recorded!: RecordedEngine
  readonly #files: number[] = []
  readonly #works: (() => Promise<void>)[] = []
  #restarting: Promise<void> | undefined
  /** Why its engines failed, in order. */
  readonly failures: unknown[] = []
  /** When the last write of level `archive` was acknowledged, µs. */
  lastArchiveWriteUs = 0
  /** Writes acknowledged so far. */
  acknowledgedCount = 0

  private constructor(options: ServiceOptions) {
    this.#options = options
  }

  static async start(options: ServiceOptions): Promise<Service> {
    const service = new Service(options)
    await service.#open()
    return service
  }

  get engine(): Engine {
    return this.#engine
  }

  get lives(): readonly Life[] {
    const { worker } = this.#options
    return this.#lives.map((ended, life) => ({ worker, life, ...ended }))
  }

  async #open(): Promise<void> {
    const { worker, directory, sqlUrl, redisUrl, poolSize, stalenessMs } = this.#options
    const logDirectory = join(directory, `log-${worker}`)
    mkdirSync(logDirectory, { recursive: true })
    this.#engine = createEngine({
      log: { directory: logDirectory },
      archive: mysqlArchive({ url: sqlUrl, poolSize }),
      cache: redisCache({ url: redisUrl }),
      stalenessMs,
      observer: {
        phaseChanged: ({ to }) => {
          if (to === 'Failed') this.#restarting ??= this.#restart()
        },
      },
    })
    await this.#engine.start({ waitForMs: START_MS })
    const life = this.#lives.push({}) - 1
    const file = openSync(historyFile(directory, worker, life), 'a')
    this.#files.push(file)
    this.#recorded = new RecordedEngine(this.#engine, file)
  }

  async #restart(): Promise<void> {
    // Told from within the engine, which has to come to an end first.
    await delay(0)
    this.failures.push(this.#engine.status().failure)
    await this.#end()
    await this.#open()
    this.#restarting = undefined
  }

  async #end(): Promise<void> {
    await this.#engine.stop()
    this.#lives.at(-1)!.endedUs = nowUs()
  }

  /** Makes a call and records it; while the engine is restarted, calls wait. */
  async call(call: Call): Promise<Answer> {
    await this.#restarting
    const answer = await this.#recorded.call(call)
    if (answer.kind === 'acknowledged' && 'level' in call) {
      this.acknowledgedCount += 1
      if (call.level === 'archive') this.lastArchiveWriteUs = nowUs()
    }
    return answer
  }

  /** Performs figures side by side. @returns ends that, when all that was begun has been answered */
  work(nextFigure: () => Figure): () => Promise<void> {
    let isQuiet = false
    const perform = async ({ together, then }: Figure) => {
      await Promise.all(together.map((call) => this.call(call)))
      for (const call of then) await this.call(call)
    }
    const dancers = Array.from({ length: FIGURES_MAX }, async () => {
      while (!isQuiet) {
        await perform(nextFigure())
        await delay(PAUSE_MS)
      }
    })
    const stop = async () => {
      isQuiet = true
      await Promise.all(dancers)
    }
    this.#works.push(stop)
    return stop
  }

  /** Until it succeeds. */
  async flush(): Promise<void> {
    while ((await this.call({ kind: 'flush' })).kind !== 'flushed') await delay(RETRY_MS)
  }

  /** What its processes did so far. */
  operations(): readonly Operation[] {
    const { worker, directory } = this.#options
    return this.#lives.flatMap((_, life) =>
      decodeHistory(worker, life, readFileSync(historyFile(directory, worker, life), 'utf8')),
    )
  }

  async stop(): Promise<void> {
    await this.#restarting
    const quiet = Promise.all(this.#works.map((stop) => stop()))
    await this.#end()
    await quiet
    for (const file of this.#files) closeSync(file)
  }
}

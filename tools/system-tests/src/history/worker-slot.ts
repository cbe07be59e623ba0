import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '@se/core/testing'
import type { Life } from '@se/testkit/history'
import { startFaultProxy, type FaultProxy } from '@se/testkit/fault-proxy'
import { startKillableProcess, type KillableProcess } from '@se/testkit/process-killer'
import { nowUs } from './recorded-engine.ts'
import { historyFile } from './saved-history.ts'
import type { WorkerTask } from './worker.ts'

/** A process that could not start is started again after this, ms. */
const RESTART_MS = 200
/** One life in so many has no cache, as a process whose Redis cannot be reached. */
const LIVES_PER_CACHELESS = 6
/** Between looks at a process that is waited for, ms. */
const LOOK_MS = 20

export interface WorkerPlace {
  readonly worker: number
  /** Of all workers: for their log directories and histories. */
  readonly directory: string
  readonly sqlUrl: string
  readonly redisUrl: string
  readonly stalenessMs: number
  readonly random: SeededRandom
}

/** One log directory and whoever owns it: process after process, each with connections that can be broken. */
export class WorkerSlot {
  readonly #place: WorkerPlace
  readonly sql: FaultProxy
  readonly redis: FaultProxy
  readonly lives: Life[] = []
  #process: KillableProcess | undefined
  #isReady = false
  #isWanted = false

  private constructor(place: WorkerPlace, sql: FaultProxy, redis: FaultProxy) {
    this.#place = place
    this.sql = sql
    this.redis = redis
  }

  static async create(place: WorkerPlace): Promise<WorkerSlot> {
    const sql = await startFaultProxy({ targetPort: Number(new URL(place.sqlUrl).port) })
    const redis = await startFaultProxy({ targetPort: Number(new URL(place.redisUrl).port) })
    return new WorkerSlot(place, sql, redis)
  }

  get name(): string {
    return `worker ${this.#place.worker}`
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Starts a process, again and again until one stays. */
  start(): void {
    this.#isWanted = true
    if (this.#process === undefined) this.#spawn()
  }

  #spawn(): void {
    const { worker, directory, sqlUrl, redisUrl, stalenessMs, random } = this.#place
    const life = this.lives.length
    const task: WorkerTask = {
      worker,
      life,
      seed: random.below(2 ** 32),
      sqlUrl: throughPort(sqlUrl, this.sql.port),
      ...(random.below(LIVES_PER_CACHELESS) === 0
        ? {}
        : { redisUrl: throughPort(redisUrl, this.redis.port) }),
      logDirectory: join(directory, `log-${worker}`),
      historyFile: historyFile(directory, worker, life),
      stalenessMs,
    }
    this.lives.push({ worker, life })
    const started = startKillableProcess({
      file: new URL('worker.ts', import.meta.url),
      args: [JSON.stringify(task)],
    })
    this.#process = started
    started.waitForLine('ready').then(
      () => void (this.#isReady = true),
      () => {},
    )
    void started.ended.then(() => {
      this.lives[life] = { worker, life, endedUs: nowUs() }
      this.#process = undefined
      this.#isReady = false
      setTimeout(() => {
        if (this.#isWanted && this.#process === undefined) this.#spawn()
      }, RESTART_MS)
    })
  }

  /** Freezes the process, if there is one. */
  freeze(): void {
    this.#signal('SIGSTOP')
  }

  thaw(): void {
    this.#signal('SIGCONT')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#process !== undefined) process.kill(this.#process.pid, signal)
  }

  /** SIGKILL; nothing runs until `start`. */
  async kill(): Promise<void> {
    this.#isWanted = false
    await this.#process?.kill()
  }

  /** Sends a word and waits for its answer. @throws Error when it does not come in time */
  async tell(word: 'quiet' | 'flush' | 'read' | 'stop', withinMs: number): Promise<void> {
    const told = this.#process
    if (told === undefined) throw new Error(`${this.name} does not run`)
    if (word === 'stop') this.#isWanted = false
    told.send(word)
    await this.#within(withinMs, `answer to ${word}`, async () => {
      await told.waitForLine((line) => line === word)
      if (word === 'stop') await told.ended
    })
  }

  /** @throws Error when no process is at work in time */
  async ready(withinMs: number): Promise<void> {
    await this.#within(withinMs, 'process', async () => {
      while (!this.#isReady) await delay(LOOK_MS)
    })
  }

  async #within(withinMs: number, what: string, run: () => Promise<void>): Promise<void> {
    const controller = new AbortController()
    const late = delay(withinMs, undefined, controller).then(() => {
      throw new Error(`${this.name}: no ${what} within ${withinMs} ms\n${this.#process?.stderr ?? ''}`)
    })
    try {
      await Promise.race([run(), late])
    } finally {
      controller.abort()
      late.catch(() => {})
    }
  }

  async close(): Promise<void> {
    await this.kill()
    await this.sql.close()
    await this.redis.close()
  }
}

function throughPort(url: string, port: number): string {
  const through = new URL(url)
  through.port = String(port)
  return through.href
}

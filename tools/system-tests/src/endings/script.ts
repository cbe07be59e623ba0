/**
 * A stranger's script: it makes an engine, awaits what it was told to, and says what came of it, a JSON line each. Nothing in it
 * ends the process: it has to end by itself, with the exit code that was set last.
 *
 *   node script.ts <task> '<settings as JSON>'
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createEngine, type Engine } from '@se/engine'
import { mysqlArchive } from '@se/tiers-mysql/mysql'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'
import { redisCache } from '@se/tiers-redis'

export interface ScriptSettings {
  readonly logDirectory: string
  /** `sqlite:FILE` or `mysql://…` */
  readonly archive: string
  readonly redisUrl?: string
  readonly redisPrefix?: string
  readonly pendingItemsMax?: number
  readonly timeoutMs?: number
  readonly waitForMs?: number
}

const [task = '', settingsText = '{}'] = process.argv.slice(2)
const settings = JSON.parse(settingsText) as ScriptSettings

function say(what: string, more: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ what, ...more })}\n`)
}

/** Waits for a line on standard input, and lets go of it. */
async function waitForWord(): Promise<void> {
  say('waiting')
  await once(process.stdin, 'data')
  process.stdin.destroy()
}

/** Awaits a call, and says how it ended. */
async function attempt(what: string, call: () => Promise<unknown>): Promise<unknown> {
  const startedMs = performance.now()
  const tookMs = () => Math.round(performance.now() - startedMs)
  try {
    const value = await call()
    say(what, { outcome: 'ok', tookMs: tookMs() })
    return value
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    say(what, { outcome: code ?? message, tookMs: tookMs() })
    return undefined
  }
}

function makeEngine(): Engine {
  const { archive, redisUrl, redisPrefix, logDirectory, pendingItemsMax } = settings
  return createEngine({
    log: { directory: logDirectory },
    archive: archive.startsWith('sqlite:')
      ? sqliteArchive({ file: archive.slice('sqlite:'.length) })
      : mysqlArchive({ url: archive, connectTimeoutMs: 2_000 }),
    ...(redisUrl === undefined ? {} : { cache: redisCache({ url: redisUrl, prefix: redisPrefix }) }),
    ...(pendingItemsMax === undefined ? {} : { pending: { itemsMax: pendingItemsMax } }),
  })
}

/** What the newest lock file says; `released` where there is none. */
function lockState(): string {
  const { logDirectory } = settings
  const names = existsSync(logDirectory) ? readdirSync(logDirectory) : []
  const newest = names
    .filter((name) => name.endsWith('.lock'))
    .sort()
    .at(-1)
  if (newest === undefined) return 'released'
  return (JSON.parse(readFileSync(`${logDirectory}/${newest}`, 'utf8')) as { state: string }).state
}

async function stop(engine: Engine, timeoutMs = settings.timeoutMs): Promise<void> {
  const startedMs = performance.now()
  const report = await engine.stop(timeoutMs === undefined ? {} : { timeoutMs })
  const { itemsLeftInLog, itemsLost } = report
  const isLocked = lockState() !== 'released'
  say('stopped', { itemsLeftInLog, itemsLost, isLocked, tookMs: Math.round(performance.now() - startedMs) })
}

const limits = settings.timeoutMs === undefined ? {} : { timeoutMs: settings.timeoutMs }

const TASKS: Readonly<Record<string, () => Promise<void>>> = {
  /** Every call that waits, one after the other, once the servers are away. */
  async calls() {
    const engine = makeEngine()
    await engine.start()
    await engine.submit('here', 1, { level: 'archive' })
    await engine.submit('memory', 1, { level: 'memory' })
    await waitForWord()
    await attempt('submit', () => engine.submit('new', 1, { level: 'archive', ...limits }))
    await attempt('delete', () => engine.delete('new', { level: 'archive', ...limits }))
    await attempt('get', () => engine.get('here', { consistency: 'source', ...limits }))
    await attempt('getMany', () => engine.getMany(['a', 'b'], limits))
    await attempt('contains', () => engine.contains('a', limits))
    await attempt('explain', () => engine.explain('a', limits))
    await attempt('verify', () => engine.verify({ deep: true, ...limits }))
    await attempt('roots', () => engine.roots(limits))
    await attempt('retryParked', () => engine.retryParked('a', limits))
    await attempt('dropParked', () => engine.dropParked('a', limits))
    await attempt('log', () => engine.submit('logged', 1, limits))
    await attempt('flush', () => engine.flush(limits))
    await stop(engine)
    process.exitCode = 7
  },

  /** A loader that runs into the bound of pending writes. */
  async load() {
    const engine = makeEngine()
    await engine.start()
    await waitForWord()
    let accepted = 0
    try {
      for (let item = 0; item < 1_000; item++) {
        await engine.submit(`item.${item}`, item, limits)
        accepted++
      }
    } catch (error) {
      say('load failed', { accepted, outcome: (error as { code?: string }).code })
      process.exitCode = 9
    }
    await stop(engine, 2_000)
  },

  /** Something only memory has, and a stop. */
  async stop() {
    const engine = makeEngine()
    await engine.start()
    await waitForWord()
    await engine.submit('memory', 'kept', { level: 'memory' })
    await stop(engine)
    process.exitCode = 7
  },

  async start() {
    const engine = makeEngine()
    const { waitForMs } = settings
    await attempt('start', () =>
      engine.start({ ...limits, ...(waitForMs === undefined ? {} : { waitForMs }) }),
    )
    say('phase', { phase: engine.phase })
    await stop(engine)
    process.exitCode = 7
  },

  /** A start that fails, and the same engine started again once the servers are there. */
  async 'start again'() {
    const engine = makeEngine()
    await attempt('start', () => engine.start(limits))
    await waitForWord()
    await attempt('start', () => engine.start())
    await attempt('submit', () => engine.submit('a', 'b', { level: 'archive' }))
    await attempt('flush', () => engine.flush())
    const { gauges } = engine.status()
    say('status', { backendHealthy: gauges.backendHealthy, isFresh: engine.status().isFresh })
    await stop(engine)
    process.exitCode = 7
  },

  /** Reads and writes without a pause; says what fails. */
  async work() {
    const engine = makeEngine()
    await engine.start()
    let isEnding = false
    const failures: string[] = []
    let count = 0
    const worker = async (number: number): Promise<void> => {
      for (let round = 0; !isEnding; round++) {
        try {
          await engine.submit(`w.${number}`, round, { level: round % 4 === 0 ? 'archive' : 'log' })
          await engine.get(`w.${number}`, { consistency: round % 2 === 0 ? 'source' : 'shared' })
          await engine.get(`other.${round}`, { consistency: 'shared' })
          count++
        } catch (error) {
          failures.push(`${(error as { code?: string }).code}: ${(error as Error).message}`)
        }
      }
    }
    const workers = Array.from({ length: 8 }, (_, number) => worker(number))
    await waitForWord()
    isEnding = true
    await Promise.all(workers)
    say('worked', { count, failures: failures.slice(0, 5), failureCount: failures.length })
    await stop(engine)
    process.exitCode = 7
  },
}

await TASKS[task]!()
say('end of main')

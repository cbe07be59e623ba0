import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { defineCase, defineReport, elapsedMs, type ComparedCase } from '@se/bench'
import { openLog, type Log } from '../src/index.ts'
import { BareGroups, bareLoop, closedLoop, SqliteGroups, type Appender } from './closed-loop.ts'

export const area = 'wal'

const BARE = 'grouped writev+fdatasync, same writers, no framing'
const SQLITE = 'sqlite WAL synchronous=FULL, same groups'
const SIZES = [
  { label: '100B', bytes: 100 },
  { label: '1KiB', bytes: 1024 },
]

/** The log as it is used: what is acknowledged is released soon after, so segments go round. */
class ReleasingLog implements Appender {
  readonly log: Log
  readonly #directory: string
  #sinceRelease = 0

  constructor(log: Log, directory: string) {
    this.log = log
    this.#directory = directory
  }

  static async open(): Promise<ReleasingLog> {
    const directory = mkdtempSync(join(tmpdir(), 'se-wal-bench-'))
    return new ReleasingLog(await openLog({ directory }), directory)
  }

  append(payload: Uint8Array): Promise<number> {
    this.#sinceRelease += payload.length
    if (this.#sinceRelease > 4 * 1024 * 1024) {
      this.#sinceRelease = 0
      void this.log.release(this.log.stats().lastSequence)
    }
    return this.log.append(payload)
  }

  async close(): Promise<void> {
    await this.log.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function appendCase(writers: number, size: (typeof SIZES)[number]): ComparedCase {
  return defineCase({
    case: `wal.append.${writers}-writers.${size.label}`,
    unit: 'acks/s',
    better: 'higher',
    async setup() {
      const ours = await ReleasingLog.open()
      const bare = new BareGroups()
      const sqlite = new SqliteGroups()
      for (const appender of [ours, bare, sqlite]) await closedLoop(appender, writers, size.bytes)
      return {
        ours: () => closedLoop(ours, writers, size.bytes),
        against: {
          [BARE]: () => closedLoop(bare, writers, size.bytes),
          [SQLITE]: () => closedLoop(sqlite, writers, size.bytes),
        },
        async teardown() {
          await ours.close()
          bare.close()
          sqlite.close()
        },
      }
    },
  })
}

/** One writer: what one append takes. */
function singleCase(size: (typeof SIZES)[number]): ComparedCase {
  const microseconds = async (appender: Appender) => 1e6 / (await closedLoop(appender, 1, size.bytes))
  return defineCase({
    case: `wal.append.1-writer.${size.label}`,
    unit: 'us',
    better: 'lower',
    async setup() {
      const ours = await ReleasingLog.open()
      const bare = new BareGroups()
      const sqlite = new SqliteGroups()
      for (const appender of [ours, bare, sqlite]) await microseconds(appender)
      return {
        ours: () => microseconds(ours),
        against: {
          'bare write+fdatasync': () => microseconds(bare),
          [SQLITE]: () => microseconds(sqlite),
        },
        async teardown() {
          await ours.close()
          bare.close()
          sqlite.close()
        },
      }
    },
  })
}

const recovery = defineCase({
  case: 'wal.recovery.1KiB',
  unit: 'MB/s',
  better: 'higher',
  async setup() {
    const directory = mkdtempSync(join(tmpdir(), 'se-wal-recovery-'))
    const log = await openLog({ directory })
    const payload = new Uint8Array(1024).fill(7)
    for (let count = 0; count < 128; count++) await log.append(Array.from({ length: 1024 }, () => payload))
    await log.close()
    const megabytes = 128 * 1.024 * 1.024
    const perSecond = async (work: () => Promise<unknown> | unknown) =>
      megabytes / ((await elapsedMs(work)) / 1000)
    const reopen = async () => (await openLog({ directory })).close()
    return {
      ours: () => perSecond(reopen),
      against: {
        'reading the same files': () =>
          perSecond(() => {
            for (const name of readdirSync(directory)) readFileSync(join(directory, name))
          }),
        'opening and replaying every record': () =>
          perSecond(async () => {
            const again = await openLog({ directory })
            let bytes = 0
            for await (const record of again.replay()) bytes += record.bytes.length
            if (bytes !== 128 * 1024 * 1024) throw new Error('the replay is not whole')
            await again.close()
          }),
      },
      notes: () => ['goal: at least 300 MB/s; from the page cache, 128 MiB of records'],
      teardown: () => rmSync(directory, { recursive: true, force: true }),
    }
  },
})

const withoutPromises = defineReport({
  case: 'wal.bare-loop-without-promises',
  async report() {
    const rows: (string | number)[][] = []
    for (const { label, bytes } of SIZES) {
      for (const group of [1, 16, 64, 256, 1024, 4096]) {
        rows.push([label, group, Math.round(await bareLoop(group, bytes))])
      }
    }
    return {
      columns: ['payload', 'group', 'payloads/s'],
      rows,
      notes: [
        'writev + fdatasync by callbacks alone, nobody waits: the ceiling of this disk and runtime, unjudged',
      ],
    }
  },
})

const eventLoop = defineReport({
  case: 'wal.event-loop-delay',
  async report() {
    const rows: (string | number)[][] = []
    for (const { label, bytes } of SIZES) {
      for (const writers of [1, 64, 256, 4096]) {
        const log = await ReleasingLog.open()
        await closedLoop(log, writers, bytes)
        const delay = monitorEventLoopDelay({ resolution: 1 })
        delay.enable()
        for (let sample = 0; sample < 4; sample++) await closedLoop(log, writers, bytes)
        delay.disable()
        // The histogram counts its own millisecond of waiting.
        const inMs = (nanoseconds: number) => (nanoseconds / 1e6 - 1).toFixed(2)
        rows.push([label, writers, inMs(delay.percentile(50)), inMs(delay.percentile(99)), inMs(delay.max)])
        await log.close()
      }
    }
    return { columns: ['payload', 'writers', 'p50 ms', 'p99 ms', 'max ms'], rows }
  },
})

export const cases = [
  singleCase(SIZES[0]!),
  appendCase(64, SIZES[0]!),
  appendCase(256, SIZES[1]!),
  singleCase(SIZES[1]!),
  appendCase(16, SIZES[0]!),
  appendCase(256, SIZES[0]!),
  appendCase(1024, SIZES[0]!),
  appendCase(4096, SIZES[0]!),
  appendCase(16, SIZES[1]!),
  appendCase(64, SIZES[1]!),
  appendCase(1024, SIZES[1]!),
  appendCase(4096, SIZES[1]!),
  recovery,
  withoutPromises,
  eventLoop,
]

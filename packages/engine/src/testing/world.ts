import {
  ArchiveRefusedData,
  compareStamps,
  createBranchSet,
  sequenceAt,
  stampMs,
  TierUnavailable,
  type CacheTier,
  type ItemWrite,
  type Stamp,
} from '@se/core'
import {
  createFakeClock,
  createPowerLossFileSystem,
  seededRandom,
  type FakeClock,
  type MemoryArchive,
  type MemoryArchiveBackup,
  type PowerLossFileSystem,
  type SeededRandom,
} from '@se/core/testing'
import { createEngine, type Engine, type ParkedItem } from '../index.ts'
import { withLatency } from './latency.ts'
import { settleOn } from './time.ts'
import { createMemoryCache, createMemoryTiers } from './memory-tiers.ts'
import { Anomaly } from './anomaly.ts'
import { Model } from './model.ts'
import { clockBehind, diskBehind, Gate } from './ports.ts'
import type { Script } from './script.ts'
import { waysOfStripes, type SimulatedCache } from './simulated-cache.ts'
import { noting, telling } from './telling.ts'
import type { Variant } from './writer.ts'

export const DIRECTORY = 'log'
/** Δ of the simulated engines, ms. */
export const STALENESS_MS = 500
/** Longest time a call may take, one way, ms. */
const LATENCY_MS_MAX = 1_000
const SYNC_MS_MAX = 600

/** How a process stands. */
export type ProcessState = 'down' | 'starting' | 'up' | 'stopping'

/** One process: its engine, its disk, its clock and its connections. */
export interface Process {
  readonly number: number
  /** Counts its starts. */
  life: number
  state: ProcessState
  gate: Gate
  engine: Engine
  disk: PowerLossFileSystem
  connection: MemoryArchive
  isReachable: boolean
  /** A call to its disk failed: its log may have failed with it. */
  isDiskSuspect: boolean
  /** What it has set aside, as it last said. */
  parked: readonly ParkedItem[]
  /** Its wall clock beside the world's, ms. */
  skewMs: number
  /** The next puts into its cache that get lost, and how. */
  lostPuts: { count: number; how: 'forgotten' | 'unanswered' }
  /** Its next commits that fail, or whose answers are lost. */
  failingCommits: { count: number; when: 'before' | 'after-commit' }
  /** Calls of clients that are not answered yet. */
  readonly open: Set<Promise<unknown>>
}

/** One archive, some caches, some processes, and a clock that stands still until it is told to move. */
export class World {
  readonly clock: FakeClock = createFakeClock()
  readonly archive: MemoryArchive
  readonly caches: readonly SimulatedCache[]
  readonly processes: Process[] = []
  readonly model: Model
  readonly history: string[] = []
  readonly backups: { readonly archive: MemoryArchiveBackup; readonly at: ReturnType<Model['now']> }[] = []
  archiveSkewMs = 0
  hasArchiveClockJumped = false
  hasGoneBack = false
  /** Values divisible by 7 are more than the archive takes; until somebody widens the column. */
  isRefusing = true
  readonly #script: Script
  readonly #random: SeededRandom
  /** The first broken promise that was noticed beside the script. */
  broken: Error | undefined
  /** Counts what is a reason for a check to say no. */
  disturbances = 0

  constructor(script: Script) {
    const { seed, switches, variant } = script
    this.#script = script
    this.#random = seededRandom(seed ^ 0x5eed)
    this.archive = createMemoryTiers({
      clock: {
        ...this.clock,
        nowMs: () => this.archiveNowMs(),
        monotonicMs: () => this.clock.monotonicMs(),
      },
      seed,
      isExclusive: variant.isExclusive,
    }).archive
    this.caches = Array.from({ length: variant.processes }, (_, cache) => ({
      server: createMemoryCache(seed + 1 + cache),
      dumps: [],
      isAvailable: true,
    }))
    this.model = new Model({
      nowMs: () => this.clock.monotonicMs(),
      isSetAside: (id, stamps, isMemoryLevel) => this.#isSetAside(id, stamps, isMemoryLevel),
      // A process learns of a jump at its next poll.
      isFromFuture: (stamp) => this.hasArchiveClockJumped && stampMs(stamp) > this.archiveNowMs() - 2_000,
      hasClockJumped: () => this.hasArchiveClockJumped,
      stalenessMs: STALENESS_MS,
      isExclusive: variant.isExclusive,
      isMonotonic: switches.has('monotonic'),
    })
    this.archive.onCommit((row) => {
      if (row.kind !== 'batch') return
      for (const { id, stamp } of row.entries) this.model.commit(id, stamp)
    })
  }

  async begin(): Promise<void> {
    await this.archive.open({ branches: createBranchSet(['user.']), digests: 'keyed' })
    for (let number = 0; number < this.#script.variant.processes; number++) {
      const process = this.#newProcess(number)
      this.processes.push(process)
      this.come(process, process.disk)
      await this.answered(process)
    }
  }

  get variant(): Variant {
    return this.#script.variant
  }

  /** Every tier answers everybody, and nothing is damaged. */
  get isQuiet(): boolean {
    return (
      this.model.damaged.size === 0 &&
      this.caches.every(({ isAvailable }) => isAvailable) &&
      this.processes.every(({ isReachable }) => isReachable)
    )
  }

  /** Whether the ledger says of each stripe of a process' cache how it comes to the heads. */
  async areStripesComparable({ number }: Process): Promise<boolean> {
    const cache = this.variant.caches[number]
    const ways = cache === undefined ? [] : await waysOfStripes(this.caches[cache]!, this.archive)
    return ways.every((way) => way === 'known')
  }

  /**
   * Whether a process takes the cache for a copy's, after the archive has gone back: others, who have not noticed that yet, or a
   * cache that came back older, have moved stripes to where the archive is not any more.
   */
  isTakenForCopys({ engine }: Process): boolean {
    return this.hasGoneBack && engine.status().trust.cache?.includes('processes of a copy') === true
  }

  archiveNowMs(): number {
    return this.clock.nowMs() + this.archiveSkewMs
  }

  /** Notes it, and keeps the first broken promise. */
  fail(error: unknown): void {
    this.note(`!! ${String(error)}`)
    this.broken ??= error as Error
  }

  note(event: string): void {
    this.history.push(`${Math.round(this.clock.monotonicMs())} ${event}`)
  }

  /** Lets time pass until the promise is settled: retries and timeouts need it. */
  settle<T>(promise: Promise<T>): Promise<T> {
    return settleOn(this.clock, promise)
  }

  /** Everything its clients asked a process is answered. */
  async answered(process: Process): Promise<void> {
    while (process.open.size > 0) await this.settle(Promise.all([...process.open]))
  }

  /** Runs something of a process beside the script. */
  beside(process: Process, task: Promise<unknown>): void {
    const tracked: Promise<unknown> = task
      .catch((error: unknown) => this.fail(error))
      .finally(() => process.open.delete(tracked))
    process.open.add(tracked)
  }

  /** A process starts on a disk, as a new life. */
  come(process: Process, disk: PowerLossFileSystem): void {
    const { gate } = process
    disk.onCall = undefined
    process.state = 'starting'
    process.life++
    process.disk = disk
    process.isDiskSuspect = false
    process.isReachable = true
    this.#connect(process)
    const start = async (): Promise<void> => {
      try {
        // The lock of a process that was killed; nobody would take it for a dead one's, as all processes are one here.
        for (const name of await disk.list(DIRECTORY).catch(() => [])) {
          if (name.endsWith('.lock')) await disk.remove(`${DIRECTORY}/${name}`).catch(() => {})
        }
        await process.engine.start()
        if (process.gate === gate) process.state = 'up'
        this.note(`process ${process.number} has started`)
      } catch (error) {
        process.state = 'down'
        this.note(`process ${process.number} cannot start: ${String(error)}`)
        if (!isStorageError(error)) throw error
      }
    }
    this.beside(process, start())
  }

  /** Nothing of it goes on: no timer fires, no answer arrives. What it had sent is carried out. */
  kill(process: Process, power: number | undefined): void {
    const choose = power === undefined ? undefined : seededRandom(power)
    const disk =
      choose === undefined
        ? process.disk.afterKill()
        : process.disk.afterPowerCut((options) => choose.below(options))
    process.disk.turnOff()
    process.gate.closeForEver()
    process.gate = new Gate()
    process.open.clear()
    process.state = 'down'
    process.disk = disk
    this.model.forgetMemoryLevel(process.number)
  }

  /** @returns whether clients can call it now */
  isUp(process: Process): boolean {
    return process.state === 'up' && !process.gate.isFrozen
  }

  #newProcess(number: number): Process {
    return {
      number,
      life: 0,
      state: 'down',
      gate: new Gate(),
      disk: createPowerLossFileSystem({ sectorBytes: 4096 }),
      isReachable: true,
      isDiskSuspect: false,
      parked: [],
      skewMs: 0,
      lostPuts: { count: 0, how: 'forgotten' },
      failingCommits: { count: 0, when: 'before' },
      open: new Set(),
    } as unknown as Process
  }

  #connect(process: Process): void {
    const { variant } = this.#script
    const { isMemoryTight, recordsMax, caches, flushDelayMs } = variant
    const { gate, number } = process
    const connection = this.archive.peer()
    const putBatch = connection.putBatch.bind(connection)
    connection.putBatch = async (batch) => {
      for (const { id, stamp, bytes } of batch.writes) this.model.send(id, stamp, numberIn(bytes))
      // What was committed before is not refused afterwards.
      const { cut } = await connection.readHeads()
      const isCommitted = sequenceAt(cut, batch.claim.instance) >= batch.sequence
      if (this.isRefusing && !isCommitted && batch.writes.some(isTooMuch)) {
        throw new ArchiveRefusedData('the simulated column is too narrow')
      }
      const failing = process.failingCommits.count > 0 ? process.failingCommits : undefined
      if (failing === undefined) return putBatch(batch)
      failing.count--
      if (failing.when === 'after-commit') await putBatch(batch)
      throw new TierUnavailable('the connection is lost')
    }
    process.connection = connection
    const cache = caches[number]
    const limits = isMemoryTight
      ? { segmentBytes: 512 * 1024, bytesMax: 4 * 1024 * 1024, recordsMax }
      : { segmentBytes: 64 * 1024, bytesMax: 1024 * 1024, recordsMax }
    process.engine = createEngine({
      log: { directory: DIRECTORY, limits },
      archive: telling(
        withLatency(noting(connection, this.model), (when) => this.#pause(gate, when)),
        this.model.told,
        { process: number, life: process.life },
      ),
      ...(cache === undefined
        ? {}
        : { cache: withLatency(this.#cacheOf(process, cache), (when) => this.#pause(gate, when)) }),
      branches: ['user.'],
      flush: { delayMs: flushDelayMs },
      memory: { bytesMax: 1024 * 1024 },
      stalenessMs: STALENESS_MS,
      clock: clockBehind(
        gate,
        this.clock,
        7_000_000 * (number + 1) + 1_000 * process.life,
        () => this.clock.nowMs() + process.skewMs,
      ),
      random: seededRandom(this.#random.below(2 ** 31)),
      fileSystem: diskBehind(gate, process.disk, () => this.#diskPause()),
    })
  }

  /** A connection to a cache on which puts get lost. */
  #cacheOf(process: Process, cache: number): CacheTier {
    const tier = this.caches[cache]!.server.connect()
    const put = tier.put.bind(tier)
    tier.put = async (puts) => {
      const { lostPuts } = process
      if (lostPuts.count === 0) return put(puts)
      lostPuts.count--
      this.note(
        `process ${process.number}: a put of ${puts.map(({ write }) => write.id).join()} is ${lostPuts.how}`,
      )
      if (lostPuts.how === 'forgotten') return puts.map(() => 'stored')
      await put(puts)
      throw new TierUnavailable('the answer of the cache is lost')
    }
    return tier
  }

  async #pause(gate: Gate, when: 'before' | 'after'): Promise<void> {
    if (this.#random.chance(this.#script.variant.latency)) {
      await this.#delay(this.#random.below(this.#random.chance(0.1) ? LATENCY_MS_MAX : 30))
    }
    if (when === 'after') await gate.pass()
  }

  async #diskPause(): Promise<void> {
    if (!this.#random.chance(this.#script.variant.diskLatency)) return
    await this.#delay(this.#random.below(this.#random.chance(0.1) ? SYNC_MS_MAX : 20))
  }

  #delay(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimer(ms, resolve))
  }

  /**
   * Whether this very write has been set aside, by whichever process; or, at level `memory`, one that had taken its
   * place before it was sent: no log knows the older one.
   */
  #isSetAside(id: string, stamps: readonly Stamp[], isMemoryLevel: boolean): boolean {
    return this.processes.some((process) => {
      this.lookAtParked(process)
      return process.parked.some(
        (parked) =>
          parked.id === id &&
          stamps.some((stamp) => {
            const order = compareStamps(parked.stamp, stamp)
            return order === 0 || (isMemoryLevel && order > 0)
          }),
      )
    })
  }

  lookAtParked(process: Process): void {
    const { phase } = process.engine
    const isOpen = phase === 'Ready' || phase === 'Failed' || phase === 'Stopping'
    if (process.state === 'starting' || process.state === 'down' || !isOpen) return
    process.parked = process.engine.parked()
    const ahead = process.parked.find(({ because }) => because === 'stamp-ahead-of-archive')
    if (ahead === undefined || this.hasArchiveClockJumped) return
    this.fail(new Anomaly('parked-ahead', `process ${process.number} was told that ${ahead.id} is safe`))
  }
}

function isStorageError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SE_')
}

/** The number that was written, whether or not it was padded. */
export function numberIn(bytes: Uint8Array | undefined): number | undefined {
  const digits = /\d+/.exec(Buffer.from(bytes?.subarray(0, 30) ?? []).toString())?.[0]
  return digits === undefined ? undefined : Number(digits)
}

/** Whether the archive, while its column is narrow, refuses the value. */
function isTooMuch({ bytes }: ItemWrite): boolean {
  return (numberIn(bytes) ?? 1) % 7 === 0
}

import { compareStamps, createBranchSet, stampMs, type ArchiveTier, type Stamp } from '@se/core'
import { systemClock } from '@se/core/node'
import {
  createFakeClock,
  seededRandom,
  type FakeClock,
  type PowerLossFileSystem,
  type SeededRandom,
} from '@se/core/testing'
import { createEngineOn } from '../../create-engine.ts'
import { Anomaly } from '../anomaly.ts'
import type { Moment } from '../model/archive-history.ts'
import { Model } from '../model/model.ts'
import { describeAction, type Action } from '../script/actions.ts'
import type { ActionContext, Application } from '../script/application.ts'
import type { Script } from '../script/script.ts'
import type { Variant } from '../script/variant.ts'
import type { StoryLine } from '../story.ts'
import { settleOn } from '../time.ts'
import { Calls } from './calls.ts'
import { Connections } from './connections.ts'
import { clockBehind, diskBehind, Gate } from './ports.ts'
import { newProcess, type Process } from './process.ts'
import { waysOfStripes, type SimulatedCache } from './simulated-cache.ts'
import { makeApplication, type Subject } from './subject.ts'
import { memoryArchiveServer, memoryCacheServer, type ArchiveServer } from './tiers.ts'

const DIRECTORY = 'log'
const BRANCHES = ['user.']
/** Δ of the simulated engines, ms. */
export const STALENESS_MS = 500

/** One archive, some caches, some processes, and a clock that stands still until it is told to move. */
export class World {
  readonly #calls = new Calls(systemClock)
  readonly clock: FakeClock = waitingClock(this.#calls)
  readonly archiveServer: ArchiveServer
  /** A connection of nobody’s: it is always answered. */
  readonly archive: ArchiveTier
  readonly caches: readonly SimulatedCache[]
  readonly processes: Process[] = []
  readonly model: Model
  readonly application: Application | undefined
  readonly story: StoryLine[] = []
  /** Answers to reads. */
  reads = 0
  readonly backups: { readonly archive: unknown; readonly at: Moment }[] = []
  archiveSkewMs = 0
  hasArchiveClockJumped = false
  hasGoneBack = false
  /** Values divisible by 7 are more than the archive takes; until somebody widens the column. */
  isRefusing = true
  /** The first broken promise that was noticed beside the script. */
  broken: Error | undefined
  /** Counts what is a reason for a check to say no. */
  disturbances = 0
  /** Rows of the ledger may be gone before a process has heard of them. */
  readonly mayMissRows: boolean
  /** Writes that were set aside, and when it was noticed that they are not any more. */
  readonly #sentAgain: { readonly id: string; readonly stamp: Stamp; readonly order: number }[] = []
  readonly #script: Script
  readonly #subject: Subject
  readonly #random: SeededRandom
  readonly #connections: Connections

  constructor(script: Script, subject: Subject) {
    const { seed, switches, variant } = script
    this.mayMissRows = switches.includes('prunes') || switches.includes('restores')
    this.#script = script
    this.#subject = subject
    this.application = makeApplication(subject)
    this.#random = seededRandom(seed ^ 0x5eed)
    const { archive = memoryArchiveServer, cache = memoryCacheServer } = subject.tiers ?? {}
    const clock = this.#calls.clockOf(this.clock)
    this.archiveServer = archive({
      clock: { ...clock, nowMs: () => this.archiveNowMs() },
      seed,
      isExclusive: variant.isExclusive,
    })
    this.archive = this.#calls.counted(this.archiveServer.connect())
    this.caches = Array.from({ length: variant.processes }, (_, number) => ({
      server: cache({ clock, seed: (seed + 1 + number) >>> 0 }),
      dumps: [],
      isAvailable: true,
    }))
    this.model = new Model({
      nowMs: () => this.clock.monotonicMs(),
      isSetAside: (id, stamps, isMemoryLevel) => this.#isSetAside(id, stamps, isMemoryLevel),
      wasSetAside: (id, stamps, order) => this.#wasSetAside(id, stamps, order),
      // A process learns of a jump at its next poll.
      isFromFuture: (stamp) => this.hasArchiveClockJumped && stampMs(stamp) > this.archiveNowMs() - 2_000,
      hasClockJumped: () => this.hasArchiveClockJumped,
      stalenessMs: STALENESS_MS,
      isExclusive: variant.isExclusive,
      isMonotonic: switches.includes('monotonic'),
    })
    this.#connections = new Connections({
      clock: this.clock,
      random: this.#random,
      variant,
      model: this.model,
      calls: this.#calls,
      isRefusing: () => this.isRefusing,
      note: (text) => this.note(text),
    })
  }

  async begin(): Promise<void> {
    await this.settle(
      this.archive.open({
        branches: createBranchSet(BRANCHES),
        digests: this.#subject.config?.digests ?? 'keyed',
      }),
    )
    for (let number = 0; number < this.variant.processes; number++) {
      const process = newProcess(number)
      this.processes.push(process)
      this.come(process, process.disk)
      await this.answered(process)
    }
  }

  /** Nothing of it goes on, and its tiers are let go of. */
  async close(): Promise<void> {
    for (const each of this.processes) each.gate.closeForEver()
    await this.settle(Promise.all([this.archive.close(), this.#connections.close()]))
    await this.archiveServer.close?.()
    for (const { server } of this.caches) await server.close?.()
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
    return ways?.every((way) => way === 'known') === true
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
    // A promise of an application may reject with nothing.
    this.broken ??= (error ?? new Anomaly('foreign-error', 'a call fails with nothing')) as Error
  }

  /** Adds a line to the story. */
  note(text: string): void {
    this.story.push({ atMs: this.clock.monotonicMs(), action: undefined, text })
  }

  /** An action of the script begins. */
  noteAction(action: Action, index: number): void {
    this.story.push({ atMs: this.clock.monotonicMs(), action: index, text: describeAction(action) })
  }

  /** What an action of the application has beside its engine. */
  contextOf({ number }: Process): ActionContext {
    return { process: number, note: (text) => this.note(`process ${number}: ${text}`) }
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
    this.#connections.drop(process)
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

  #connect(process: Process): void {
    const { isMemoryTight, recordsMax, caches, flushDelayMs } = this.variant
    const { gate, number } = process
    const cache = caches[number]
    const limits = isMemoryTight
      ? { segmentBytes: 512 * 1024, bytesMax: 4 * 1024 * 1024, recordsMax }
      : { segmentBytes: 64 * 1024, bytesMax: 1024 * 1024, recordsMax }
    const clock = clockBehind(
      gate,
      this.clock,
      7_000_000 * (number + 1) + 1_000 * process.life,
      () => this.clock.nowMs() + process.skewMs,
    )
    process.engine = createEngineOn(() => this.#connections.betweenPlanes(clock), {
      ...this.#subject.config,
      log: { directory: DIRECTORY, limits },
      archive: this.#connections.toArchive(process, this.archiveServer),
      ...(cache === undefined
        ? {}
        : { cache: this.#connections.toCache(process, this.caches[cache]!.server) }),
      branches: BRANCHES,
      flush: { delayMs: flushDelayMs },
      memory: { bytesMax: 1024 * 1024 },
      stalenessMs: STALENESS_MS,
      clock,
      random: seededRandom(this.#random.below(2 ** 31)),
      fileSystem: diskBehind(gate, process.disk, () => this.#connections.diskPause()),
    })
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

  #wasSetAside(id: string, stamps: readonly Stamp[], order: number): boolean {
    return this.#sentAgain.some(
      (each) =>
        each.id === id &&
        each.order > order &&
        stamps.some((stamp) => compareStamps(each.stamp, stamp) === 0),
    )
  }

  lookAtParked(process: Process): void {
    const { phase } = process.engine
    const isOpen = phase === 'Ready' || phase === 'Failed' || phase === 'Stopping'
    if (process.state === 'starting' || process.state === 'down' || !isOpen) return
    const before = process.parked
    process.parked = process.engine.parked()
    for (const { id, stamp } of before) {
      const isStill = process.parked.some((each) => each.id === id && compareStamps(each.stamp, stamp) === 0)
      if (!isStill) this.#sentAgain.push({ id, stamp, order: this.model.now().order })
    }
    const ahead = process.parked.find(({ because }) => because === 'stamp-ahead-of-archive')
    if (ahead === undefined || this.hasArchiveClockJumped) return
    this.fail(new Anomaly('parked-ahead', `process ${process.number} was told that ${ahead.id} is safe`))
  }
}

function isStorageError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SE_')
}

/** A clock that stands still while calls are under way. */
function waitingClock(calls: Calls): FakeClock {
  const clock = createFakeClock()
  const { advance } = clock
  return Object.assign(clock, {
    advance: async (ms: number) => {
      await calls.ended()
      await advance(ms)
    },
  })
}

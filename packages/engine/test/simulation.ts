import assert from 'node:assert/strict'
import {
  ArchiveRefusedData,
  compareStamps,
  isNewer,
  sequenceAt,
  StorageError,
  type Clock,
  type Lookup,
  type Stamp,
} from '@se/core'
import { stripeOfId } from '@se/core/hash'
import {
  createFakeClock,
  createPowerLossFileSystem,
  seededRandom,
  type FakeClock,
  type MemoryArchive,
  type MemoryArchiveBackup,
  type PowerLossFileSystem,
  type SeededRandom,
  type StripeSnapshot,
} from '@se/core/testing'
import { createEngine, type Engine, type Item, type Level, type ParkedItem } from '../src/index.ts'
import { pass, settleOn, withLatency } from './faults.ts'
import { createMemoryTiers } from './world.ts'

/** Of `SE_SEED`, or drawn. */
export function randomSeed(): number {
  return Number(process.env.SE_SEED ?? Math.floor(Math.random() * 2 ** 31))
}

/** A write that was handed to an engine; its value is unique, so that what is read can be told apart. */
interface Issued {
  readonly id: string
  /** `undefined`: a delete. */
  readonly value: number | undefined
  readonly by: number
  readonly level: Level
  /** Set when it was acknowledged. */
  stamp: Stamp | undefined
  /** The archive went back behind it: it may be there or not. */
  isVoid: boolean
}

/** One process: its engine, its disk and its connection. */
interface Process {
  readonly number: number
  engine: Engine
  disk: PowerLossFileSystem
  connection: MemoryArchive
  isReachable: boolean
  /** A call to its disk failed: its log may have failed with it. */
  isDiskSuspect: boolean
  /** What it has set aside, as it last said. */
  parked: readonly ParkedItem[]
  /** Its wall clock beside the archive's, ms. */
  skewMs: number
  /** Newest acknowledged stamp by id of this process since it started, at any level. */
  readonly promised: Map<string, Issued>
  /** Writes not answered yet. */
  readonly open: Set<Promise<unknown>>
}

const IDS = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? `user.${index}` : `item.${index}`))
const DIRECTORY = 'log'
/** Δ of the simulated engines, ms. */
const STALENESS_MS = 500
/** How far the wall clock of a process may be off, ms: two of them stay within the archive's second. */
const SKEW_MS_MAX = 900
/** Longest time a call may take, one way, ms. */
const LATENCY_MS_MAX = 1_000
/** Makes a value so large that memory holds three of them. */
const PADDING = 'x'.repeat(300_000)

/** What differs from run to run. */
interface Variant {
  readonly processes: number
  /** The only process, with the archive to itself: it may believe what it knows for ever. */
  readonly isExclusive: boolean
  readonly isMemoryTight: boolean
  /** Records the log may hold. */
  readonly recordsMax: number
  /** Chance that a call takes time. */
  readonly latency: number
}

function variantOf(random: SeededRandom): Variant {
  const isExclusive = random.chance(0.15)
  return {
    processes: isExclusive ? 1 : random.pick([1, 2, 2, 2, 3]),
    isExclusive,
    isMemoryTight: random.chance(0.25),
    recordsMax: random.pick([10, 1_000_000, 1_000_000]),
    latency: random.pick([0, 0.2, 0.8]),
  }
}

export interface SimulationOutcome {
  readonly acknowledged: number
  readonly crashes: number
}

/**
 * Runs one script.
 *
 * @throws Error naming the seed, which repeats it, and the last events (`SE_HISTORY` of them) before a promise broke
 */
export async function simulate({ seed, steps }: { seed: number; steps: number }): Promise<SimulationOutcome> {
  const simulation = new Simulation(seed)
  const unhandled: unknown[] = []
  const listen = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', listen)
  try {
    await simulation.begin()
    for (let step = 0; step < steps; step++) await simulation.step()
    const outcome = await simulation.end()
    assert.deepEqual(unhandled, [], 'no promise is rejected behind everybody')
    return outcome
  } catch (error) {
    throw new Error(
      `seed ${seed}, after:\n  ${simulation.history.slice(-Number(process.env.SE_HISTORY ?? 25)).join('\n  ')}`,
      { cause: error },
    )
  } finally {
    await simulation.close()
    process.off('unhandledRejection', listen)
  }
}

class Simulation {
  readonly history: string[] = []
  readonly #random: SeededRandom
  readonly #clock: FakeClock = createFakeClock()
  readonly #tiers
  readonly #processes: Process[] = []
  readonly #issued: Issued[] = []
  readonly #snapshots: StripeSnapshot[] = []
  readonly #dead = new Set<Engine>()
  readonly #variant: Variant
  /** Values divisible by 7 are more than the archive takes; until somebody widens the column. */
  #isRefusing = true
  #backup: { readonly archive: MemoryArchiveBackup; readonly issuedBefore: number } | undefined
  /** The first broken promise that was noticed beside the script. */
  #broken: Error | undefined
  #crashes = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#variant = variantOf(this.#random)
    const { isExclusive } = this.#variant
    this.#tiers = createMemoryTiers({ clock: this.#clock, seed, isExclusive })
    this.#note(JSON.stringify(this.#variant))
  }

  async begin(): Promise<void> {
    await this.#tiers.archive.open({ branches: ['user.'], digests: 'keyed' })
    for (let number = 0; number < this.#variant.processes; number++) {
      const process = this.#newProcess(number, createPowerLossFileSystem({ sectorBytes: 4096 }), 0)
      this.#processes.push(process)
      await this.#settle(process.engine.start())
    }
  }

  async step(): Promise<void> {
    const process = this.#random.pick(this.#processes)
    // Some ids are hot, so that what happens to one and the same overlaps.
    const id = this.#random.pick(this.#random.chance(0.6) ? IDS.slice(0, 2) : IDS)
    const dice = this.#random.below(100)
    if (dice < 33) this.#write(process, id)
    else if (dice < 52) await this.#read(process, id)
    else if (dice < 58) await this.#readMany(process)
    else if (dice < 60) await this.#retryParked(process)
    else if (dice < 68) await this.#flush(process)
    else if (dice < 76) await this.#advance()
    else if (dice < 80) await this.#compare(process)
    else if (dice < 90) await this.#disturb(process, id)
    else if (dice < 94) await this.#crash(process)
    else if (dice < 97) await this.#restart(process)
    else if (dice < 98) await this.#backUpOrRestore()
    else if (dice < 99) await this.#sleepThrough(process)
    else await this.#calm()
    if (this.#broken !== undefined) throw this.#broken
  }

  /** Everything answers again, everything is flushed: every copy must prove one and the same state. */
  async end(): Promise<SimulationOutcome> {
    await this.#calm()
    for (const process of this.#processes) {
      await this.#answered(process)
      // A log that has failed takes nothing more; the next start finds out what it holds.
      if (process.isDiskSuspect) await this.#restart(process)
    }
    for (let round = 0; round < 2; round++) {
      for (const process of this.#processes) await this.#settle(process.engine.flush())
    }
    for (const process of this.#processes) {
      const report = await this.#settle(process.engine.verify({ deep: true }))
      assert.ok(report.isTrusted, `process ${process.number}: ${JSON.stringify(report.views)}`)
      const roots = await this.#settle(process.engine.roots())
      assert.ok(roots.agree, `process ${process.number}: roots differ`)
      for (const id of IDS) {
        for (const consistency of ['local', 'shared', 'source'] as const) {
          const item = await this.#settle(process.engine.get(id, { consistency }))
          this.#checkFinal(id, item, `process ${process.number}, ${consistency}`)
          const fast = process.engine.containsFast(id)
          assert.ok(fast !== (item === undefined ? 'present' : 'absent'), `containsFast(${id}) says ${fast}`)
        }
      }
      const { gauges } = process.engine.status()
      assert.equal(gauges.pendingItems, 0)
      assert.equal(gauges.walEntries, 0, 'everything is released once everything is settled')
    }
    return {
      acknowledged: this.#issued.filter(({ stamp }) => stamp !== undefined).length,
      crashes: this.#crashes,
    }
  }

  async close(): Promise<void> {
    for (const { engine, disk } of this.#processes) {
      disk.turnOff()
      if (engine.phase === 'Ready' || engine.phase === 'Failed')
        await this.#settle(engine.stop().catch(() => {}))
    }
  }

  // -------------------------------------------------------------------------------------------------------

  #write(process: Process, id: string): void {
    const isDelete = this.#random.chance(0.25)
    const level: Level = this.#random.pick(['log', 'log', 'log', 'memory', 'archive'])
    const issued: Issued = {
      id,
      value: isDelete ? undefined : this.#issued.length,
      by: process.number,
      level,
      stamp: undefined,
      isVoid: false,
    }
    this.#issued.push(issued)
    this.#note(
      `process ${process.number} ${isDelete ? 'deletes' : `writes ${issued.value} to`} ${id} at ${level}`,
    )
    const { engine } = process
    const isLarge = this.#variant.isMemoryTight && this.#random.chance(0.4)
    const value = isLarge ? { number: issued.value, padding: PADDING } : issued.value
    const call = isDelete ? engine.delete(id, { level }) : engine.submit(id, value, { level })
    const open: Promise<unknown> = call
      .then(
        ({ stamp }) => {
          issued.stamp = stamp
          if (process.engine === engine && !this.#dead.has(engine)) this.#promise(process, issued)
          if (level === 'archive') this.#beside(this.#checkArchived(issued, 'acknowledged at level archive'))
        },
        (error: unknown) => assert.ok(error instanceof StorageError, String(error)),
      )
      .finally(() => process.open.delete(open))
    process.open.add(open)
  }

  #promise(process: Process, issued: Issued): void {
    const before = process.promised.get(issued.id)
    if (isNewer(issued.stamp!, before?.stamp)) process.promised.set(issued.id, issued)
  }

  async #read(process: Process, id: string): Promise<void> {
    const consistency = this.#random.pick(['local', 'shared', 'source'] as const)
    const promised = this.#bound(process, id)
    const fast = process.engine.containsFast(id)
    const { engine } = process
    let item: Item | undefined
    try {
      item = await this.#settle(engine.get(id, { consistency }))
    } catch (error) {
      assert.ok(error instanceof StorageError, String(error))
      return this.#note(`process ${process.number} cannot read ${id}`)
    }
    this.#checkRead(process, id, item, promised, consistency)
    if (fast === 'absent' && promised?.value !== undefined && !this.#isParked(id, promised.stamp!)) {
      assert.ok(this.#isDeletedAfter(id, promised.stamp!), `${id} was denied, and nobody deleted it`)
    }
  }

  async #readMany(process: Process): Promise<void> {
    const ids = Array.from({ length: 1 + this.#random.below(6) }, () => this.#random.pick(IDS))
    const promised = ids.map((id) => this.#bound(process, id))
    let items: readonly (Item | undefined)[]
    try {
      items = await this.#settle(process.engine.getMany(ids))
    } catch (error) {
      assert.ok(error instanceof StorageError, String(error))
      return this.#note(`process ${process.number} cannot read ${ids.length} ids`)
    }
    assert.equal(items.length, ids.length)
    for (const [index, id] of ids.entries()) {
      this.#checkRead(process, id, items[index], promised[index], 'many')
    }
  }

  /** What this process was promised of an id, unless the archive has refused it. */
  #bound(process: Process, id: string): Issued | undefined {
    const promised = process.promised.get(id)
    return promised === undefined || this.#isParked(id, promised.stamp!) ? undefined : promised
  }

  /**
   * Whether this very write has been set aside, by whichever process; or, at level `memory`, one that had taken its
   * place before it was sent: no log knows the older one.
   */
  #isParked(id: string, stamp: Stamp): boolean {
    const isMemoryLevel = this.#issued.some(
      (issued) =>
        issued.id === id &&
        issued.level === 'memory' &&
        issued.stamp !== undefined &&
        compareStamps(issued.stamp, stamp) === 0,
    )
    return this.#processes.some((process) => {
      const { phase } = process.engine
      if (phase === 'Ready' || phase === 'Failed') process.parked = process.engine.parked()
      return process.parked.some((parked) => {
        const order = parked.id === id ? compareStamps(parked.stamp, stamp) : -1
        return order === 0 || (isMemoryLevel && order > 0)
      })
    })
  }

  #checkRead(
    process: Process,
    id: string,
    item: Item | undefined,
    bound: Issued | undefined,
    how: string,
  ): void {
    const read = item === undefined ? 'absent' : numberOf(item)
    this.#note(`process ${process.number} reads ${id} (${how}): ${read}`)
    // It may have been set aside while it was read.
    const promised = bound !== undefined && this.#isParked(id, bound.stamp!) ? undefined : bound
    if (item !== undefined) {
      assert.ok(
        this.#issued.some((issued) => issued.id === id && issued.value === read),
        `${id} has a value nobody wrote`,
      )
      assert.ok(
        promised === undefined || compareStamps(item.stamp, promised.stamp!) >= 0,
        `${id} is older than what this process was promised`,
      )
    } else if (promised?.value !== undefined) {
      assert.ok(this.#isDeletedAfter(id, promised.stamp!), `${id} is absent, and nobody deleted it`)
    }
  }

  /** Whether a delete was issued that may be newer than the stamp. */
  #isDeletedAfter(id: string, stamp: Stamp): boolean {
    return this.#issued.some(
      (issued) =>
        issued.id === id &&
        issued.value === undefined &&
        (issued.stamp === undefined || compareStamps(issued.stamp, stamp) > 0),
    )
  }

  async #flush(process: Process): Promise<void> {
    const promised = [...process.promised.values()]
    const outcome = await this.#settle(process.engine.flush().then(() => 'flushes', failure))
    this.#note(`process ${process.number} ${outcome}`)
    if (outcome !== 'flushes') return
    for (const issued of promised) await this.#checkArchived(issued, 'flushed')
  }

  /** The archive holds it, or something newer; or it was set aside. */
  async #checkArchived(issued: Issued, why: string): Promise<void> {
    const lookup: Lookup = await this.#tiers.archive.get(issued.id)
    const { id, value } = issued
    if (issued.isVoid || this.#isParked(id, issued.stamp!)) return
    if (lookup.kind === 'found') {
      assert.ok(
        compareStamps(lookup.item.stamp, issued.stamp!) >= 0,
        `${id} was ${why}, the archive has older`,
      )
    } else if (value !== undefined) {
      assert.ok(this.#isDeletedAfter(id, issued.stamp!), `${id} was ${why}, the archive does not have it`)
    }
  }

  #beside(check: Promise<void>): void {
    check.catch((error: Error) => (this.#broken ??= error))
  }

  async #retryParked(process: Process): Promise<void> {
    const [parked] = process.engine.parked()
    if (parked === undefined) return
    if (this.#random.chance(0.5)) this.#isRefusing = !this.#isRefusing
    // It waits for the archive, however long that takes.
    const retried: Promise<unknown> = process.engine
      .retryParked(parked.id)
      .then(String, failure)
      .then((outcome) => this.#note(`process ${process.number} has retried ${parked.id}: ${outcome}`))
      .finally(() => process.open.delete(retried))
    process.open.add(retried)
    this.#note(`process ${process.number} retries ${parked.id}, refusing ${this.#isRefusing}`)
  }

  /** A backup is taken while everything is in the archive, or the archive is put back to one [P65]. */
  async #backUpOrRestore(): Promise<void> {
    await this.#calm()
    for (const process of this.#processes) {
      await this.#answered(process)
      const outcome = await this.#settle(process.engine.flush().then(() => 'flushes', failure))
      if (outcome !== 'flushes') return
    }
    if (this.#backup === undefined) {
      if (this.#processes.some(({ engine }) => engine.parked().length > 0)) return
      this.#note('the archive is backed up')
      this.#backup = { archive: this.#tiers.archive.backup(), issuedBefore: this.#issued.length }
      return
    }
    const { archive, issuedBefore } = this.#backup
    this.#backup = undefined
    for (const process of this.#processes) await this.#settle(process.engine.stop())
    this.#note('the archive goes back to its backup')
    this.#tiers.archive.restoreTo(archive)
    for (const issued of this.#issued.slice(issuedBefore)) issued.isVoid = true
    for (const process of this.#processes) process.promised.clear()
    for (const process of this.#processes) await this.#come(process, process.disk)
  }

  async #advance(): Promise<void> {
    const ms = this.#random.pick([1, 20, 120, 300, 900])
    this.#note(`${ms} ms pass`)
    await pass(this.#clock, ms)
  }

  /** Within Δ of a flush every other process reads at least that [R5]. */
  async #compare(writer: Process): Promise<void> {
    const flushed = [...writer.promised.values()]
    const outcome = await this.#settle(writer.engine.flush().then(() => 'flushes and others look', failure))
    this.#note(`process ${writer.number} ${outcome}`)
    if (outcome !== 'flushes and others look') return
    await pass(this.#clock, STALENESS_MS + 10)
    for (const reader of this.#processes) {
      // Cut off from the archive it hears of nothing, and still reads its own pending writes.
      if (!reader.isReachable) continue
      for (const { id, stamp, value } of flushed) {
        let item: Item | undefined
        try {
          item = await this.#settle(reader.engine.get(id))
        } catch (error) {
          assert.ok(error instanceof StorageError, String(error))
          continue
        }
        if (this.#isParked(id, stamp!)) continue
        // Nor can it hear while its breaker is still open.
        if (!reader.engine.status().isFresh && item?.version === undefined) continue
        if (item !== undefined) {
          assert.ok(
            compareStamps(item.stamp, stamp!) >= 0,
            `process ${reader.number} reads ${id} older than what was flushed Δ ago`,
          )
        } else if (value !== undefined) {
          assert.ok(
            this.#isDeletedAfter(id, stamp!),
            `process ${reader.number} does not see ${id}, flushed Δ ago`,
          )
        }
      }
    }
  }

  async #disturb(process: Process, id: string): Promise<void> {
    const { cache } = this.#tiers
    const stripe = stripeOfId(id)
    const disturbances: [string, () => void | Promise<void>][] = [
      ['the next commit fails', () => process.connection.failNext('putBatch', 'before')],
      ["the next commit's answer is lost", () => process.connection.failNext('putBatch', 'after-commit')],
      ['the archive is out of reach', () => this.#reach(process, false)],
      ['the archive is in reach', () => this.#reach(process, true)],
      ['the cache is down', () => cache.setAvailable(false)],
      ['the cache is up', () => cache.setAvailable(true)],
      [`the cache evicts ${id}`, () => cache.evict(id)],
      [`the cache loses the meta of stripe ${stripe}`, () => cache.dropMeta(stripe)],
      ['the cache loses everything', () => cache.clear()],
      [`stripe ${stripe} is dumped`, () => void this.#snapshots.push(cache.snapshot(stripe))],
      [`stripe ${stripe} is dumped`, () => void this.#snapshots.push(cache.snapshot(stripe))],
      ['a stripe of the cache goes back while all run', () => this.#setStripeBack()],
      ['its wall clock jumps', () => this.#skew(process)],
      ['its disk fails to sync once', () => this.#failDisk(process)],
      ['tombstones are collected, the ledger is pruned', () => this.#collect()],
    ]
    const [what, disturb] = this.#random.pick(disturbances)
    this.#note(`process ${process.number}: ${what}`)
    await disturb()
  }

  /** Within Δ a read may get what was set back; afterwards nobody may remember it. */
  async #setStripeBack(): Promise<void> {
    const snapshot = this.#snapshots.pop()
    if (snapshot === undefined) return
    this.#tiers.cache.restore(snapshot)
    for (const { engine } of this.#processes) {
      const consistency = this.#random.pick(['local', 'shared'] as const)
      for (const id of IDS) void engine.get(id, { consistency }).catch(() => {})
    }
    // What a slow call of the cache holds up comes on top.
    await pass(this.#clock, 2 * STALENESS_MS + 6 * LATENCY_MS_MAX)
  }

  #skew(process: Process): void {
    process.skewMs = this.#random.below(2 * SKEW_MS_MAX + 1) - SKEW_MS_MAX
  }

  #failDisk(process: Process): void {
    const { disk } = process
    process.isDiskSuspect = true
    disk.onCall = ({ operation, path }) => {
      if (operation !== 'syncData' || !path.endsWith('.wal')) return undefined
      disk.onCall = undefined
      return { code: 'EIO' }
    }
  }

  /** A process is cut off, and what the others write meanwhile is no longer in the ledger when it is back [P63]. */
  async #sleepThrough(sleeper: Process): Promise<void> {
    const others = this.#processes.filter((process) => process !== sleeper)
    if (others.length === 0) return
    this.#note(`process ${sleeper.number} is cut off, and sleeps through a pruned ledger`)
    this.#reach(sleeper, false)
    for (const process of others) {
      this.#reach(process, true)
      for (const id of IDS.slice(0, 3)) this.#write(process, id)
    }
    await pass(this.#clock, 3_000)
    const { archive } = this.#tiers
    await archive.foldTree()
    await archive.pruneLedger(this.#clock.nowMs())
    this.#reach(sleeper, true)
    // Its breaker opens for a second at a time.
    await pass(this.#clock, 5_000)
    await this.#compare(others[0]!)
  }

  async #collect(): Promise<void> {
    const { archive } = this.#tiers
    const beforeMs = this.#clock.nowMs() - this.#random.pick([1_000, 3_000, 10_000])
    await archive.foldTree()
    await archive.pruneLedger(beforeMs)
    await archive.collectTombstones(beforeMs)
  }

  /** The process is killed, or the power is cut; a new one starts on what its disk has. */
  async #crash(process: Process): Promise<void> {
    const isPowerCut = this.#random.chance(0.5)
    this.#crashes++
    this.#note(`process ${process.number} ${isPowerCut ? 'loses power' : 'is killed'}`)
    const disk = isPowerCut
      ? process.disk.afterPowerCut((options) => this.#random.below(options))
      : process.disk.afterKill()
    process.disk.turnOff()
    // What it was asked and had not answered stays unanswered; its connection is gone with it.
    process.connection.setAvailable(false)
    this.#dead.add(process.engine)
    void process.engine.stop().catch(() => {})
    // Its process lives, as all of them are one; so nobody would take its lock for a dead one's.
    for (const name of await disk.list(DIRECTORY).catch(() => [])) {
      if (name.endsWith('.lock')) await disk.remove(`${DIRECTORY}/${name}`)
    }
    this.#forgetMemoryLevel(process)
    await this.#come(process, disk)
  }

  #forgetMemoryLevel({ promised }: Process): void {
    for (const [id, { level }] of promised) if (level === 'memory') promised.delete(id)
  }

  async #restart(process: Process): Promise<void> {
    this.#reach(process, true)
    await this.#answered(process)
    // What it holds in memory alone cannot be saved by a log that has failed.
    if (process.isDiskSuspect) this.#forgetMemoryLevel(process)
    const report = await this.#settle(process.engine.stop())
    this.#note(`process ${process.number} stops, ${report.itemsLeftInLog} left in its log`)
    await this.#come(process, process.disk)
  }

  /** A process starts on a disk, sometimes after the cache came back older. */
  async #come(process: Process, disk: PowerLossFileSystem): Promise<void> {
    const snapshot = this.#random.chance(0.3) ? this.#snapshots.pop() : undefined
    if (snapshot !== undefined) {
      this.#note(`stripe ${snapshot.stripe} comes back as it was`)
      this.#tiers.cache.restore(snapshot)
      // Others notice within Δ, which is all they are promised of a cache that was set back.
      await pass(this.#clock, 2 * STALENESS_MS + 6 * LATENCY_MS_MAX)
    }
    disk.onCall = undefined
    const next = this.#newProcess(process.number, disk, process.skewMs)
    process.open.clear()
    Object.assign(process, {
      engine: next.engine,
      disk: next.disk,
      connection: next.connection,
      isReachable: true,
      isDiskSuspect: false,
    })
    await this.#settle(process.engine.start())
    this.#note(`process ${process.number} has started`)
  }

  #reach(process: Process, isReachable: boolean): void {
    process.isReachable = isReachable
    process.connection.setAvailable(isReachable)
  }

  async #calm(): Promise<void> {
    this.#note('everything answers again')
    this.#tiers.cache.setAvailable(true)
    for (const process of this.#processes) this.#reach(process, true)
    await pass(this.#clock, 7_000)
  }

  async #answered(process: Process): Promise<void> {
    await this.#settle(Promise.all([...process.open]))
  }

  #checkFinal(id: string, item: Item | undefined, where: string): void {
    const writes = this.#issued.filter((issued) => issued.id === id)
    const newest = writes
      .filter(
        ({ level, stamp, isVoid }) =>
          level !== 'memory' && stamp !== undefined && !isVoid && !this.#isParked(id, stamp),
      )
      .reduce<Issued | undefined>(
        (best, issued) => (isNewer(issued.stamp!, best?.stamp) ? issued : best),
        undefined,
      )
    if (item === undefined) {
      if (newest?.value === undefined) return
      assert.ok(
        this.#isDeletedAfter(id, newest.stamp!),
        `${where}: ${id} is lost; ${newest.value} was acknowledged`,
      )
      return
    }
    const written = writes.find(({ value }) => value === numberOf(item))
    assert.ok(written !== undefined, `${where}: ${id} has a value nobody wrote`)
    if (written.stamp !== undefined)
      assert.equal(compareStamps(written.stamp, item.stamp), 0, `${where}: stamp of ${id}`)
    assert.ok(
      newest === undefined || compareStamps(item.stamp, newest.stamp!) >= 0,
      `${where}: ${id} is ${String(numberOf(item))}, ${String(newest?.value)} was acknowledged later`,
    )
  }

  #newProcess(number: number, disk: PowerLossFileSystem, skewMs: number): Process {
    const { isMemoryTight, recordsMax } = this.#variant
    const connection = this.#tiers.archive.peer()
    const putBatch = connection.putBatch.bind(connection)
    connection.putBatch = async (batch) => {
      // What was committed before is not refused afterwards.
      const { cut } = await connection.readHeads()
      const isCommitted = sequenceAt(cut, batch.claim.instance) >= batch.sequence
      if (this.#isRefusing && !isCommitted && batch.writes.some(({ bytes }) => isTooMuch(bytes))) {
        throw new ArchiveRefusedData('the simulated column is too narrow')
      }
      return putBatch(batch)
    }
    const clock: Clock = {
      nowMs: () => this.#clock.nowMs() + (this.#processes[number]?.skewMs ?? skewMs),
      monotonicMs: () => this.#clock.monotonicMs(),
      setTimer: (delayMs, callback) => this.#clock.setTimer(delayMs, callback),
      setBackgroundTimer: (delayMs, callback) => this.#clock.setBackgroundTimer(delayMs, callback),
    }
    const pause = (): Promise<void> => this.#pause()
    const engine = createEngine({
      log: {
        directory: DIRECTORY,
        limits: isMemoryTight
          ? { segmentBytes: 512 * 1024, bytesMax: 4 * 1024 * 1024, recordsMax }
          : { segmentBytes: 64 * 1024, bytesMax: 1024 * 1024, recordsMax },
      },
      archive: withLatency(connection, pause),
      cache: withLatency(this.#tiers.cache.connect(), pause),
      branches: ['user.'],
      memory: { bytesMax: 1024 * 1024 },
      stalenessMs: STALENESS_MS,
      clock,
      random: this.#random,
      fileSystem: disk,
    })
    const fresh = {
      isReachable: true,
      parked: [],
      isDiskSuspect: false,
      skewMs,
      promised: new Map(),
      open: new Set(),
    }
    return { number, engine, disk, connection, ...fresh } as Process
  }

  async #pause(): Promise<void> {
    if (!this.#random.chance(this.#variant.latency)) return
    const ms = this.#random.below(this.#random.chance(0.1) ? LATENCY_MS_MAX : 30)
    await new Promise<void>((resolve) => void this.#clock.setTimer(ms, resolve))
  }

  /** Lets time pass until the promise is settled: retries and timeouts need it. */
  #settle<T>(promise: Promise<T>): Promise<T> {
    return settleOn(this.#clock, promise)
  }

  #note(event: string): void {
    this.history.push(event)
  }
}

function failure(error: unknown): string {
  assert.ok(error instanceof StorageError, String(error))
  return `fails to flush: ${error.code}`
}

/** The number that was written, whether or not it was padded. */
function numberOf(item: Item): unknown {
  const { value } = item
  return typeof value === 'object' && value !== null ? (value as { number: unknown }).number : value
}

/** Whether the archive, while its column is narrow, refuses the value. */
function isTooMuch(bytes: Uint8Array | undefined): boolean {
  const number = Number(/\d+/.exec(Buffer.from(bytes?.subarray(0, 30) ?? []).toString())?.[0] ?? 1)
  return number % 7 === 0
}

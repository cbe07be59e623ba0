import assert from 'node:assert/strict'
import { compareStamps, isNewer, StorageError, type Stamp } from '@se/core'
import { stripeOfId } from '@se/core/hash'
import {
  createFakeClock,
  createPowerLossFileSystem,
  seededRandom,
  type FakeClock,
  type MemoryArchive,
  type PowerLossFileSystem,
  type SeededRandom,
  type StripeSnapshot,
} from '@se/core/testing'
import { createEngine, type Engine, type Item, type Level } from '../src/index.ts'
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
}

/** One process: its engine, its disk and its connection. */
interface Process {
  readonly number: number
  engine: Engine
  disk: PowerLossFileSystem
  connection: MemoryArchive
  isReachable: boolean
  /** Newest acknowledged stamp by id of this process since it started, at any level. */
  readonly promised: Map<string, Issued>
  /** Writes not answered yet. */
  readonly open: Set<Promise<unknown>>
}

const IDS = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? `user.${index}` : `item.${index}`))
const DIRECTORY = 'log'
/** Δ of the simulated engines, ms. */
const STALENESS_MS = 500

export interface SimulationOutcome {
  readonly acknowledged: number
  readonly crashes: number
}

/** Runs one script. @throws AssertionError at the first broken promise; the seed repeats it */
export async function simulate({ seed, steps }: { seed: number; steps: number }): Promise<SimulationOutcome> {
  const simulation = new Simulation(seed)
  try {
    await simulation.begin()
    for (let step = 0; step < steps; step++) await simulation.step()
    return await simulation.end()
  } catch (error) {
    throw new Error(`seed ${seed}, after:\n  ${simulation.history.slice(-25).join('\n  ')}`, { cause: error })
  } finally {
    await simulation.close()
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
  #crashes = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#tiers = createMemoryTiers({ clock: this.#clock, seed })
  }

  async begin(): Promise<void> {
    await this.#tiers.archive.open({ branches: ['user.'], digests: 'keyed' })
    for (let number = 0; number < 2; number++) {
      const process = this.#newProcess(number, createPowerLossFileSystem())
      this.#processes.push(process)
      await this.#settle(process.engine.start())
    }
  }

  async step(): Promise<void> {
    const process = this.#random.pick(this.#processes)
    const id = this.#random.pick(IDS)
    const dice = this.#random.below(100)
    if (dice < 35) this.#write(process, id)
    else if (dice < 60) await this.#read(process, id)
    else if (dice < 68) await this.#flush(process)
    else if (dice < 76) await this.#advance()
    else if (dice < 80) await this.#compare(process)
    else if (dice < 90) this.#disturb(process, id)
    else if (dice < 94) await this.#crash(process)
    else if (dice < 97) await this.#restart(process)
    else await this.#calm()
  }

  /** Everything answers again, everything is flushed: every copy must prove one and the same state. */
  async end(): Promise<SimulationOutcome> {
    await this.#calm()
    for (const process of this.#processes) await this.#answered(process)
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
    }
    this.#issued.push(issued)
    this.#note(
      `process ${process.number} ${isDelete ? 'deletes' : `writes ${issued.value} to`} ${id} at ${level}`,
    )
    const { engine } = process
    const call = isDelete ? engine.delete(id, { level }) : engine.submit(id, issued.value, { level })
    const open: Promise<unknown> = call
      .then(
        ({ stamp }) => {
          issued.stamp = stamp
          if (process.engine === engine && !this.#dead.has(engine)) this.#promise(process, issued)
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
    const promised = process.promised.get(id)
    const fast = process.engine.containsFast(id)
    const { engine } = process
    let item: Item | undefined
    try {
      item = await this.#settle(engine.get(id, { consistency }))
    } catch (error) {
      assert.ok(error instanceof StorageError, String(error))
      return this.#note(`process ${process.number} cannot read ${id}`)
    }
    this.#note(
      `process ${process.number} reads ${id} (${consistency}): ${item === undefined ? 'absent' : item.value}`,
    )
    if (item !== undefined) {
      assert.ok(
        this.#issued.some((issued) => issued.id === id && issued.value === item.value),
        `${id} has a value nobody wrote`,
      )
      assert.ok(
        promised === undefined || compareStamps(item.stamp, promised.stamp!) >= 0,
        `${id} is older than what this process was promised`,
      )
    } else if (promised?.value !== undefined) {
      assert.ok(this.#isDeletedAfter(id, promised.stamp!), `${id} is absent, and nobody deleted it`)
    }
    if (fast === 'absent' && promised?.value !== undefined) {
      assert.ok(this.#isDeletedAfter(id, promised.stamp!), `${id} was denied, and nobody deleted it`)
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
    const outcome = await this.#settle(process.engine.flush().then(() => 'flushes', failure))
    this.#note(`process ${process.number} ${outcome}`)
  }

  async #advance(): Promise<void> {
    const ms = this.#random.pick([1, 20, 120, 300, 900])
    this.#note(`${ms} ms pass`)
    await this.#clock.advance(ms)
  }

  /** Within Δ of a flush every other process reads at least that [R5]. */
  async #compare(writer: Process): Promise<void> {
    const flushed = [...writer.promised.values()]
    const outcome = await this.#settle(writer.engine.flush().then(() => 'flushes and others look', failure))
    this.#note(`process ${writer.number} ${outcome}`)
    if (outcome !== 'flushes and others look') return
    await this.#clock.advance(STALENESS_MS + 10)
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

  #disturb(process: Process, id: string): void {
    const { cache } = this.#tiers
    const stripe = stripeOfId(id)
    const disturbances: [string, () => void][] = [
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
    ]
    const [what, disturb] = this.#random.pick(disturbances)
    this.#note(`process ${process.number}: ${what}`)
    disturb()
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
    await disk.remove(`${DIRECTORY}/log.lock`).catch(() => {})
    for (const [id, issued] of process.promised) if (issued.level === 'memory') process.promised.delete(id)
    await this.#come(process, disk)
  }

  async #restart(process: Process): Promise<void> {
    this.#reach(process, true)
    await this.#answered(process)
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
      await this.#clock.advance(STALENESS_MS + 10)
    }
    const next = this.#newProcess(process.number, disk)
    process.open.clear()
    Object.assign(process, {
      engine: next.engine,
      disk: next.disk,
      connection: next.connection,
      isReachable: true,
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
    await this.#clock.advance(7_000)
  }

  async #answered(process: Process): Promise<void> {
    await this.#settle(Promise.all([...process.open]))
  }

  #checkFinal(id: string, item: Item | undefined, where: string): void {
    const writes = this.#issued.filter((issued) => issued.id === id)
    const newest = writes
      .filter(({ level, stamp }) => level !== 'memory' && stamp !== undefined)
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
    const written = writes.find(({ value }) => value === item.value)
    assert.ok(written !== undefined, `${where}: ${id} has a value nobody wrote`)
    if (written.stamp !== undefined)
      assert.equal(compareStamps(written.stamp, item.stamp), 0, `${where}: stamp of ${id}`)
    assert.ok(
      newest === undefined || compareStamps(item.stamp, newest.stamp!) >= 0,
      `${where}: ${id} is ${String(item.value)}, ${String(newest?.value)} was acknowledged later`,
    )
  }

  #newProcess(number: number, disk: PowerLossFileSystem): Process {
    const connection = this.#tiers.archive.peer()
    const engine = createEngine({
      log: { directory: DIRECTORY, limits: { segmentBytes: 64 * 1024, bytesMax: 1024 * 1024 } },
      archive: connection,
      cache: this.#tiers.cache.connect(),
      branches: ['user.'],
      memory: { bytesMax: 1024 * 1024 },
      stalenessMs: STALENESS_MS,
      clock: this.#clock,
      random: this.#random,
      fileSystem: disk,
    })
    return { number, engine, disk, connection, isReachable: true, promised: new Map(), open: new Set() }
  }

  /** Lets time pass until the promise is settled: retries and timeouts need it. */
  async #settle<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settled = promise.finally(() => (isSettled = true))
    settled.catch(() => {})
    for (let turn = 0; !isSettled; turn++) {
      assert.ok(turn < 20_000, 'nothing hangs')
      await new Promise((resolve) => setImmediate(resolve))
      if (!isSettled && turn % 4 === 3) await this.#clock.advance(turn < 400 ? 5 : 100)
    }
    return settled
  }

  #note(event: string): void {
    this.history.push(event)
  }
}

function failure(error: unknown): string {
  assert.ok(error instanceof StorageError, String(error))
  return `fails to flush: ${error.code}`
}

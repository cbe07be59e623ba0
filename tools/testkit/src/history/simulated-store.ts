import { isNewer, newerStamp, type Stamp } from '@se/core'
import type { SeededRandom } from '@se/core/testing'
import type { Answer, Call, History, Level, Life, Operation, ReadItem } from './operation.ts'

/** A write as a process or the archive keeps it; `value` is `undefined` for a delete. */
interface Stored {
  readonly stamp: Stamp
  readonly value: string | undefined
}

/** What a read knew when it began. */
interface Begin {
  readonly beganUs: number
  readonly isDeaf: boolean
}

interface Worker {
  readonly worker: number
  life: number
  isAlive: boolean
  calls: number
  /** Newest acknowledged write by id, whether it is in the archive by now or not. */
  own: Map<string, Stored>
  /** Acknowledged writes that are not in the archive. */
  pending: Map<string, Stored>
  /** Until then it cannot hear of others, µs. */
  deafUntilUs: number
}

export interface SimulationOptions {
  readonly random: SeededRandom
  readonly workers?: number
  readonly ids?: readonly string[]
  /** Of the calls, those of the end not counted. */
  readonly calls: number
  readonly stalenessMs?: number
}

const CALL_PAUSE_US = 12_000
const CALL_US_MAX = 60_000

/**
 * The history of a store that keeps every promise, and uses all the freedom it has: reads are as old as they may be, deaf
 * processes answer with their own, processes are killed with calls under way, writes fail and happen all the same.
 */
export function simulateHistory(options: SimulationOptions): History {
  return new SimulatedStore(options).run()
}

class SimulatedStore {
  readonly #random: SeededRandom
  readonly #ids: readonly string[]
  readonly #stalenessUs: number
  readonly #workers: Worker[]
  readonly #operations: Operation[] = []
  readonly #lives: Life[] = []
  /** By id: what the archive held, since when, oldest first; each is newer than the one before. */
  readonly #archive = new Map<string, { readonly atUs: number; readonly stored: Stored }[]>()
  /** By worker: what its next process knows, by its log or by the archive. */
  readonly #safe = new Map<number, Map<string, Stored>>()
  /** What happens later, by time. */
  #agenda: { readonly atUs: number; readonly run: () => void }[] = []
  #nowUs = 1_000_000
  #stampTime = 1
  #callsLeft: number

  constructor(options: SimulationOptions) {
    const { random, workers = 3, ids = ['a', 'b'], calls, stalenessMs = 500 } = options
    this.#random = random
    this.#ids = ids
    this.#stalenessUs = stalenessMs * 1000
    this.#callsLeft = calls
    this.#workers = Array.from({ length: workers }, (_, worker) => ({
      worker,
      life: 0,
      isAlive: true,
      calls: 0,
      own: new Map(),
      pending: new Map(),
      deafUntilUs: 0,
    }))
  }

  run(): History {
    const random = this.#random
    this.#later(0, () => this.#act())
    this.#runAgenda()
    for (const worker of this.#workers) {
      if (!worker.isAlive) this.#start(worker)
      worker.deafUntilUs = 0
      this.#begin(worker, { kind: 'flush' })
    }
    this.#runAgenda()
    const settledUs = this.#nowUs
    this.#nowUs += this.#stalenessUs + 1
    for (const worker of this.#workers) {
      for (const id of this.#ids) {
        this.#begin(worker, { kind: 'get', id, consistency: random.pick(['local', 'shared', 'source']) })
      }
    }
    this.#runAgenda()
    return { operations: this.#operations, lives: this.#lives, settledUs }
  }

  #act(): void {
    const random = this.#random
    const worker = random.pick(this.#workers)
    const lot = random.below(100)
    if (!worker.isAlive) this.#start(worker)
    else if (lot === 0) this.#kill(worker)
    else if (lot === 1) worker.deafUntilUs = this.#nowUs + random.below(2_000_000)
    else this.#begin(worker, this.#nextCall(worker))
    this.#callsLeft--
    if (this.#callsLeft > 0) this.#later(random.below(CALL_PAUSE_US), () => this.#act())
  }

  #nextCall(worker: Worker): Call {
    const random = this.#random
    const id = random.pick(this.#ids)
    const level: Level = random.pick(['memory', 'log', 'archive'])
    const value = `${worker.worker}.${worker.life}.${worker.calls}`
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        return { kind: 'submit', id, level, value }
      case 3:
        return { kind: 'delete', id, level }
      case 4:
        return { kind: 'flush' }
      case 5:
        return { kind: 'getMany', ids: this.#ids }
      case 6:
        return { kind: 'containsFast', id }
      default:
        return { kind: 'get', id, consistency: random.pick(['local', 'shared', 'source']) }
    }
  }

  /** Draws when the call has its effect and when its answer comes; a kill in between leaves it unanswered. */
  #begin(worker: Worker, call: Call): void {
    const random = this.#random
    const { life } = worker
    const number = worker.calls++
    const beganUs = this.#nowUs
    const isDeaf = this.#isDeaf(worker)
    const operation: Operation = {
      worker: worker.worker,
      life,
      number,
      call,
      beganUs,
      ...(isDeaf ? { isDeaf } : {}),
    }
    const index = this.#operations.push(operation) - 1
    const stamp = this.#nextStamp(worker)
    const isSame = () => worker.isAlive && worker.life === life
    const effectUs = call.kind === 'containsFast' ? 0 : random.below(CALL_US_MAX)
    const answerUs = effectUs + (call.kind === 'containsFast' ? 0 : random.below(CALL_US_MAX))
    let answer: Answer = { kind: 'failed', code: 'SE_TIER_UNAVAILABLE' }
    this.#later(effectUs, () => {
      if (isSame()) answer = this.#perform(worker, call, stamp, { beganUs, isDeaf })
    })
    this.#later(answerUs, () => {
      if (isSame()) this.#operations[index] = { ...operation, endedUs: this.#nowUs, answer }
    })
  }

  #perform(worker: Worker, call: Call, stamp: Stamp, begin: Begin): Answer {
    const random = this.#random
    switch (call.kind) {
      case 'submit':
      case 'delete': {
        if (random.chance(0.02)) return { kind: 'refused', code: 'SE_BACKPRESSURE' }
        const stored = { stamp, value: call.kind === 'submit' ? call.value : undefined }
        return this.#write(worker, call.id, stored, call.level)
      }
      case 'flush':
        if (this.#isDeaf(worker)) return { kind: 'failed', code: 'SE_TIER_UNAVAILABLE' }
        for (const [id, stored] of worker.pending) this.#commit(id, stored)
        worker.pending.clear()
        return { kind: 'flushed' }
      case 'get': {
        const isSource = call.consistency === 'source'
        if (isSource && begin.isDeaf) return { kind: 'failed', code: 'SE_TIER_UNAVAILABLE' }
        return { kind: 'items', items: [itemOf(this.#read(worker, call.id, isSource, begin))] }
      }
      case 'getMany':
        return {
          kind: 'items',
          items: call.ids.map((id) => itemOf(this.#read(worker, id, false, begin))),
        }
      case 'containsFast': {
        if (random.chance(0.2)) return { kind: 'said', presence: random.pick(['maybe', 'unknown']) }
        const isThere = this.#read(worker, call.id, false, begin)?.value !== undefined
        return { kind: 'said', presence: isThere ? 'present' : 'absent' }
      }
    }
  }

  #write(worker: Worker, id: string, stored: Stored, level: Level): Answer {
    const { stamp } = stored
    if (level === 'archive') {
      if (this.#isDeaf(worker)) {
        // Nobody knows whether it arrived, or when it will.
        this.#later(this.#random.below(3_000_000), () => this.#random.chance(0.5) && this.#commit(id, stored))
        return { kind: 'failed', code: 'SE_TIER_UNAVAILABLE' }
      }
      const supersededBy = this.#commit(id, stored)
      const newest = supersededBy ?? stored
      this.#keep(worker.own, id, newest)
      this.#keep(this.#safeOf(worker), id, newest)
      return {
        kind: 'acknowledged',
        stamp,
        ...(supersededBy === undefined ? {} : { supersededBy: supersededBy.stamp }),
      }
    }
    this.#keep(worker.own, id, stored)
    this.#keep(worker.pending, id, stored)
    // Also what a later write at level `memory` takes the place of.
    if (level === 'log') this.#keep(this.#safeOf(worker), id, stored)
    return { kind: 'acknowledged', stamp }
  }

  #safeOf({ worker }: Worker): Map<string, Stored> {
    let safe = this.#safe.get(worker)
    if (safe === undefined) this.#safe.set(worker, (safe = new Map()))
    return safe
  }

  /** What a read that began then may give: as old as Δ where it is not `source`, but never older than one's own. */
  #read(worker: Worker, id: string, isSource: boolean, { beganUs, isDeaf }: Begin): Stored | undefined {
    const own = worker.own.get(id)
    const isPending = own !== undefined && worker.pending.get(id) === own
    if (isDeaf && !isSource && isPending) return own
    const oldestUs = isSource ? beganUs : beganUs - this.#stalenessUs
    const asOfUs = oldestUs + this.#random.below(Math.floor(this.#nowUs - oldestUs) + 1)
    return newer(this.#archive.get(id)?.findLast(({ atUs }) => atUs <= asOfUs)?.stored, own)
  }

  /** @returns what was there, if it is newer */
  #commit(id: string, stored: Stored): Stored | undefined {
    let states = this.#archive.get(id)
    if (states === undefined) this.#archive.set(id, (states = []))
    const last = states.at(-1)?.stored
    if (last !== undefined && isNewer(last.stamp, stored.stamp)) return last
    states.push({ atUs: this.#nowUs, stored })
    return undefined
  }

  #kill(worker: Worker): void {
    worker.isAlive = false
    this.#lives.push({ worker: worker.worker, life: worker.life, endedUs: this.#nowUs })
  }

  #start(worker: Worker): void {
    worker.life++
    worker.calls = 0
    worker.isAlive = true
    worker.own = new Map(this.#safeOf(worker))
    // What superseded an own write is known, but not this worker's to flush.
    worker.pending = new Map(
      [...worker.own].filter(([, { stamp }]) => stamp.instance === this.#instanceOf(worker)),
    )
  }

  #keep(map: Map<string, Stored>, id: string, stored: Stored): void {
    const before = map.get(id)
    if (before === undefined || isNewer(stored.stamp, before.stamp)) map.set(id, stored)
  }

  #isDeaf(worker: Worker): boolean {
    return worker.deafUntilUs > this.#nowUs
  }

  #nextStamp(worker: Worker): Stamp {
    return { time: this.#stampTime++, instance: this.#instanceOf(worker) }
  }

  #instanceOf({ worker }: Pick<Worker, 'worker'>): number {
    return worker + 1
  }

  #later(afterUs: number, run: () => void): void {
    this.#agenda.push({ atUs: this.#nowUs + afterUs, run })
  }

  #runAgenda(): void {
    while (this.#agenda.length > 0) {
      let next = 0
      for (const [index, { atUs }] of this.#agenda.entries())
        if (atUs < this.#agenda[next]!.atUs) next = index
      const { atUs, run } = this.#agenda.splice(next, 1)[0]!
      this.#nowUs = Math.max(this.#nowUs + 1, atUs)
      run()
    }
  }
}

function itemOf(stored: Stored | undefined): ReadItem | null {
  return stored?.value === undefined ? null : { value: stored.value, stamp: stored.stamp }
}

function newer(a: Stored | undefined, b: Stored | undefined): Stored | undefined {
  return newerStamp(a?.stamp, b?.stamp) === a?.stamp ? a : b
}

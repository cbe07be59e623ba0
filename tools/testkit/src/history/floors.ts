import type { Stamp } from '@se/core'
import type { History, Operation, ReadItem } from './operation.ts'
import { RisingFloor, type Mark } from './rising-floor.ts'
import { stampHeard, type Write, type Writes } from './writes.ts'

/** A mark of a worker that may hold for its later lives too. */
interface OwnMark extends Mark {
  readonly life: number
  /** Safe at level `log` or `archive`: the next process on this log directory has it. */
  readonly isDurable: boolean
}

/**
 * What may not be forgotten, by id: by a worker what it acknowledged itself (rule 1), by everybody what is known to be
 * committed (rules 2 and 3).
 */
export class Floors {
  readonly #own = new Map<string, OwnMark[]>()
  readonly #ownOfLife = new Map<string, RisingFloor>()
  readonly #committed = new Map<string, RisingFloor>()
  readonly #readByLife = new Map<string, RisingFloor>()
  readonly #ids = new Set<string>()

  constructor(history: History, writes: Writes) {
    for (const write of writes.all) {
      this.#ids.add(write.id)
      this.#acknowledged(write)
    }
    for (const operation of history.operations) {
      for (const [id, item] of itemsOf(operation)) if (item !== null) this.#read(operation, id, item, writes)
    }
    for (const operation of history.operations)
      if (operation.answer?.kind === 'flushed') this.#flushed(operation)
  }

  /** What a read of this worker may not be older than, whatever others do. */
  own({ worker, life }: Operation, id: string, us: number): Mark | undefined {
    const key = `${worker}.${life} ${id}`
    let floor = this.#ownOfLife.get(key)
    if (floor === undefined) {
      floor = new RisingFloor()
      for (const mark of this.#own.get(`${worker} ${id}`) ?? []) {
        if (mark.life === life || (mark.life < life && mark.isDurable)) floor.add(mark)
      }
      this.#ownOfLife.set(key, floor)
    }
    return floor.before(us)
  }

  /** The newest of what this process had read before the moment, of anybody's. */
  read({ worker, life }: Operation, id: string, us: number): Mark | undefined {
    return this.#readByLife.get(`${worker}.${life} ${id}`)?.before(us)
  }

  /** What was known to be committed before the moment. */
  committed(id: string, us: number): Mark | undefined {
    return this.#committed.get(id)?.before(us)
  }

  /** Since when it was known that something newer than the stamp is committed. */
  outdatedSince(id: string, stamp: Stamp): number | undefined {
    return this.#committed.get(id)?.firstAbove(stamp)?.atUs
  }

  #acknowledged({ operation, id, level }: Write): void {
    const stamp = stampHeard(operation)
    if (stamp === undefined || operation.endedUs === undefined) return
    const mark = { atUs: operation.endedUs, stamp, because: operation }
    this.#addOwn(operation, id, mark, level !== 'memory')
    if (level === 'archive') add(this.#committed, id, mark)
  }

  #read(operation: Operation, id: string, item: ReadItem, writes: Writes): void {
    if (operation.endedUs === undefined) return
    const write = writes.ofValue(item.value, operation.endedUs)
    if (write?.id !== id) return
    const mark = { atUs: operation.endedUs, stamp: item.stamp, because: operation }
    add(this.#readByLife, `${operation.worker}.${operation.life} ${id}`, mark)
    if (isOwn(write, operation)) this.#addOwn(operation, id, mark, write.level === 'log')
    else add(this.#committed, id, mark)
  }

  /** What this process had acknowledged or read of its own when the flush began is in the archive when it has ended. */
  #flushed(operation: Operation): void {
    if (operation.endedUs === undefined) return
    for (const id of this.#ids) {
      const own = this.own(operation, id, operation.beganUs)
      if (own !== undefined) add(this.#committed, id, { ...own, atUs: operation.endedUs, because: operation })
    }
  }

  #addOwn({ worker, life }: Operation, id: string, mark: Mark, isDurable: boolean): void {
    const key = `${worker} ${id}`
    const marks = this.#own.get(key)
    if (marks === undefined) this.#own.set(key, [{ ...mark, life, isDurable }])
    else marks.push({ ...mark, life, isDurable })
  }
}

function add(floors: Map<string, RisingFloor>, key: string, mark: Mark): void {
  let floor = floors.get(key)
  if (floor === undefined) floors.set(key, (floor = new RisingFloor()))
  floor.add(mark)
}

/**
 * Whether the reader can have the write from its own memory or log. What it has not from there is committed: an `archive`
 * write is read by nobody before that, and a process has nothing of what an earlier one wrote at level `memory`.
 */
function isOwn({ level, operation: { worker, life } }: Write, reader: Operation): boolean {
  if (worker !== reader.worker) return false
  return level === 'log' || (level === 'memory' && life === reader.life)
}

/** The items an operation read, by id; `null`: absent. */
export function itemsOf({ call, answer }: Operation): readonly (readonly [string, ReadItem | null])[] {
  if (answer?.kind !== 'items') return []
  return idsAsked(call).map((id, index) => [id, answer.items[index] ?? null] as const)
}

function idsAsked(call: Operation['call']): readonly string[] {
  if (call.kind === 'get') return [call.id]
  return call.kind === 'getMany' ? call.ids : []
}

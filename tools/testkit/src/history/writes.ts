import { equalStamps, isNewer, newerStamp, type Stamp } from '@se/core'
import type { History, Level, Operation } from './operation.ts'
import { firstIndex, type Mark } from './rising-floor.ts'

/** A submit or a delete of the history. */
export interface Write {
  readonly operation: Operation
  readonly id: string
  readonly level: Level
  /** `undefined`: a delete. */
  readonly value: string | undefined
  /** As acknowledged; `undefined`: no answer, or an error. */
  readonly stamp: Stamp | undefined
}

/** All writes of a history, and which of them may explain that an id is absent. */
export class Writes {
  readonly all: readonly Write[]
  readonly #byValue = new Map<string, Write>()
  readonly #deletes = new Map<string, Write[]>()
  readonly #values = new Map<string, Write[]>()
  readonly #lifeEnds = new Map<string, number>()
  /** Acknowledged writes by begin, and for each the oldest stamp of itself and those behind it. */
  readonly #begins: readonly { readonly beganUs: number; readonly oldestStamp: Stamp }[]
  readonly #clockErrorUs: number

  /** @param clockErrorMs how far the clocks that make stamps may be apart */
  constructor(history: History, clockErrorMs: number) {
    this.#clockErrorUs = clockErrorMs * 1000
    for (const { worker, life, endedUs } of history.lives) {
      this.#lifeEnds.set(`${worker}.${life}`, endedUs ?? Number.POSITIVE_INFINITY)
    }
    this.all = history.operations
      .flatMap((operation) => writeOf(operation) ?? [])
      .toSorted((a, b) => a.operation.beganUs - b.operation.beganUs)
    for (const write of this.all) {
      if (write.value === undefined) push(this.#deletes, write.id, write)
      else {
        push(this.#values, write.id, write)
        this.#byValue.set(write.value, write)
      }
    }
    let oldestStamp: Stamp | undefined
    this.#begins = this.all
      .flatMap(({ operation, stamp }) => (stamp === undefined ? [] : [{ beganUs: operation.beganUs, stamp }]))
      .toReversed()
      .map(({ beganUs, stamp }) => {
        if (oldestStamp === undefined || isNewer(oldestStamp, stamp)) oldestStamp = stamp
        return { beganUs, oldestStamp }
      })
      .toReversed()
  }

  /** The write that gave this value, if any had begun before the moment. */
  ofValue(value: string | undefined, beforeUs: number): Write | undefined {
    const write = value === undefined ? undefined : this.#byValue.get(value)
    return write === undefined || write.operation.beganUs > beforeUs || isRefused(write) ? undefined : write
  }

  /** The delete with this stamp, if that is what it is. */
  deleteWith(id: string, stamp: Stamp): Write | undefined {
    return this.#deletes
      .get(id)
      ?.find((write) => write.stamp !== undefined && equalStamps(write.stamp, stamp))
  }

  /** Whether a delete may explain that the id was absent at `untilUs`. @param worker only its own ones count */
  mayBeAbsent(id: string, floor: Mark | undefined, untilUs: number, worker?: number): boolean {
    return this.#mayBe(this.#deletes.get(id), floor, untilUs, worker)
  }

  /** Whether a value may explain that the id was present at `untilUs`. @param worker only its own ones count */
  mayBePresent(id: string, floor: Mark | undefined, untilUs: number, worker?: number): boolean {
    return this.#mayBe(this.#values.get(id), floor, untilUs, worker)
  }

  #mayBe(
    writes: readonly Write[] | undefined,
    floor: Mark | undefined,
    untilUs: number,
    worker: number | undefined,
  ): boolean {
    if (writes === undefined) return false
    // Newest first: what explains a read is nearly always among the last that had begun.
    let index = firstIndex(writes, ({ operation }) => operation.beganUs > untilUs)
    while (--index >= 0) {
      const write = writes[index]!
      if (isRefused(write) || (worker !== undefined && write.operation.worker !== worker)) continue
      if (this.#mayReach(write, floor)) return true
    }
    return false
  }

  /** Whether the write's stamp may be as new as the floor. */
  #mayReach(write: Write, floor: Mark | undefined): boolean {
    if (floor === undefined) return true
    // Begun when the newer one was known already: its clock was behind, and the archive may have stamped it anew.
    if (write.operation.beganUs > floor.atUs) return true
    if (write.stamp !== undefined) return !isNewer(floor.stamp, write.stamp)
    const bound = this.#boundOf(write.operation)
    return bound === undefined || isNewer(bound, floor.stamp)
  }

  /** A stamp that is newer than any the unanswered write can have; `undefined`: there is no such bound. */
  #boundOf({ worker, life, endedUs }: Operation): Stamp | undefined {
    const drawnUs = endedUs ?? this.#lifeEnds.get(`${worker}.${life}`) ?? Number.POSITIVE_INFINITY
    const index = firstIndex(this.#begins, ({ beganUs }) => beganUs > drawnUs + this.#clockErrorUs)
    return this.#begins[index]?.oldestStamp
  }
}

/** The stamp that the answer to a write makes known: its own, or the newer one that it met. */
export function stampHeard({ answer }: Operation): Stamp | undefined {
  return answer?.kind === 'acknowledged' ? newerStamp(answer.stamp, answer.supersededBy) : undefined
}

function writeOf(operation: Operation): Write | undefined {
  const { call, answer } = operation
  if (call.kind !== 'submit' && call.kind !== 'delete') return undefined
  return {
    operation,
    id: call.id,
    level: call.level,
    value: call.kind === 'submit' ? call.value : undefined,
    stamp: answer?.kind === 'acknowledged' ? answer.stamp : undefined,
  }
}

function isRefused({ operation }: Write): boolean {
  return operation.answer?.kind === 'refused'
}

function push<T>(lists: Map<string, T[]>, key: string, element: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [element])
  else list.push(element)
}

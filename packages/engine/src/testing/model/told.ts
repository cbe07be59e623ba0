import type { ItemWrite, Stamp } from '@se/core'
import type { Moment } from './archive-history.ts'
import type { Reading } from './reading.ts'

/** A life of a process. */
type Life = Pick<Reading, 'process' | 'life'>
type Sent = Pick<ItemWrite, 'id' | 'stamp'>

/** What a life of a process has sent, and what it knows from the archive's answers. */
interface Knowledge {
  /** By write: those it was sent with at first. */
  readonly batches: Map<string, readonly Sent[]>
  /** Writes whose outcome it knows, and since which order. */
  readonly answers: Map<string, number>
  /** Of which moments it knows the ledger. */
  readonly asOf: number[]
}

/** What each life of a process was told by the archive: answers count once they have reached it. */
export class Told {
  readonly #lives = new Map<string, Knowledge>()
  readonly #now: () => Pick<Moment, 'order'>
  readonly #isSetAside: (id: string, stamp: Stamp) => boolean

  constructor(now: () => Pick<Moment, 'order'>, isSetAside: (id: string, stamp: Stamp) => boolean) {
    this.#now = now
    this.#isSetAside = isSetAside
  }

  /** A process sends writes as one batch; those that it sent together it may send again in parts. */
  send(life: Life, writes: readonly Sent[]): void {
    const { batches } = this.#of(life)
    for (const { id, stamp } of writes) {
      const key = keyOf(id, stamp)
      if (!batches.has(key)) batches.set(key, writes)
    }
  }

  /** The archive's answer to writes has reached the process. */
  answer(life: Life, writes: readonly Sent[]): void {
    const { answers } = this.#of(life)
    const { order } = this.#now()
    for (const { id, stamp } of writes) answers.set(keyOf(id, stamp), order)
  }

  /** Ledger or tree, as they were at a moment, have reached the process. */
  hear(life: Life, asOf: Moment): void {
    this.#of(life).asOf.push(asOf.order)
  }

  isAnswered(life: Life, id: string, stamp: Stamp): boolean {
    return this.#of(life).answers.has(keyOf(id, stamp))
  }

  /**
   * Whether the process knows what became of a write, and of all that it sent with it: then it is pending no more.
   *
   * @param order whether it knew that at a moment
   */
  isSettled(life: Life, id: string, stamp: Stamp, order = Infinity): boolean {
    const { answers } = this.#of(life)
    const isKnown = (each: Sent): boolean => (answers.get(keyOf(each.id, each.stamp)) ?? Number.NaN) <= order
    return (
      this.isAnswered(life, id, stamp) &&
      this.#sentWith(life, id, stamp).every((each) => isKnown(each) || this.#isSetAside(each.id, each.stamp))
    )
  }

  /** Whether the process had sent a write, and did not know at a moment what became of it and of all that it sent with it. */
  wasPending(life: Life, id: string, stamp: Stamp, order: number): boolean {
    return this.#sentWith(life, id, stamp).length > 0 && !this.isSettled(life, id, stamp, order)
  }

  /** Whether the process knows the ledger of any moment after one and before another. */
  hasHeard(life: Life, after: number, before: number): boolean {
    return this.#of(life).asOf.some((order) => after < order && order < before)
  }

  #sentWith(life: Life, id: string, stamp: Stamp): readonly Sent[] {
    return this.#of(life).batches.get(keyOf(id, stamp)) ?? []
  }

  #of({ process, life }: Life): Knowledge {
    const key = `${process} ${life}`
    let known = this.#lives.get(key)
    if (known === undefined) {
      this.#lives.set(key, (known = { batches: new Map(), answers: new Map(), asOf: [] }))
    }
    return known
  }
}

export function keyOf(id: string, { time, instance }: Stamp): string {
  return `${id} ${time}.${instance}`
}

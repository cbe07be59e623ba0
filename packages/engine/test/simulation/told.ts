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
  /** Writes whose outcome it knows. */
  readonly answers: Set<string>
  /** Of which moments it knows the ledger. */
  readonly asOf: number[]
}

/** What each life of a process was told by the archive: answers count once they have reached it. */
export class Told {
  readonly #lives = new Map<string, Knowledge>()
  readonly #isSetAside: (id: string, stamp: Stamp) => boolean

  constructor(isSetAside: (id: string, stamp: Stamp) => boolean) {
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
    for (const { id, stamp } of writes) this.#of(life).answers.add(keyOf(id, stamp))
  }

  /** Ledger or tree, as they were at a moment, have reached the process. */
  hear(life: Life, asOf: Moment): void {
    this.#of(life).asOf.push(asOf.order)
  }

  isAnswered(life: Life, id: string, stamp: Stamp): boolean {
    return this.#of(life).answers.has(keyOf(id, stamp))
  }

  /** Whether the process knows what became of a write, and of all that it sent with it: then it is pending no more. */
  isSettled(life: Life, id: string, stamp: Stamp): boolean {
    const batch = this.#of(life).batches.get(keyOf(id, stamp)) ?? []
    return (
      this.isAnswered(life, id, stamp) &&
      batch.every(
        (each) => this.isAnswered(life, each.id, each.stamp) || this.#isSetAside(each.id, each.stamp),
      )
    )
  }

  /** Whether the process knows the ledger of any moment after one and before another. */
  hasHeard(life: Life, after: number, before: number): boolean {
    return this.#of(life).asOf.some((order) => after < order && order < before)
  }

  #of({ process, life }: Life): Knowledge {
    const key = `${process} ${life}`
    let known = this.#lives.get(key)
    if (known === undefined) {
      this.#lives.set(key, (known = { batches: new Map(), answers: new Set(), asOf: [] }))
    }
    return known
  }
}

export function keyOf(id: string, { time, instance }: Stamp): string {
  return `${id} ${time}.${instance}`
}

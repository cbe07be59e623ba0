import { invariant } from '@se/core'
import type { Doubts } from './doubts.ts'

/** A run of writes within the batch: `[start, end)`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** A write that the archive does not take, and how that is known. */
export interface BadWrite {
  readonly index: number
  /** `refused-data`: the archive said so. `always-fails`: it failed alone, again and again, while others went through. */
  readonly because: 'refused-data' | 'always-fails'
}

/** Failures of a batch after which its parts are tried. */
export const WHOLE_FAILURES_MAX = 3
/** Writes that fail alone before the rest is left for later, where nothing at all goes through: it need not be the writes. */
export const ALONE_FAILURES_MAX = 8

/**
 * What of a batch to send next, until each write is accepted, known to be bad, or set back [W6, W9, P6, P72].
 *
 * The caller sends the writes of `current` as a batch of their own, under a sequence of its own, and says what became of it.
 * Nothing is sent again once it was accepted.
 *
 *   accepted   the archive holds them: on to what is left
 *   refused    as data, and nothing was written: the halves, in order; alone, the write is bad
 *   failed     for any other reason, while they are known not to be in, and the archive took something else of ours since: the
 *              same again, from the third time on the halves, in order; alone, the write is bad where the doubts say so, else
 *              it is set back: it goes into a later batch, where it is tried alone after all others, and so blocks no other
 *
 * Where the archive cannot be asked no write is to blame: then nothing is said here at all. A write is bad only when it was alone.
 * That a half was accepted does not prove its sibling bad: what failed may have been the size of the whole.
 */
export class Bisection<Write extends object> {
  readonly #writes: readonly Write[]
  readonly #doubts: Doubts<Write>
  /** What is left, the next one last. */
  #open: Range[]
  readonly #bad: BadWrite[] = []
  readonly #setBack: number[] = []
  #failureCount = 0
  #acceptedCount = 0

  /** @param writes of the batch, at least one; what is doubted comes last */
  constructor(writes: readonly Write[], doubts: Doubts<Write>) {
    invariant(writes.length >= 1, 'a batch has writes')
    this.#writes = writes
    this.#doubts = doubts
    const doubted: Range[] = []
    const others: Range[] = []
    for (const [start, write] of writes.entries()) {
      const last = others.at(-1)
      if (doubts.has(write)) doubted.push({ start, end: start + 1 })
      else if (last?.end === start) others[others.length - 1] = { ...last, end: start + 1 }
      else others.push({ start, end: start + 1 })
    }
    this.#open = [...others, ...doubted].reverse()
  }

  /** What to send next; `undefined`: all writes are accepted, known to be bad, or set back. */
  get current(): Range | undefined {
    return this.#open.at(-1)
  }

  /** The writes found bad so far, in the order in which they were. */
  get bad(): readonly BadWrite[] {
    return this.#bad
  }

  /** Indexes of the writes that are left for a later batch. */
  get setBack(): readonly number[] {
    return this.#setBack
  }

  /** Whether anything went through. */
  get isFruitful(): boolean {
    return this.#acceptedCount > 0
  }

  /** The archive took the writes of `current`. */
  accepted(): void {
    this.#take()
    this.#acceptedCount++
    this.#doubts.accepted()
  }

  /** The archive refused the writes of `current`, as data. */
  refused(): void {
    const range = this.#take()
    if (range.end - range.start > 1) this.#split(range)
    else this.#bad.push({ index: range.start, because: 'refused-data' })
  }

  /**
   * The writes of `current` failed for another reason, and are not in, while the archive took something else.
   *
   * @returns whether the same is to be sent again, after a pause; false: on to what is left
   */
  failed(): boolean {
    const { start, end } = this.#current()
    const isDoubted = end - start === 1 && this.#doubts.has(this.#writes[start]!)
    if (++this.#failureCount < WHOLE_FAILURES_MAX && !isDoubted) return true
    this.#take()
    if (end - start > 1) this.#split({ start, end })
    else if (this.#doubts.failedAlone(this.#writes[start]!))
      this.#bad.push({ index: start, because: 'always-fails' })
    else this.#setBack.push(start)
    if (!this.isFruitful && this.#setBack.length >= ALONE_FAILURES_MAX) this.#setBackTheRest()
    return false
  }

  #setBackTheRest(): void {
    for (const { start, end } of this.#open.reverse()) {
      for (let index = start; index < end; index++) this.#setBack.push(index)
    }
    this.#open = []
  }

  #current(): Range {
    const range = this.current
    invariant(range !== undefined, 'a bisection that has ended is told nothing')
    return range
  }

  #take(): Range {
    const range = this.#current()
    this.#open.pop()
    return range
  }

  #split({ start, end }: Range): void {
    const middle = (start + end) >> 1
    this.#open.push({ start: middle, end }, { start, end: middle })
  }
}

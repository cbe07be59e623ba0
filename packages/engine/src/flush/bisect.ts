import { invariant } from '@se/core'

/** A run of writes within the batch: `[start, end)`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/**
 * Finds the writes of a refused batch that the archive can never take [W6, P6].
 *
 * The caller sends the writes of `current` as a batch of their own, under a sequence of its own, and says what
 * became of it; after an outage it sends the same `current` again. Halves go in order, and nothing is sent again
 * once it was accepted. k bad writes among n cost at most `2 k ⌈log2 n⌉` tries.
 *
 * A write is bad only when it was refused alone. That a half was accepted does not prove its sibling bad: what
 * was refused may have been the size of the whole.
 */
export class Bisection {
  readonly #open: Range[] = []
  readonly #bad: number[] = []

  /** @param count writes in the batch that was refused, at least 1 */
  constructor(count: number) {
    invariant(Number.isInteger(count) && count >= 1, 'a refused batch has writes', { count })
    this.#split({ start: 0, end: count })
  }

  /** What to send next; `undefined`: all writes are accepted or known to be bad. */
  get current(): Range | undefined {
    return this.#open.at(-1)
  }

  /** Indexes of the writes found bad so far, ascending. */
  get bad(): readonly number[] {
    return this.#bad
  }

  /** The archive took the writes of `current`. */
  accepted(): void {
    this.#take()
  }

  /** The archive refused the writes of `current`, as data. */
  refused(): void {
    this.#split(this.#take())
  }

  #take(): Range {
    const range = this.#open.pop()
    invariant(range !== undefined, 'a bisection that has ended is told nothing')
    return range
  }

  #split({ start, end }: Range): void {
    if (end - start === 1) {
      this.#bad.push(start)
      return
    }
    const middle = (start + end) >> 1
    this.#open.push({ start: middle, end }, { start, end: middle })
  }
}

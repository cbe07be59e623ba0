import { invariant } from '@se/core'

/** Something that needs log records from `firstLogSequence` on, until it is settled. */
export interface RecordHolder {
  /** Lowest log sequence it needs; may go down while it is held; `undefined`: none. */
  readonly firstLogSequence: number | undefined
  readonly isSettled: boolean
}

interface Claim {
  readonly sequence: number
  readonly holder: RecordHolder
}

/**
 * How far the log may be released: up to the lowest record that is still needed, and never past one that was appended
 * and not reported here yet [W2].
 *
 * A binary heap of claims. A claim whose holder is settled is dropped when it comes to the top: O(log n) a claim, however
 * many are pending. A holder that came to need a lower record has two claims, of which the lower one counts.
 */
export class LowWaterMark {
  readonly #heap: Claim[] = []
  /** All sequences up to here have been reported. */
  #reportedThrough = 0
  readonly #reportedBeyond = new Set<number>()
  #isStarted = false

  /** The log's first record will be `sequence`; before the first report. Without a call it is 1. */
  expectLogFrom(sequence: number): void {
    invariant(!this.#isStarted, 'the log is announced before the first write')
    this.#reportedThrough = sequence - 1
  }

  /** The record at `sequence` was appended. A write that needs it has made its claim, or does so in the same turn. */
  report(sequence: number): void {
    this.#isStarted = true
    if (sequence !== this.#reportedThrough + 1) {
      if (sequence > this.#reportedThrough) this.#reportedBeyond.add(sequence)
      return
    }
    this.#reportedThrough = sequence
    while (this.#reportedBeyond.delete(this.#reportedThrough + 1)) this.#reportedThrough += 1
  }

  /** Call when a holder's first sequence is set or goes down. */
  claim(holder: RecordHolder): void {
    if (holder.firstLogSequence === undefined) return
    const heap = this.#heap
    const claim = { sequence: holder.firstLogSequence, holder }
    let index = heap.length
    heap.push(claim)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]!.sequence <= claim.sequence) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = claim
  }

  /** The log may forget all records up to here; 0 if none. */
  releasable(): number {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (!top.holder.isSettled) return Math.min(this.#reportedThrough, top.sequence - 1)
      this.#dropTop()
    }
    return this.#reportedThrough
  }

  #dropTop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.sequence < heap[child]!.sequence) child += 1
      if (last.sequence <= heap[child]!.sequence) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}

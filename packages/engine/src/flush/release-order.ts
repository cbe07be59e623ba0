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
 * The lowest log sequence that anybody still needs: a binary heap of claims. A claim whose holder is settled is
 * dropped when it comes to the top: O(log n) a claim, however many are pending. A holder that came to need a lower
 * record has two claims, of which the lower one counts.
 */
export class ReleaseOrder {
  readonly #heap: Claim[] = []

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

  /** @returns `undefined` when nobody needs any record */
  lowest(): number | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (!top.holder.isSettled) return top.sequence
      this.#dropTop()
    }
    return undefined
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

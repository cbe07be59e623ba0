import { isNewer, type Stamp } from '@se/core'
import type { Operation } from './operation.ts'

/** From this moment on nothing older than the stamp may be read, and the operation that says so. */
export interface Mark {
  readonly atUs: number
  readonly stamp: Stamp
  readonly because: Operation
}

/** The newest stamp known at each moment: it only rises. */
export class RisingFloor {
  #marks: Mark[] = []
  #isSorted = true

  add(mark: Mark): void {
    this.#marks.push(mark)
    this.#isSorted = false
  }

  /** The newest mark of those before the moment; one at the very same microsecond does not count yet. */
  before(us: number): Mark | undefined {
    this.#sort()
    return this.#marks[firstIndex(this.#marks, (mark) => mark.atUs >= us) - 1]
  }

  /** The first mark that is newer than the stamp: since then the stamp is outdated. */
  firstAbove(stamp: Stamp): Mark | undefined {
    this.#sort()
    return this.#marks[firstIndex(this.#marks, (mark) => isNewer(mark.stamp, stamp))]
  }

  /** By time; of the marks only those stay that raise the floor. */
  #sort(): void {
    if (this.#isSorted) return
    this.#marks.sort((a, b) => a.atUs - b.atUs)
    let newest: Stamp | undefined
    this.#marks = this.#marks.filter(({ stamp }) => {
      const rises = isNewer(stamp, newest)
      if (rises) newest = stamp
      return rises
    })
    this.#isSorted = true
  }
}

/** The newer of two marks. */
export function newerMark(a: Mark | undefined, b: Mark | undefined): Mark | undefined {
  if (a === undefined) return b
  return b === undefined || !isNewer(b.stamp, a.stamp) ? a : b
}

/** Index of the first element that passes, in a list where all that pass follow all that do not. */
export function firstIndex<T>(list: readonly T[], passes: (element: T) => boolean): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (passes(list[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

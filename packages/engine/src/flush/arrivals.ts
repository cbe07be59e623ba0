/** Numbers all writes in the order in which they arrive, from 1. */
export class Arrivals {
  #last = 0

  /** Order of the last one; 0: none has arrived. */
  get last(): number {
    return this.#last
  }

  next(): number {
    this.#last += 1
    return this.#last
  }
}

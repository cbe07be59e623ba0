/** Runs one piece of work after the other, in the order in which they came, however the ones before ended. */
export class SerialQueue {
  /** Ends with the last work that was added; never rejects. */
  #lastEnd: Promise<void> = Promise.resolve()

  /** @returns what the work returns, or its error */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lastEnd.then(work)
    this.#lastEnd = result.then(ignore, ignore)
    return result
  }

  /** Resolves when all work that was added before this call has ended. */
  idle(): Promise<void> {
    return this.#lastEnd
  }
}

function ignore(): void {}

/**
 * Which writes failed alone, and what went through since: the evidence by which a write is given up [W9, P72].
 *
 * That a write failed alone does not show whose fault it is: the archive's disk may be full, a table locked, its rules broken.
 * If something else went through afterwards, and the write then fails alone again, it is the write.
 */
export class Doubts<Write extends object> {
  /** Pieces of batches that the archive has accepted so far. */
  #acceptedCount = 0
  readonly #acceptedAtFailure = new WeakMap<Write, number>()

  /** The archive has accepted something. */
  accepted(): void {
    this.#acceptedCount++
  }

  /**
   * The write has failed alone.
   *
   * @returns whether it is the write: something else was accepted since it failed alone before
   */
  failedAlone(write: Write): boolean {
    const before = this.#acceptedAtFailure.get(write)
    if (before !== undefined && before < this.#acceptedCount) return true
    this.#acceptedAtFailure.set(write, this.#acceptedCount)
    return false
  }

  /** Whether it has failed alone, and may be to blame: others are to go before it. */
  has(write: Write): boolean {
    return this.#acceptedAtFailure.has(write)
  }
}

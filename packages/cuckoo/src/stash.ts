/**
 * The tags that found no slot: a multiset, so that one key added many times costs one entry.
 *
 * Empty in normal use. It fills when one key is added more than eight times, or when an attacker chooses keys
 * that share their buckets.
 */
export class Stash {
  /** Copies by tag and base, joined to one safe integer. */
  readonly #copies = new Map<number, number>()
  readonly #baseSize: number
  #turn = this.#copies.keys()

  /** @param baseBits 0 … 22: with a 31-bit tag the joined number is a safe integer */
  constructor(baseBits: number) {
    this.#baseSize = 2 ** baseBits
  }

  /** Number of different entries, copies not counted. */
  get size(): number {
    return this.#copies.size
  }

  add(tag: number, base: number, copies = 1): void {
    const entry = tag * this.#baseSize + base
    this.#copies.set(entry, (this.#copies.get(entry) ?? 0) + copies)
  }

  has(tag: number, base: number): boolean {
    return this.#copies.has(tag * this.#baseSize + base)
  }

  /** Removes one copy. @returns whether there was one */
  delete(tag: number, base: number): boolean {
    const entry = tag * this.#baseSize + base
    const copies = this.#copies.get(entry)
    if (copies === undefined) return false
    if (copies > 1) this.#copies.set(entry, copies - 1)
    else this.#copies.delete(entry)
    return true
  }

  /**
   * Takes one copy of some entry out, for a new attempt to place it; to be added again if that fails.
   *
   * Goes round: an entry's turn comes again after all others'.
   */
  takeNext(): { readonly tag: number; readonly base: number } | undefined {
    // One iterator kept from call to call. A new one would walk over the gaps of all entries deleted before.
    let next = this.#turn.next()
    if (next.done === true) {
      this.#turn = this.#copies.keys()
      next = this.#turn.next()
      if (next.done === true) return undefined
    }
    const tag = Math.floor(next.value / this.#baseSize)
    const base = next.value % this.#baseSize
    this.delete(tag, base)
    return { tag, base }
  }

  /** In no particular order. */
  *entries(): Generator<{ readonly tag: number; readonly base: number; readonly copies: number }> {
    for (const [entry, copies] of this.#copies) {
      yield { tag: Math.floor(entry / this.#baseSize), base: entry % this.#baseSize, copies }
    }
  }
}

/** What is expected of a run, and what did not come true. Every statement a command makes of itself goes through here. */
export class Checks {
  readonly #failures: string[] = []
  readonly #onFailure: (failure: string) => void
  #count = 0

  /** @param onFailure told at once, so that a failure stands where it happened */
  constructor(onFailure: (failure: string) => void = () => {}) {
    this.#onFailure = onFailure
  }

  /** How many have been made. */
  get count(): number {
    return this.#count
  }

  get failures(): readonly string[] {
    return this.#failures
  }

  /**
   * @param what the statement that must be true
   * @param found what was found instead, for the report
   * @returns whether it is true
   */
  that(isTrue: boolean, what: string, found?: string): boolean {
    this.#count++
    if (!isTrue) {
      const failure = found === undefined ? what : `${what}; found: ${found}`
      this.#failures.push(failure)
      this.#onFailure(failure)
    }
    return isTrue
  }

  /** Compares as `Object.is` does. */
  equal(found: unknown, expected: unknown, what: string): boolean {
    return this.that(Object.is(found, expected), what, `${String(found)}, not ${String(expected)}`)
  }
}

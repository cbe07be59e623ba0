/** Lets one in at a time, in the order of arrival. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` after all that came before it have ended, however they ended. */
  pass<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /** Resolves when everyone who is waiting now has passed. */
  async current(): Promise<void> {
    await this.#last
  }
}

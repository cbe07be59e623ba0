/**
 * The caller that waits for a call. When it goes, no other call's work ends with it: the part that works for it learns that it waits no
 * more, and may give its place in a line to the next.
 */
export class Caller {
  #reason: Error | undefined
  #listeners: Set<(reason: Error) => void> | undefined

  /** Why it has gone; `undefined`: it waits. */
  get goneBecause(): Error | undefined {
    return this.#reason
  }

  /**
   * Calls back once when the caller goes, or at once when it has gone.
   *
   * @returns forgets the listener
   */
  onGone(listener: (reason: Error) => void): () => void {
    if (this.#reason !== undefined) {
      listener(this.#reason)
      return () => {}
    }
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    return () => void this.#listeners?.delete(listener)
  }

  /** Does nothing the second time. */
  leave(reason: Error): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    const listeners = this.#listeners
    this.#listeners = undefined
    for (const listener of listeners ?? []) listener(reason)
  }

  /**
   * Waits for a call, as long as the caller does. A call that is left still runs; what becomes of it is not looked at.
   *
   * @param ended told once the wait is over, before the caller hears of it
   * @throws why the caller has gone, or what the call throws
   */
  waitFor<T>(run: () => Promise<T>, ended?: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let isOver = false
      let forget = (): void => {}
      /** @returns whether this is the end */
      const end = (): boolean => {
        if (isOver) return false
        isOver = true
        forget()
        ended?.()
        return true
      }
      const fail = (error: unknown): void => {
        if (end()) reject(error as Error)
      }
      forget = this.onGone(fail)
      if (isOver) return
      try {
        run().then((value) => {
          if (end()) resolve(value)
        }, fail)
      } catch (error) {
        fail(error)
      }
    })
  }
}

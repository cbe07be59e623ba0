import { SerialQueue, type Clock } from '@se/core'
import { noTurnError } from './errors.ts'

/** Lets one in at a time, in the order of arrival; waiting has a bound. */
export class Turnstile {
  readonly #clock: Clock
  readonly #waitMsMax: number
  readonly #queue = new SerialQueue()

  /** @param waitMsMax longest wait for a turn, ms: the work that holds the turn may itself wait for the work that waits */
  constructor(clock: Clock, waitMsMax: number) {
    this.#clock = clock
    this.#waitMsMax = waitMsMax
  }

  /**
   * Runs `work` after all that came before it have ended, however they ended.
   *
   * @throws with code SE_NO_TURN when its turn did not come in time; then it does not run at all
   */
  pass<T>(work: () => Promise<T>): Promise<T> {
    let hasGivenUp = false
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#clock.setTimer(this.#waitMsMax, () => {
        hasGivenUp = true
        reject(noTurnError(this.#waitMsMax))
      })
      void this.#queue.run(async () => {
        cancel()
        if (!hasGivenUp) await work().then(resolve, reject)
      })
    })
  }

  /** Resolves when all work that is waiting now has passed. */
  current(): Promise<void> {
    return this.#queue.idle()
  }
}

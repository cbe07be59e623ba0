import type { CancelTimer, Clock } from '@se/core'
import type { FullReason } from './observer.ts'

interface Waiting<T> {
  readonly entry: T
  readonly reason: FullReason
  /** Monotonic clock, ms. */
  readonly deadlineMs: number
}

/** Calls that wait for room, first come first served, each for the same time at most. */
export class WaitingLine<T> {
  readonly #clock: Clock
  readonly #waitMs: number
  readonly #expired: (entry: T, reason: FullReason) => void
  #entries: Waiting<T>[] = []
  #cancelTimer: CancelTimer | undefined

  /** @param expired told of each entry whose time is over */
  constructor(clock: Clock, waitMs: number, expired: (entry: T, reason: FullReason) => void) {
    this.#clock = clock
    this.#waitMs = waitMs
    this.#expired = expired
  }

  get length(): number {
    return this.#entries.length
  }

  /** Why the first one waits. */
  get reason(): FullReason | undefined {
    return this.#entries[0]?.reason
  }

  add(entry: T, reason: FullReason): void {
    this.#entries.push({ entry, reason, deadlineMs: this.#clock.monotonicMs() + this.#waitMs })
    this.#arm()
  }

  /** Takes from the front as long as `fits` says so. */
  admit(fits: (entry: T) => boolean, take: (entry: T) => void): void {
    let count = 0
    for (const { entry } of this.#entries) {
      if (!fits(entry)) break
      take(entry)
      count++
    }
    if (count > 0) this.#entries = this.#entries.slice(count)
  }

  /** Empties the line. @returns who stood in it */
  clear(): T[] {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const entries = this.#entries.map(({ entry }) => entry)
    this.#entries = []
    return entries
  }

  /** One timer, for the first: the others' time is over later. */
  #arm(): void {
    const first = this.#entries[0]
    if (first === undefined || this.#cancelTimer !== undefined) return
    const leftMs = first.deadlineMs - this.#clock.monotonicMs()
    this.#cancelTimer = this.#clock.setTimer(Math.max(0, leftMs), () => {
      this.#cancelTimer = undefined
      const nowMs = this.#clock.monotonicMs()
      while (this.#entries.length > 0 && this.#entries[0]!.deadlineMs <= nowMs) {
        const { entry, reason } = this.#entries.shift()!
        this.#expired(entry, reason)
      }
      this.#arm()
    })
  }
}

import { invariant, type CancelTimer, type Clock } from '@se/core'
import type { FullReason } from './observer.ts'

export interface Waiting<T> {
  readonly entry: T
  readonly reason: FullReason
  /** Monotonic clock, ms. */
  readonly deadlineMs: number
}

/** Calls that wait for room, first come first served, each for the same time at most. */
export class WaitingLine<T> {
  readonly #clock: Clock
  readonly #waitMs: number
  readonly #expired: (expired: readonly Waiting<T>[]) => void
  #entries: Waiting<T>[] = []
  /** Entries before this index have left; the array is cut when they are half of it. */
  #start = 0
  #cancelTimer: CancelTimer | undefined

  /** @param expired told of the entries whose time is over; may admit others */
  constructor(clock: Clock, waitMs: number, expired: (expired: readonly Waiting<T>[]) => void) {
    this.#clock = clock
    this.#waitMs = waitMs
    this.#expired = expired
  }

  get length(): number {
    return this.#entries.length - this.#start
  }

  /** Why the first one waits. */
  get reason(): FullReason | undefined {
    return this.#entries[this.#start]?.reason
  }

  /** @param isFirst before all others; they wait no longer than the first of those then */
  add(entries: readonly T[], reason: FullReason, isFirst = false): void {
    const first = isFirst ? this.#entries[this.#start] : undefined
    const deadlineMs = first?.deadlineMs ?? this.#clock.monotonicMs() + this.#waitMs
    const last = isFirst ? undefined : this.#entries.at(-1)
    // One timer, for the first, is enough for all.
    invariant(last === undefined || last.deadlineMs <= deadlineMs, 'those behind are not over before', {
      deadlineMs,
      before: last?.deadlineMs,
    })
    const behind = first === undefined ? [] : this.#entries.splice(this.#start)
    for (const entry of entries) this.#entries.push({ entry, reason, deadlineMs })
    for (const waiting of behind) this.#entries.push(waiting)
    this.#arm()
  }

  /** Takes from the front as long as `fits` says so. */
  admit(fits: (entry: T) => boolean, take: (entry: T) => void): void {
    let count = 0
    for (; count < this.length; count++) {
      const { entry } = this.#entries[this.#start + count]!
      if (!fits(entry)) break
      take(entry)
    }
    this.#leave(count)
  }

  /** Empties the line. @returns the entries that stood in it */
  clear(): T[] {
    return this.#leave(this.length).map(({ entry }) => entry)
  }

  /** Takes entries from the front. The work is at most twice their number, however many stand behind. */
  #leave(count: number): Waiting<T>[] {
    const left = this.#entries.slice(this.#start, this.#start + count)
    this.#start += count
    if (this.#start * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#start)
      this.#start = 0
    }
    if (this.length === 0) {
      // No entry waits for it any more, and it would keep the process alive.
      this.#cancelTimer?.()
      this.#cancelTimer = undefined
    }
    return left
  }

  /** Sets one timer, for the first entry: the time of the others is over later. */
  #arm(): void {
    const first = this.#entries[this.#start]
    if (first === undefined || this.#cancelTimer !== undefined) return
    const leftMs = first.deadlineMs - this.#clock.monotonicMs()
    this.#cancelTimer = this.#clock.setTimer(Math.max(0, leftMs), () => {
      this.#cancelTimer = undefined
      const nowMs = this.#clock.monotonicMs()
      let count = 0
      while (count < this.length && this.#entries[this.#start + count]!.deadlineMs <= nowMs) count++
      if (count > 0) this.#expired(this.#leave(count))
      this.#arm()
    })
  }
}

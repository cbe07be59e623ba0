import type { Clock } from '@se/core'

/**
 * - `fresh`: what this process knows was true within Δ. It may answer from it.
 * - `stale`: it was true longer ago: another process may have written since.
 * - `unknown`: nothing was heard of the archive yet.
 */
export type FreshnessState = 'fresh' | 'stale' | 'unknown'

export interface FreshnessOptions {
  /** No other process can write: what this one knows cannot go stale. */
  readonly isExclusive: boolean
  /** Δ, ms. */
  readonly stalenessMs: number
}

/**
 * How recent everything is that this process knows of the archive [R5]: as of the sending of the last poll that was applied. A
 * process alone has no bound to keep.
 */
export class Freshness {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #options: FreshnessOptions
  #asOfMs: number | undefined

  constructor(clock: Pick<Clock, 'monotonicMs'>, options: FreshnessOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** All views stand at what the archive had at a moment. @param asOfMs monotonic */
  reached(asOfMs: number): void {
    this.#asOfMs = asOfMs
  }

  get state(): FreshnessState {
    if (this.#asOfMs === undefined) return this.#options.isExclusive ? 'fresh' : 'unknown'
    return this.isRecent(this.#asOfMs, this.#clock.monotonicMs()) ? 'fresh' : 'stale'
  }

  /** Whether this process may answer from what it knows itself. */
  get isFresh(): boolean {
    return this.state === 'fresh'
  }

  /** Whether what was true at one moment may be answered to a read that began at another; monotonic ms. */
  isRecent(asOfMs: number, readAtMs: number): boolean {
    const { isExclusive, stalenessMs } = this.#options
    return isExclusive || readAtMs - asOfMs <= stalenessMs
  }

  /** Δ, ms. */
  get stalenessMs(): number {
    return this.#options.stalenessMs
  }
}

import { SerialQueue, type CancelTimer, type Clock, type Heads } from '@se/core'
import type { KnownWrites } from '../heard/known-writes.ts'
import type { BackClient } from '../seam/back-client.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Freshness } from './freshness.ts'

export interface HeadsPollPorts {
  readonly back: Pick<BackClient, 'ask'>
  readonly known: Pick<KnownWrites, 'pollSent'>
  readonly freshness: Pick<Freshness, 'reached' | 'stalenessMs'>
  readonly telemetry: Telemetry & { readonly clock: Clock }
}

/** Shortest pause between two polls, ms: a slow archive is not asked without a break. */
const PAUSE_MS_MIN = 10

/** Has the back ask the archive every Δ/2 how far it has come, and bring the views there. */
export class HeadsPoll {
  readonly #ports: HeadsPollPorts
  readonly #polls = new SerialQueue()
  #heads: Heads | undefined
  #cancelTimer: CancelTimer | undefined
  #isRunning = false
  /** A poll that was not sent yet: a caller that asks now is served by it. */
  #waiting: Promise<void> | undefined
  /** Ends when the cache is no longer brought to any heads that were asked for. */
  #tended: Promise<unknown> = Promise.resolve()

  constructor(ports: HeadsPollPorts) {
    this.#ports = ports
  }

  /** The heads of the last poll. */
  get heads(): Heads | undefined {
    return this.#heads
  }

  start(): void {
    this.#isRunning = true
    this.#schedule(0)
  }

  /** Ends the polling and waits for what is under way. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#cancelTimer?.()
    await this.#polls.idle()
    await this.#tended
  }

  /**
   * Polls now, and brings the cache to the heads; calls that meet share a poll, never one that had begun before
   * them.
   *
   * @throws TierUnavailable when the archive does not answer; a cache that does not is no error
   */
  async now(): Promise<void> {
    await this.#pollOnce()
    await this.#tend(false)
  }

  #pollOnce(): Promise<void> {
    this.#waiting ??= this.#polls.run(() => {
      this.#waiting = undefined
      return this.#poll()
    })
    return this.#waiting
  }

  async #poll(): Promise<void> {
    const { back, known, freshness, telemetry } = this.#ports
    // Both before the archive is asked: what is known by now is in the heads that it will answer.
    const sentAtMs = telemetry.clock.monotonicMs()
    const round = known.pollSent()
    this.#heads = await back.ask('reach', { sentAtMs, round })
    // R5: what is known from now on is as recent as the sending of the poll, not as its answer.
    freshness.reached(sentAtMs)
  }

  #tend(mayJoin: boolean): Promise<undefined> {
    const tended = this.#ports.back.ask('tend', { mayJoin })
    this.#tended = tended.catch(() => {})
    return tended
  }

  #schedule(delayMs: number): void {
    if (!this.#isRunning) return
    const { freshness } = this.#ports
    const { clock, observer } = this.#ports.telemetry
    this.#cancelTimer = clock.setBackgroundTimer(delayMs, () => {
      const startedMs = clock.monotonicMs()
      void this.#pollOnce()
        // A cache that hangs must not keep the next poll waiting: what this process knows would go stale with it.
        .then(() => void this.#tend(true))
        .catch((error: unknown) =>
          observer.fault?.({ part: 'poll', what: 'the heads could not be read', error }),
        )
        .finally(() =>
          this.#schedule(
            Math.max(PAUSE_MS_MIN, freshness.stalenessMs / 2 - (clock.monotonicMs() - startedMs)),
          ),
        )
    })
  }
}

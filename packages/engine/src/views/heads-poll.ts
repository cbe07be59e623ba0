import { sequenceAt, type ArchiveTier, type CancelTimer, type Clock, type Heads } from '@se/core'
import type { KnownWrites } from '../heard/known-writes.ts'
import type { ArchiveTime } from '../heard/archive-time.ts'
import type { Telemetry } from '../telemetry.ts'
import type { CacheSync, PolledHeads } from './cache-sync.ts'
import type { Freshness } from './freshness.ts'
import type { LedgerFollower } from './ledger-follower.ts'

export interface HeadsPollPorts {
  readonly archive: Pick<ArchiveTier, 'readHeads'>
  readonly follower: Pick<LedgerFollower, 'catchUp' | 'isBehind' | 'startOver'>
  readonly cacheSync: Pick<CacheSync, 'bring' | 'brought' | 'settled'>
  readonly known: Pick<KnownWrites, 'pollSent'>
  readonly archiveTime: Pick<ArchiveTime, 'heard'>
  readonly freshness: Pick<Freshness, 'reached' | 'stalenessMs'>
  /** Of this process. */
  readonly own: {
    readonly instance: number
    /** Own ledger sequence of the last batch committed. */
    readonly committedThrough: () => number
  }
  readonly telemetry: Telemetry & { readonly clock: Clock }
}

/** Shortest pause between two polls, ms: a slow archive is not asked without a break. */
const PAUSE_MS_MIN = 10

/** Asks the archive every Δ/2 how far it has come, and brings the views there. */
export class HeadsPoll {
  readonly #ports: HeadsPollPorts
  /** Of the last poll that was applied. */
  #moment: PolledHeads | undefined
  /** Own sequences up to here were committed and are gone, and the views have started over for it. */
  #lostThrough = 0
  #cancelTimer: CancelTimer | undefined
  #isRunning = false
  #last: Promise<void> = Promise.resolve()
  #waiting: Promise<void> | undefined

  constructor(ports: HeadsPollPorts) {
    this.#ports = ports
  }

  /** The heads of the last poll. */
  get heads(): Heads | undefined {
    return this.#moment?.heads
  }

  start(): void {
    this.#isRunning = true
    this.#schedule(0)
  }

  /** Ends the polling and waits for what is under way. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#cancelTimer?.()
    await this.#last.catch(() => {})
    await this.#ports.cacheSync.settled()
  }

  /**
   * Polls now, and brings the cache to the heads; calls that meet share a poll, never one that had begun before
   * them.
   *
   * @throws TierUnavailable when the archive does not answer; a cache that does not is no error
   */
  async now(): Promise<void> {
    await this.#pollOnce()
    const { cacheSync } = this.#ports
    // One that began before our poll may have been told of older heads.
    await cacheSync.settled()
    if (this.#moment !== undefined && cacheSync.brought !== this.#moment) await cacheSync.bring(this.#moment)
  }

  #pollOnce(): Promise<void> {
    this.#waiting ??= this.#last = this.#last.then(
      () => this.#poll(),
      () => this.#poll(),
    )
    return this.#waiting
  }

  async #poll(): Promise<void> {
    this.#waiting = undefined
    const { archive, follower, known, archiveTime, freshness, telemetry } = this.#ports
    const { instance, committedThrough } = this.#ports.own
    const sentAtMs = telemetry.clock.monotonicMs()
    const committed = committedThrough()
    const round = known.pollSent()
    const heads = await archive.readHeads()
    archiveTime.heard(sentAtMs, heads.nowMs)
    const own = sequenceAt(heads.cut, instance)
    // A batch that was committed is gone: the archive was set back, so early that the views had not heard of it [P65].
    if (own < committed && committed > this.#lostThrough) {
      await follower.startOver()
      this.#lostThrough = committed
    } else if (follower.isBehind(heads.cut)) await follower.catchUp()
    this.#moment = { heads, sentAtMs, round }
    // R5: what is known from now on is as recent as the sending of the poll, not as its answer.
    freshness.reached(sentAtMs)
  }

  #schedule(delayMs: number): void {
    if (!this.#isRunning) return
    const { freshness, cacheSync } = this.#ports
    const { clock, observer } = this.#ports.telemetry
    this.#cancelTimer = clock.setBackgroundTimer(delayMs, () => {
      const startedMs = clock.monotonicMs()
      void this.#pollOnce()
        // A cache that hangs must not keep the next poll waiting: what this process knows would go stale with it.
        .then(() => this.#moment && void cacheSync.bring(this.#moment))
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

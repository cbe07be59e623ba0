import { sequenceAt, type ArchiveTier, type CancelTimer, type Clock, type Heads } from '@se/core'
import type { EngineObserver } from '../observer.ts'
import type { KnownWrites } from '../heard/known-writes.ts'
import type { ArchiveTime } from '../heard/archive-time.ts'
import type { CacheSync, PolledHeads } from './cache-sync.ts'
import type { LedgerFollower } from './ledger-follower.ts'

export interface HeadsPollPorts {
  readonly archive: Pick<ArchiveTier, 'readHeads'>
  readonly follower: Pick<LedgerFollower, 'catchUp' | 'isBehind' | 'startOver'>
  readonly cacheSync: Pick<CacheSync, 'bring' | 'brought' | 'settled'>
  readonly known: Pick<KnownWrites, 'pollSent'>
  /** Own ledger sequence of the last batch committed. */
  readonly committedThrough: () => number
  readonly archiveTime: Pick<ArchiveTime, 'heard'>
  readonly clock: Clock
  readonly observer: EngineObserver
  readonly instance: number
  /** No other process can write: what this one knows cannot go stale. */
  readonly isExclusive: boolean
  /** Δ, ms. */
  readonly stalenessMs: number
}

/** Shortest pause between two polls, ms: a slow archive is not asked without a break. */
const PAUSE_MS_MIN = 10
/**
 * Asks the archive every Δ/2 how far it has come, and brings the views there.
 *
 * R5: with peers, memory, cache and "absent" answer only within Δ of the *sending* of the last poll that was
 * applied. A process alone has no bound to keep.
 */
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

  /** Whether this process may answer from what it knows itself. */
  get isFresh(): boolean {
    return this.isRecent(this.#moment?.sentAtMs ?? Number.NEGATIVE_INFINITY, this.#ports.clock.monotonicMs())
  }

  /** Whether what was true at one moment may be answered to a read that began at another; monotonic ms. */
  isRecent(asOfMs: number, readAtMs: number): boolean {
    const { isExclusive, stalenessMs } = this.#ports
    return isExclusive || readAtMs - asOfMs <= stalenessMs
  }

  /** Δ, ms. */
  get stalenessMs(): number {
    return this.#ports.stalenessMs
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
    const { archive, follower, clock, known, archiveTime, instance } = this.#ports
    const sentAtMs = clock.monotonicMs()
    const committed = this.#ports.committedThrough()
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
  }

  #schedule(delayMs: number): void {
    if (!this.#isRunning) return
    const { clock, observer, stalenessMs, cacheSync } = this.#ports
    this.#cancelTimer = clock.setBackgroundTimer(delayMs, () => {
      const startedMs = clock.monotonicMs()
      void this.#pollOnce()
        // A cache that hangs must not keep the next poll waiting: what this process knows would go stale with it.
        .then(() => this.#moment && void cacheSync.bring(this.#moment))
        .catch((error: unknown) =>
          observer.fault?.({ part: 'poll', what: 'the heads could not be read', error }),
        )
        .finally(() =>
          this.#schedule(Math.max(PAUSE_MS_MIN, stalenessMs / 2 - (clock.monotonicMs() - startedMs))),
        )
    })
  }
}

import {
  sequenceAt,
  StorageError,
  TierMisconfigured,
  type ArchiveTier,
  type CancelTimer,
  type Clock,
  type Heads,
} from '@se/core'
import type { EngineObserver } from '../observer.ts'
import type { ArchiveViews } from './archive-views.ts'
import type { CacheView } from './cache-view.ts'
import type { ArchiveTime } from '../write/archive-time.ts'
import type { KnownWrites } from '../heard/known-writes.ts'

export interface HeadsPollPorts {
  readonly archive: Pick<ArchiveTier, 'readHeads'>
  readonly views: Pick<ArchiveViews, 'catchUp' | 'cut' | 'isBehind' | 'startOver'>
  readonly cacheView: CacheView | undefined
  readonly known: Pick<KnownWrites, 'pollSent' | 'dropBefore'>
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
/** Pause before a cache that did not answer is tried again, ms. */
const ATTACH_PAUSE_MS = 1_000

/**
 * Asks the archive every Δ/2 how far it has come, and brings the views there.
 *
 * R5: with peers, memory, cache and "absent" answer only within Δ of the *sending* of the last poll that was
 * applied. A process alone has no bound to keep.
 */
export class HeadsPoll {
  readonly #ports: HeadsPollPorts
  #appliedSentAtMs = Number.NEGATIVE_INFINITY
  #heads: Heads | undefined
  /** Round of the poll that brought them. */
  #round = 0
  /** Own sequences up to here were committed and are gone, and the views have started over for it. */
  #lostThrough = 0
  #cancelTimer: CancelTimer | undefined
  #isRunning = false
  #last: Promise<void> = Promise.resolve()
  #waiting: Promise<void> | undefined
  #tending: Promise<void> | undefined
  /** The heads the cache was last brought to, or was tried to. */
  #tendedHeads: Heads | undefined
  #attachNotBeforeMs = Number.NEGATIVE_INFINITY
  /** What is wrong with the cache's configuration, as it was told last. */
  #toldOfCache: string | undefined

  constructor(ports: HeadsPollPorts) {
    this.#ports = ports
  }

  /** Whether this process may answer from what it knows itself. */
  get isFresh(): boolean {
    return this.isRecent(this.#appliedSentAtMs, this.#ports.clock.monotonicMs())
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
    await this.#last.catch(() => {})
    await this.#tending
  }

  /**
   * Polls now, and brings the cache to the heads; calls that meet share a poll, never one that had begun before
   * them.
   *
   * @throws TierUnavailable when the archive does not answer; a cache that does not is no error
   */
  async now(): Promise<void> {
    await this.#pollOnce()
    // One that began before our poll may have been told of older heads.
    await this.#tending
    if (this.#tendedHeads !== this.#heads) await this.#tend()
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
    const { archive, views, clock, known, archiveTime, instance } = this.#ports
    const sentAtMs = clock.monotonicMs()
    const committed = this.#ports.committedThrough()
    const round = known.pollSent()
    const heads = await archive.readHeads()
    archiveTime.heard(sentAtMs, heads.nowMs)
    const own = sequenceAt(heads.cut, instance)
    // A batch that was committed is gone: the archive was set back, so early that the views had not heard of it [P65].
    if (own < committed && committed > this.#lostThrough) {
      await views.startOver()
      this.#lostThrough = committed
    } else if (views.isBehind(heads.cut)) await views.catchUp()
    this.#heads = heads
    this.#round = round
    this.#appliedSentAtMs = sentAtMs
  }

  /** A cache that hangs must not keep the next poll waiting: what this process knows would go stale with it. */
  #tend(): Promise<void> {
    this.#tending ??= this.#tendCache().finally(() => {
      this.#tending = undefined
    })
    return this.#tending
  }

  async #tendCache(): Promise<void> {
    const { cacheView, known, clock } = this.#ports
    const heads = this.#heads
    const round = this.#round
    if (heads === undefined) return
    const sentAtMs = this.#appliedSentAtMs
    if (cacheView !== undefined) {
      const wasAttached = cacheView.isAttached
      try {
        if (wasAttached) await cacheView.tick(heads, sentAtMs, round)
        else if (clock.monotonicMs() >= this.#attachNotBeforeMs) await cacheView.attach()
        if (cacheView.isAttached) this.#toldOfCache = undefined
      } catch (error) {
        // L2 may be lost at any time; it is taken in again when it answers.
        cacheView.detach()
        this.#attachNotBeforeMs = clock.monotonicMs() + ATTACH_PAUSE_MS
        this.#tellOfCache(error, wasAttached)
      }
    }
    this.#tendedHeads = heads
    known.dropBefore(round)
  }

  /** Once for each thing that somebody has to change; else once when it ceases to answer. */
  #tellOfCache(error: unknown, wasAttached: boolean): void {
    const isMisconfigured = error instanceof TierMisconfigured
    const isNews = isMisconfigured
      ? error.message !== this.#toldOfCache
      : wasAttached || !(error instanceof StorageError)
    if (isMisconfigured) this.#toldOfCache = error.message
    if (!isNews) return
    const what = isMisconfigured ? error.message : 'the cache does not answer; reads go to the archive'
    this.#ports.observer.fault?.({ part: 'cache', what, error })
  }

  #schedule(delayMs: number): void {
    if (!this.#isRunning) return
    const { clock, observer, stalenessMs } = this.#ports
    this.#cancelTimer = clock.setBackgroundTimer(delayMs, () => {
      const startedMs = clock.monotonicMs()
      void this.#pollOnce()
        .then(() => void this.#tend())
        .catch((error: unknown) =>
          observer.fault?.({ part: 'poll', what: 'the heads could not be read', error }),
        )
        .finally(() =>
          this.#schedule(Math.max(PAUSE_MS_MIN, stalenessMs / 2 - (clock.monotonicMs() - startedMs))),
        )
    })
  }
}

import { StorageError, TierMisconfigured, type Heads } from '@se/core'
import type { BackEnd } from '../seam/channel.ts'
import type { PollSent } from '../seam/standing.ts'
import type { Telemetry } from '../telemetry.ts'
import type { CacheView } from './cache-view.ts'

/** What a poll has brought. The object itself is its identity. */
export interface PolledHeads {
  readonly heads: Heads
  readonly sent: PollSent
}

export interface CacheSyncPorts {
  /** `undefined`: there is no cache. */
  readonly cacheView: Pick<CacheView, 'isAttached' | 'attach' | 'detach' | 'advanceTo'> | undefined
  readonly front: Pick<BackEnd, 'send'>
  readonly telemetry: Telemetry
}

/** Pause before a cache that did not answer is tried again, ms. */
const ATTACH_PAUSE_MS = 1_000

/** Brings the cache to the heads of each poll; takes it in when it answers again, and gives it up when it ceases to. */
export class CacheSync {
  readonly #ports: CacheSyncPorts
  #running: Promise<void> | undefined
  #brought: PolledHeads | undefined
  #attachNotBeforeMs = Number.NEGATIVE_INFINITY
  /** What is wrong with the cache's configuration, as it was reported last. */
  #reported: string | undefined

  constructor(ports: CacheSyncPorts) {
    this.#ports = ports
  }

  /** The heads the cache was last brought to, or was tried to. */
  get brought(): PolledHeads | undefined {
    return this.#brought
  }

  /** Waits for what is under way. */
  settled(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  /** Callers that meet share one run, which may have begun with older heads. A cache that does not answer is no error. */
  bring(polled: PolledHeads): Promise<void> {
    this.#running ??= this.#bring(polled).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #bring(polled: PolledHeads): Promise<void> {
    const { cacheView, front, telemetry } = this.#ports
    const { clock } = telemetry
    const { heads, sent } = polled
    if (cacheView !== undefined) {
      const wasAttached = cacheView.isAttached
      try {
        if (wasAttached) await cacheView.advanceTo(heads, sent)
        else if (clock.monotonicMs() >= this.#attachNotBeforeMs) await cacheView.attach()
        if (cacheView.isAttached) this.#reported = undefined
      } catch (error) {
        // L2 may be lost at any time; it is taken in again when it answers.
        cacheView.detach()
        this.#attachNotBeforeMs = clock.monotonicMs() + ATTACH_PAUSE_MS
        this.#reportFailure(error, wasAttached)
      }
    }
    this.#brought = polled
    front.send({ kind: 'tended', round: sent.round })
  }

  /** Once for each thing that an operator has to change; else once when it ceases to answer. */
  #reportFailure(error: unknown, wasAttached: boolean): void {
    const isMisconfigured = error instanceof TierMisconfigured
    const isNews = isMisconfigured
      ? error.message !== this.#reported
      : wasAttached || !(error instanceof StorageError)
    if (isMisconfigured) this.#reported = error.message
    if (!isNews) return
    const what = isMisconfigured ? error.message : 'the cache does not answer; reads go to the archive'
    this.#ports.telemetry.observer.fault?.({ part: 'cache', what, error })
  }
}

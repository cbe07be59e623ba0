import type { CacheTier, Clock, StorageError } from '@se/core'
import { STRIPE_COUNT, stripeOfId } from '@se/core/hash'
import type { KnownWrites } from '../heard/known-writes.ts'
import type { ToFront } from '../seam/messages.ts'
import { standsAt, type Standing } from '../seam/standing.ts'
import type { FollowedViews } from './followed-views.ts'

export interface AskableStripesPorts {
  readonly cache: Pick<CacheTier, 'health'>
  readonly followed: Pick<FollowedViews, 'cut'>
  readonly known: Pick<KnownWrites, 'droppedBefore'>
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Δ, ms: a stripe that was not seen at the heads for so long is not asked. */
  readonly stalenessMs: number
}

/** What an entry of the cache is worth. */
export interface EntryWorth {
  /**
   * The stripe is known to stand where the views stand, or beyond: what it answers is as new as everything this process has
   * heard, so memory may keep it.
   */
  readonly mayKeep: boolean
  /** Monotonic ms of the poll whose heads the stripe covers: nothing that was written before is missing. */
  readonly asOfMs: number
}

/**
 * Which stripes of the cache may be asked, by what the back has told of them. One is asked only while it was seen at the heads
 * within Δ, and stands at everything that was known of single ids and has been forgotten.
 */
export class AskableStripes {
  readonly #ports: AskableStripesPorts
  readonly #standings: (Standing | undefined)[] = new Array<undefined>(STRIPE_COUNT).fill(undefined)
  #state: Omit<ToFront & { readonly kind: 'cache-state' }, 'kind'> = { isAttached: false, shared: undefined }

  constructor(ports: AskableStripesPorts) {
    this.#ports = ports
  }

  /** Whether the cache was reached and brought into line since the start. */
  get isAttached(): boolean {
    return this.#state.isAttached && this.#state.shared === undefined
  }

  /** What stands against the cache, or a part of it; `undefined`: nothing is known. */
  get failure(): StorageError | undefined {
    return this.#state.shared ?? this.#ports.cache.health().failure
  }

  /** What an entry is worth that the id's stripe answers now; `undefined`: it is not known to be recent enough, and is not asked. */
  worthOf(id: string): EntryWorth | undefined {
    const { clock, followed } = this.#ports
    const standing = this.#standings[stripeOfId(id)]
    if (standing === undefined || !this.isAttached || !this.#isRecent(standing, clock.monotonicMs()))
      return undefined
    return { mayKeep: standsAt(standing, followed.cut), asOfMs: standing.from.sentAtMs }
  }

  /** Stripes that may be asked now. */
  get count(): number {
    if (!this.isAttached) return 0
    const nowMs = this.#ports.clock.monotonicMs()
    return this.#standings.filter((standing) => standing !== undefined && this.#isRecent(standing, nowMs))
      .length
  }

  /** Of the cache as a whole, as the back has told. */
  changed(state: Omit<ToFront & { readonly kind: 'cache-state' }, 'kind'>): void {
    this.#state = state
  }

  /** What is known of a stripe; `undefined`: nothing. */
  found(stripe: number, standing: Standing | undefined): void {
    this.#standings[stripe] = standing
  }

  /** Nothing is known of any stripe. */
  forgetAll(): void {
    this.#standings.fill(undefined)
  }

  #isRecent({ from }: Standing, nowMs: number): boolean {
    const { stalenessMs, known } = this.#ports
    return nowMs - from.sentAtMs <= stalenessMs && from.round >= known.droppedBefore
  }
}

import {
  SharedRun,
  type CacheHealth,
  type CachePermit,
  type CachePut,
  type CachePutOutcome,
  type CacheTier,
  type Cut,
  type FinishedStripe,
  type LedgerRow,
  type Lookup,
  type StoredLeaf,
  type StripeReading,
  type StripeState,
} from '@se/core'
import type { BreakerState } from '../observer.ts'
import { Guard, type GuardLimits, type GuardOptions } from './guard.ts'

/**
 * Limits in front of L2: nothing is tried twice, since the archive answers sooner than a second try, and what a
 * put misses is made good by the process that finishes the stripe.
 */
export const CACHE_GUARD_LIMITS: GuardLimits = {
  lookupMs: 1_000,
  callMs: 5_000,
  longMs: 30_000,
  attemptsMax: 1,
  retryMs: 20,
  retryMsMax: 200,
  failuresMax: 5,
  openMs: 1_000,
}

export interface GuardedCache extends CacheTier {
  readonly breakerState: BreakerState
}

/** A cache with timeout and breaker in front of it; see {@link Guard}. */
export function guardCache(cache: CacheTier, options: GuardOptions): GuardedCache {
  return new CacheBehindGuard(cache, options)
}

/**
 * Stripes are never tried twice: the first try may have moved them. What becomes of a single stripe says nothing of the cache as
 * a whole (a node of a cluster may be down), so it passes by the breaker.
 */
class CacheBehindGuard implements GuardedCache {
  readonly backend: string
  readonly #cache: CacheTier
  readonly #guard: Guard
  readonly #opening = new SharedRun<void>()

  constructor(cache: CacheTier, options: GuardOptions) {
    this.backend = cache.backend
    this.#cache = cache
    this.#guard = new Guard(cache.backend, 'L2', options, CACHE_GUARD_LIMITS)
  }

  get breakerState(): BreakerState {
    return this.#guard.breakerState
  }

  /** One that was given up still runs, and the next waits for it instead of opening twice. */
  open(options: { readonly branches: readonly string[]; readonly birthId: string }): Promise<void> {
    this.#guard.open()
    return this.#once(() => this.#opening.run(() => this.#cache.open(options)))
  }

  async close(): Promise<void> {
    this.#guard.close()
    await this.#cache.close()
  }

  get(id: string): Promise<Lookup> {
    return this.#guard.lookup(() => this.#cache.get(id))
  }

  async getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    if (ids.length === 0) return []
    return this.#guard.lookups(ids.length, 'batch_read', () => this.#cache.getMany(ids))
  }

  health(): CacheHealth {
    return this.#cache.health()
  }

  believe(states: readonly StripeState[]): void {
    this.#cache.believe(states)
  }

  doubt(stripes?: readonly number[]): void {
    this.#cache.doubt(stripes)
  }

  readStripes(): Promise<readonly StripeReading[]> {
    return this.#repeated(() => this.#cache.readStripes())
  }

  /** As short as a lookup: commits and reads wait for it, and go on without [W2]. */
  readPermits(ids: readonly string[]): Promise<readonly (CachePermit | undefined)[]> {
    const { lookupMs, attemptsMax } = this.#guard.limits
    return this.#guard.call(() => this.#cache.readPermits(ids), { timeoutMs: lookupMs, attemptsMax })
  }

  put(puts: readonly CachePut[]): Promise<readonly CachePutOutcome[]> {
    return this.#once(() => this.#cache.put(puts))
  }

  createStripe(stripe: number, cut: Cut, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined> {
    return this.#onStripe('making a stripe', () => this.#cache.createStripe(stripe, cut, leaves))
  }

  finishStripe(state: StripeState, rows: readonly LedgerRow[], to: Cut): Promise<FinishedStripe | undefined> {
    return this.#onStripe('finishing a stripe', () => this.#cache.finishStripe(state, rows, to))
  }

  readReceipt(stripe: number): Promise<{ state: StripeState; leaves: readonly StoredLeaf[] } | undefined> {
    return this.#onStripe('reading a receipt', () => this.#cache.readReceipt(stripe))
  }

  invalidateLeaves(state: StripeState, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined> {
    return this.#onStripe('invalidating leaves', () => this.#cache.invalidateLeaves(state, leaves))
  }

  resetStripe(
    expected: StripeState,
    cut: Cut,
    leaves: readonly StoredLeaf[],
  ): Promise<StripeState | undefined> {
    return this.#onStripe('starting a stripe over', () => this.#cache.resetStripe(expected, cut, leaves))
  }

  renewEpoch(state: StripeState): Promise<boolean> {
    return this.#onStripe('renewing an epoch', () => this.#cache.renewEpoch(state))
  }

  timeToLiveMs(id: string): Promise<number | undefined> {
    return this.#repeated(() => this.#cache.timeToLiveMs(id))
  }

  keyOf(id: string): string {
    return this.#cache.keyOf(id)
  }

  #repeated<T>(run: () => Promise<T>): Promise<T> {
    const { callMs, attemptsMax } = this.#guard.limits
    return this.#guard.call(run, { timeoutMs: callMs, attemptsMax })
  }

  #onStripe<T>(what: string, run: () => Promise<T>): Promise<T> {
    return this.#guard.long(what, run, this.#guard.limits.callMs)
  }

  #once<T>(run: () => Promise<T>): Promise<T> {
    return this.#guard.call(run, { timeoutMs: this.#guard.limits.callMs, attemptsMax: 1 })
  }
}

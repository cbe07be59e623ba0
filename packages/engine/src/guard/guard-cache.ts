import type { CacheTier } from '@se/core'
import type { BreakerState } from '../observer/events.ts'
import { Guard, type GuardLimits, type GuardOptions } from './guard.ts'
import { guardTier, type Policies } from './policy.ts'
import { RunningCalls } from './running-calls.ts'

/**
 * Limits in front of L2: nothing is tried twice, since the archive answers sooner than a second try, and what a
 * put misses is made good by the process that advances the stripe.
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

/**
 * How each method of the cache is guarded. Stripes are never tried twice: the first try may have moved them. What becomes of a
 * single stripe says nothing of the cache as a whole (a node of a cluster may be down), so it passes by the breaker. `readPermits`
 * is as short as a lookup: commits and reads wait for it, and go on without [W2].
 */
// prettier-ignore
export const CACHE_POLICIES = {
  open:             { how: 'call', limit: 'callMs', joins: 'always', mayRepeat: false },
  close:            { how: 'close' },
  health:           { how: 'direct' },
  believe:          { how: 'direct' },
  doubt:            { how: 'direct' },
  get:              { how: 'lookup' },
  getMany:          { how: 'lookups' },
  readPermits:      { how: 'call', limit: 'lookupMs', joins: 'never', mayRepeat: true },
  put:              { how: 'call', limit: 'callMs', joins: 'never', mayRepeat: false },
  readStripes:      { how: 'call', limit: 'callMs', joins: 'never', mayRepeat: true },
  createStripe:     { how: 'task', limit: 'callMs', joins: 'never', what: 'making a stripe' },
  advanceStripe:    { how: 'task', limit: 'callMs', joins: 'never', what: 'advancing a stripe' },
  resetStripe:      { how: 'task', limit: 'callMs', joins: 'never', what: 'starting a stripe over' },
  renewEpoch:       { how: 'task', limit: 'callMs', joins: 'never', what: 'renewing an epoch' },
  readReceipt:      { how: 'task', limit: 'callMs', joins: 'never', what: 'reading a receipt' },
  invalidateLeaves: { how: 'task', limit: 'callMs', joins: 'never', what: 'invalidating leaves' },
  timeToLiveMs:     { how: 'call', limit: 'callMs', joins: 'never', mayRepeat: true },
  keyOf:            { how: 'direct' },
} as const satisfies Policies<CacheTier>

export interface GuardedCache extends CacheTier {
  readonly breakerState: BreakerState
}

/** A cache with timeout and breaker in front of it; see {@link Guard}. */
export function guardCache(cache: CacheTier, options: GuardOptions): GuardedCache {
  const guard = new Guard(cache.backend, 'L2', options, CACHE_GUARD_LIMITS)
  return {
    ...guardTier(cache, CACHE_POLICIES, guard, new RunningCalls()),
    get breakerState() {
      return guard.breakerState
    },
  }
}

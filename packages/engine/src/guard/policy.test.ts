import { InvalidInput, TierUnavailable, type ArchiveTier, type CacheTier } from '@se/core'
import { createFakeClock, seededRandom, type FakeClock } from '@se/core/testing'
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { createMemoryCache, createMemoryTiers } from '../testing/memory-tiers.ts'
import { ARCHIVE_GUARD_LIMITS, ARCHIVE_POLICIES, guardArchive } from './guard-archive.ts'
import { CACHE_GUARD_LIMITS, CACHE_POLICIES, guardCache } from './guard-cache.ts'
import type { GuardOptions } from './guard.ts'
import type { MethodOf, MethodPolicy } from './policy.ts'

/**
 * Goal: each method of the two ports is in its table, and behaves as its line says. Method: the tables are walked, on tiers that
 * never answer, or fail.
 */

type AnyMethod = (...args: readonly unknown[]) => unknown
type AnyTier = Record<string, AnyMethod> & { readonly breakerState: string }

const TABLES = [
  { name: 'archive', policies: ARCHIVE_POLICIES, limits: ARCHIVE_GUARD_LIMITS, guard: guardArchive },
  { name: 'cache', policies: CACHE_POLICIES, limits: CACHE_GUARD_LIMITS, guard: guardCache },
] as const
/** Several, so that one that is not repeated is told from one that is. */
const ATTEMPTS_MAX = 3
const DOWN = new TierUnavailable('the tier is down')

let clock: FakeClock
let options: GuardOptions
beforeEach(() => {
  clock = createFakeClock()
  options = {
    clock,
    random: seededRandom(1),
    observer: {},
    attemptsMax: ATTEMPTS_MAX,
    failuresMax: 100,
    retryMs: 1,
    retryMsMax: 1,
  }
})

it('each method of the ports has a policy, and nothing else has', () => {
  expectTypeOf<keyof typeof ARCHIVE_POLICIES>().toEqualTypeOf<MethodOf<ArchiveTier>>()
  expectTypeOf<keyof typeof CACHE_POLICIES>().toEqualTypeOf<MethodOf<CacheTier>>()
  // What is behind the types: a name that the double does not have is in no port.
  const { archive } = createMemoryTiers({ clock, seed: 1 })
  const cache = createMemoryCache(1).connect()
  for (const name of Object.keys(ARCHIVE_POLICIES)) expect(archive).toHaveProperty(name)
  for (const name of Object.keys(CACHE_POLICIES)) expect(cache).toHaveProperty(name)
})

describe.each(TABLES)('$name:', ({ policies, limits, guard }) => {
  /** A tier whose every method does the same, behind its guard. */
  const guarded = (method: AnyMethod): AnyTier => {
    const methods = Object.fromEntries(Object.keys(policies).map((name) => [name, method]))
    return guard({ backend: 'memory', ...methods } as never, options) as unknown as AnyTier
  }
  const walk = (...hows: readonly MethodPolicy['how'][]) =>
    Object.entries<MethodPolicy>(policies).filter(([, { how }]) => hows.includes(how))
  const limitOf = (policy: MethodPolicy): number => {
    if ('limit' in policy) return limits[policy.limit]
    return policy.how === 'scan' ? limits.callMs : limits.lookupMs
  }
  const argument = (how: MethodPolicy['how']): unknown => {
    if (how === 'lookups') return ['a', 'b']
    return how === 'scan' ? () => {} : { writes: [], claim: {} }
  }

  it.each(walk('call', 'task', 'scan', 'lookup', 'lookups'))(
    '%s is given up after its limit, and not before [W10]',
    async (name, policy) => {
      const tier = guarded(() => new Promise(() => {}))
      let outcome: unknown = 'waits'
      Promise.resolve(tier[name]!(argument(policy.how))).then(
        (answer) => (outcome = answer),
        (error: unknown) => (outcome = error),
      )
      await clock.advance(limitOf(policy) - 1)
      expect(outcome).toBe('waits')
      await clock.advance(1)
      // One that may be repeated is, after a pause, and each attempt has the whole limit.
      if (policy.how === 'call' && policy.mayRepeat) {
        expect(outcome).toBe('waits')
        for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++) await clock.advance(limitOf(policy) + 1)
      }
      if (policy.how === 'lookup') expect(outcome).toMatchObject({ kind: 'unknown', because: 'timeout' })
      else if (policy.how === 'lookups')
        expect(outcome).toMatchObject([{ kind: 'unknown' }, { because: 'timeout' }])
      else expect(outcome).toBeInstanceOf(TierUnavailable)
      expect(clock.timerCount).toBe(0)
    },
  )

  it.each(walk('call', 'task', 'scan', 'lookup', 'lookups'))(
    '%s is sent again after a failure only where the table says so [W5, W7]',
    async (name, policy) => {
      let sent = 0
      const tier = guarded(() => {
        sent++
        return Promise.reject(DOWN)
      })
      const answer = Promise.resolve(tier[name]!(argument(policy.how)))
      const settled = answer.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      )
      for (let step = 0; step < 10; step++) await clock.advance(1)
      const isLookup = policy.how === 'lookup' || policy.how === 'lookups'
      const mayRepeat = isLookup || (policy.how === 'call' && policy.mayRepeat)
      expect(sent).toBe(mayRepeat ? ATTEMPTS_MAX : 1)
      if (isLookup) expect(JSON.stringify(await settled)).toContain('"kind":"unknown"')
      else expect(await settled).toEqual({ error: DOWN })
    },
  )

  it.each(walk('call', 'task', 'scan', 'lookup', 'lookups'))(
    '%s asks the breaker only where the table says so',
    async (name, policy) => {
      options = { ...options, failuresMax: 1, attemptsMax: 1 }
      const tier = guarded(() => Promise.reject(DOWN))
      await Promise.allSettled([tier[name]!(argument(policy.how))])
      expect(tier.breakerState).toBe(policy.how === 'task' || policy.how === 'scan' ? 'closed' : 'open')
    },
  )

  it.each(walk('call', 'task'))(
    '%s waits for one that was given up only where the table says so [P61]',
    async (name, policy) => {
      let begun = 0
      options = { ...options, attemptsMax: 1 }
      const tier = guarded(() => {
        begun++
        return new Promise(() => {})
      })
      const asked = argument(policy.how)
      for (let call = 0; call < 2; call++) {
        const ended = Promise.allSettled([tier[name]!(asked)])
        await clock.advance(limitOf(policy))
        await ended
      }
      expect(begun).toBe('joins' in policy && policy.joins !== 'never' ? 1 : 2)
    },
  )

  it.each(walk('call', 'task', 'scan', 'lookup', 'lookups', 'direct'))(
    '%s hands the caller’s own mistake through',
    async (name, policy) => {
      const mistake = new InvalidInput('id', 'is bad')
      const tier = guarded(() => {
        throw mistake
      })
      await expect((async () => tier[name]!(argument(policy.how)))()).rejects.toBe(mistake)
    },
  )

  it('what the tier lacks is lacking behind the guard', () => {
    const tier = guard({ backend: 'memory', get: () => {} } as never, options)
    expect(Object.keys(tier).sort()).toEqual(
      [
        'backend',
        'breakerState',
        'get',
        ...('isPutRunning' in tier ? ['isPutRunning', 'isRetirementRunning'] : []),
      ].sort(),
    )
  })
})

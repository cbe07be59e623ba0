import type { Guard, GuardLimits } from './guard.ts'
import type { Joins, RunningCalls } from './running-calls.ts'

/**
 * How one method of a tier is guarded.
 *
 *   how      given up after            breaker       a failure is
 *   direct   never: it does no I/O     not asked     thrown
 *   close    never                     not asked     thrown; whoever waits for the tier is sent away first
 *   lookup   `lookupMs`                asked, told   `unknown`, never `absent` [R1]; asked again when disconnected
 *   lookups  the same, for many ids at once
 *   call     its limit                 asked, told   thrown; sent again when the tier was unavailable, if that may be
 *   task     its limit                 passed by     thrown: whoever asked for it repeats it in its own time
 *   scan     `callMs` without a chunk  passed by     thrown
 */
export type MethodPolicy =
  | { readonly how: 'direct' | 'close' | 'lookup' | 'lookups' }
  | {
      readonly how: 'call'
      readonly limit: keyof Pick<GuardLimits, 'lookupMs' | 'callMs'>
      /** It only reads, or the tier knows again what it has had. */
      readonly mayRepeat: boolean
      readonly joins: Joins
    }
  | {
      readonly how: 'task'
      readonly limit: keyof Pick<GuardLimits, 'callMs' | 'longMs'>
      readonly joins: Joins
      /** For the message when it is given up. */
      readonly what: string
    }
  | { readonly how: 'scan'; readonly what: string }

/** Names of a tier's methods, optional ones included. */
export type MethodOf<Tier> = {
  [Name in keyof Tier]-?: NonNullable<Tier[Name]> extends (...args: never[]) => unknown ? Name : never
}[keyof Tier]

/** The policies of a tier: one for each method, and none for anything else. */
export type Policies<Tier> = Readonly<Record<MethodOf<Tier>, MethodPolicy>>

type Method = (...args: readonly unknown[]) => unknown
type AsyncMethod = (...args: readonly unknown[]) => Promise<never>

/**
 * A tier with a guard in front of it, built from its policies. An optional method that the tier lacks is lacking behind the
 * guard, too. `open` opens the guard, and `close` closes it.
 */
export function guardTier<Tier extends { readonly backend: string }>(
  tier: Tier,
  policies: Policies<Tier>,
  guard: Guard,
  running: RunningCalls,
): Tier {
  const methods = tier as unknown as Readonly<Record<string, Method | undefined>>
  const guarded: Record<string, unknown> = { backend: tier.backend }
  for (const [name, policy] of Object.entries<MethodPolicy>(policies)) {
    if (methods[name] === undefined) continue
    const run: Method = (...args) => methods[name]!(...args)
    const method = guardMethod(name, run, policy, guard, running)
    guarded[name] = name === 'open' ? opening(guard, method) : method
  }
  return guarded as Tier
}

function opening(guard: Guard, open: Method): Method {
  return (...args) => {
    guard.open()
    return open(...args)
  }
}

function guardMethod(
  name: string,
  method: Method,
  policy: MethodPolicy,
  guard: Guard,
  running: RunningCalls,
): Method {
  const run = method as AsyncMethod
  const { limits } = guard
  switch (policy.how) {
    case 'direct':
      return method
    case 'close':
      return async () => {
        guard.close()
        running.forget()
        await run()
      }
    case 'lookup':
      return (id) => guard.lookup(() => run(id))
    case 'lookups':
      return async (ids) => {
        const { length } = ids as readonly string[]
        return length === 0 ? [] : guard.lookups(length, 'batch_read', () => run(ids))
      }
    case 'call': {
      const options = {
        timeoutMs: limits[policy.limit],
        attemptsMax: policy.mayRepeat ? limits.attemptsMax : 1,
      }
      const joined = running.joining(name, run, policy.joins)
      return (...args) => guard.call(() => joined(...args), options)
    }
    case 'task': {
      const joined = running.joining(name, run, policy.joins)
      return (...args) => guard.long(policy.what, () => joined(...args), limits[policy.limit])
    }
    case 'scan':
      return (visit) =>
        guard.scan(policy.what, (progress) =>
          run((chunk: unknown) => {
            progress.arrived()
            const seen = (visit as Method)(chunk)
            if (seen instanceof Promise) return seen.then(() => progress.handled())
            return progress.handled()
          }),
        )
  }
}

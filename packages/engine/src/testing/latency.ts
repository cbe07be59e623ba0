import type { ArchiveTier, CacheTier } from '@se/core'

const ARCHIVE_CALLS = [
  'claimInstance',
  'putBatch',
  'get',
  'getMany',
  'readHeads',
  'readTail',
  'readTree',
  'foldTree',
  'scanIds',
  'scanRows',
] as const satisfies readonly (keyof ArchiveTier)[]

const CACHE_CALLS = [
  'readStripes',
  'get',
  'getMany',
  'readPermits',
  'put',
  'createStripe',
  'advanceStripe',
  'readReceipt',
  'invalidateLeaves',
  'resetStripe',
] as const satisfies readonly (keyof CacheTier)[]

/**
 * A tier whose calls take time, before and after what they do, so that they overlap and their answers overtake
 * each other.
 *
 * @param pause draws a delay and waits for it, on the way there and on the way back
 */
export function withLatency<T extends ArchiveTier | CacheTier>(
  tier: T,
  pause: (when: 'before' | 'after') => Promise<void>,
): T {
  const calls: readonly string[] = 'putBatch' in tier ? ARCHIVE_CALLS : CACHE_CALLS
  return new Proxy(tier, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>
      if (!calls.includes(String(name))) return method
      return async (...args: unknown[]) => {
        await pause('before')
        try {
          return await method(...args)
        } finally {
          await pause('after')
        }
      }
    },
  })
}

import { describe, expect, it } from 'vitest'
import { cacheContract } from './cache-contract.ts'
import { memoryCacheHarness } from './memory-cache-harness.ts'
import { without } from './without.ts'

/** Goal: the cache in memory keeps the obligations that Redis keeps. */
describe('memory cache', () => {
  for (const { title, run } of cacheContract) it(title, () => run(memoryCacheHarness()))
})

/** Goal: a cache that lacks an optional power can be held to everything else. */
describe('a cache that explains nothing', () => {
  for (const { title, needs = [], run } of cacheContract) {
    const lacking = () => {
      const whole = memoryCacheHarness()
      return {
        ...whole,
        connect: async (options?: Parameters<typeof whole.connect>[0]) =>
          without(await whole.connect(options), ['keyOf', 'timeToLiveMs']),
      }
    }
    if (needs.length === 0) it(title, () => run(lacking()))
    else it(`needs ${needs.join(' and ')}: ${title}`, () => expect(run(lacking())).rejects.toThrow())
  }
})

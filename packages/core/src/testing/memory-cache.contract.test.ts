import { describe, it } from 'vitest'
import { cacheContract } from './cache-contract.ts'
import { createMemoryHarness } from './memory-cache-harness.ts'

/** Goal: the cache in memory keeps the obligations that Redis keeps. */
describe('memory cache', () => {
  for (const { title, run } of cacheContract) it(title, () => run(createMemoryHarness()))
})

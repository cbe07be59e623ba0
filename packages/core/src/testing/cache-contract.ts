import { entryCases } from './cache-contract-entries.ts'
import { failureCases } from './cache-contract-failures.ts'
import type { CacheContractCase } from './cache-contract-kit.ts'
import { stripeCases } from './cache-contract-stripes.ts'
import { trustCases } from './cache-contract-trust.ts'

/** The obligations of a cache tier, for any test runner. */
export const cacheContract: readonly CacheContractCase[] = [
  ...entryCases,
  ...stripeCases,
  ...trustCases,
  ...failureCases,
]

import { InvalidInput } from '@se/core'
import type { HashKey } from './key-hash.ts'

/** Most keys a filter can be created for; a growing one may come to hold more. */
export const CAPACITY_MAX = 2 ** 30

export interface FilterOptions {
  /** Keys to make room for from the start, 1 … 2^30. */
  readonly capacity: number
  /** Largest share of absent keys that may be answered "present"; above 0, below 1. */
  readonly falsePositiveRate: number
  /** u32, default 0. Filters with different seeds err on different keys. */
  readonly seed?: number
  /** Default: MurmurHash3 x86_128 with seed 0 over the key's UTF-8, first 64 bits (`hashId` of `@se/core/hash`). */
  readonly hash?: HashKey
}

/** Checks what all filters have in common. @throws InvalidInput naming the field and its limits */
export function checkOptions(options: FilterOptions): {
  capacity: number
  falsePositiveRate: number
  seed: number
} {
  const { capacity, falsePositiveRate, seed = 0 } = options
  checkInteger('capacity', capacity, 1, CAPACITY_MAX)
  checkInteger('seed', seed, 0, 2 ** 32 - 1)
  if (typeof falsePositiveRate !== 'number' || !(falsePositiveRate > 0 && falsePositiveRate < 1)) {
    throw new InvalidInput('falsePositiveRate', 'must be a number above 0 and below 1', {
      actual: falsePositiveRate,
    })
  }
  if (options.hash !== undefined && typeof options.hash !== 'function') {
    throw new InvalidInput('hash', 'must be a function')
  }
  return { capacity, falsePositiveRate, seed }
}

/** @throws InvalidInput when the rate cannot be kept */
export function checkAttainable(falsePositiveRate: number, rateMin: number, because: string): void {
  if (falsePositiveRate >= rateMin) return
  throw new InvalidInput('falsePositiveRate', `cannot be kept below ${rateMin.toPrecision(3)} ${because}`, {
    limit: rateMin,
    actual: falsePositiveRate,
  })
}

export function checkInteger(field: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new InvalidInput(field, `must be an integer from ${min} to ${max}`, { min, max, actual: value })
}

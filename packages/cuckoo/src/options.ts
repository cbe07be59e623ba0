import {
  integerField,
  InvalidInput,
  otherField,
  readFields,
  refuseInput,
  type Field,
  type FieldValues,
} from '@se/core'
import type { HashKey } from './key-hash.ts'

/** Most keys a filter can be created for; a growing one may come to hold more. */
export const CAPACITY_MAX = 2 ** 30

export interface FilterOptions {
  /** Keys to make room for from the start. */
  readonly capacity: number
  /** Largest share of absent keys that may be answered "present"; above 0, below 1. */
  readonly falsePositiveRate: number
  /** u32. Filters with different seeds err on different keys. */
  readonly seed?: number
  /** Default: MurmurHash3 x86_128 with seed 0 over the key's UTF-8, first 64 bits (`hashId` of `@se/core/hash`). */
  readonly hash?: HashKey
}

/** The filter that a snapshot was made of. */
export interface RestoreOptions {
  /** The function the filter was created with, where that was not the default. */
  readonly hash?: HashKey
}

const HASH_MEANING = 'Function that hashes a key; the same for ever, as a snapshot is refused under another.'

/** The table of {@link FilterOptions}. */
export const FILTER_FIELDS = {
  capacity: integerField({
    isRequired: true,
    min: 1,
    max: CAPACITY_MAX,
    meaning: 'Keys to make room for from the start.',
  }),
  falsePositiveRate: otherField<number, { isRequired: true; meaning: string }>({
    isRequired: true,
    what: 'a number above 0 and below 1',
    accepts: (value) => typeof value === 'number' && value > 0 && value < 1,
    meaning: 'Largest share of absent keys that may be answered "present".',
  }),
  seed: integerField({
    default: 0,
    min: 0,
    max: 2 ** 32 - 1,
    meaning: 'Filters with different seeds err on different keys.',
  }),
  hash: otherField<HashKey>({ what: 'a function', accepts: isFunction, meaning: HASH_MEANING }),
} as const satisfies Readonly<Record<keyof FilterOptions, Field<unknown>>>

/** The table of {@link RestoreOptions}. */
export const RESTORE_FIELDS = {
  hash: otherField<HashKey>({ what: 'a function', accepts: isFunction, meaning: HASH_MEANING }),
} as const satisfies Readonly<Record<keyof RestoreOptions, Field<unknown>>>

/** Checks what all filters have in common. @throws InvalidInput naming the field and its limits */
export function readFilterOptions(options: FilterOptions): FieldValues<typeof FILTER_FIELDS> {
  return readFields('', options, FILTER_FIELDS, refuseInput)
}

/** @throws InvalidInput naming the field */
export function readRestoreOptions(options: RestoreOptions): RestoreOptions {
  const { hash } = readFields('', options, RESTORE_FIELDS, refuseInput)
  return hash === undefined ? {} : { hash }
}

/** A text is a list of characters, and would be taken for so many keys. @throws InvalidInput */
export function checkKeys(keys: Iterable<string>): void {
  if (typeof keys === 'string') throw new InvalidInput('keys', 'must be a list of keys, not a single one')
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
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

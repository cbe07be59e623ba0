import {
  booleanField,
  integerField,
  numberField,
  otherField,
  readFields,
  refuseInput,
  type Field,
} from '@se/core'
import { PROCESSES_MAX } from './action-fields.ts'

/** What differs from run to run. */
export interface Variant {
  readonly processes: number
  /** By process: the number of its cache; `undefined`: it has none. */
  readonly caches: readonly (number | undefined)[]
  /** The only process, with the archive to itself: it may believe what it knows for ever. */
  readonly isExclusive: boolean
  readonly isMemoryTight: boolean
  /** Records the log may hold. */
  readonly recordsMax: number
  /** How long a write may wait for others before it is sent, ms. */
  readonly flushDelayMs: number
  /** Chance that a call to archive or cache takes time. */
  readonly latency: number
  /** Chance that a sync takes time. */
  readonly diskLatency: number
  /** Chance that a message between the planes of an engine takes time; `undefined`: they are in one thread, and none does. */
  readonly messageLatency: number | undefined
}

const VARIANT_FIELDS: { readonly [Name in keyof Variant]: Field<Variant[Name]> } = {
  processes: integerField({ min: 1, max: PROCESSES_MAX, isRequired: true, meaning: 'How many there are.' }),
  caches: otherField<Variant['caches'], { readonly meaning: string; readonly isRequired: true }>({
    what: `a list of numbers from 0 to ${PROCESSES_MAX - 1}, null for none`,
    accepts: (given) =>
      Array.isArray(given) &&
      given.every(
        (cache) => cache === undefined || (Number.isInteger(cache) && cache >= 0 && cache < PROCESSES_MAX),
      ),
    isRequired: true,
    meaning: 'By process: the number of its cache.',
  }),
  isExclusive: booleanField({ isRequired: true, meaning: 'Whether a process has the archive to itself.' }),
  isMemoryTight: booleanField({ isRequired: true, meaning: 'Whether some values are large.' }),
  recordsMax: integerField({
    min: 1,
    max: 1_000_000_000,
    isRequired: true,
    meaning: 'Records the log may hold.',
  }),
  flushDelayMs: integerField({
    min: 0,
    max: 60_000,
    isRequired: true,
    meaning: 'How long a write waits, ms.',
  }),
  latency: chance('That a call to archive or cache takes time.'),
  diskLatency: chance('That a sync takes time.'),
  messageLatency: numberField({
    min: 0,
    max: 1,
    meaning: 'That a message between the planes of an engine takes time. Default: they are in one thread.',
  }),
}

/** @throws InvalidInput naming the field, and what it may be */
export function readVariant(given: Readonly<Record<string, unknown>>): Variant {
  const { caches } = given
  const variant = readFields(
    'variant',
    // JSON has no `undefined`.
    { ...given, caches: Array.isArray(caches) ? caches.map((cache: unknown) => cache ?? undefined) : caches },
    VARIANT_FIELDS,
    refuseInput,
  )
  const { processes, caches: used, isExclusive } = variant
  if (used.length !== processes) {
    throw refuseInput(
      'variant.caches',
      `must have one entry for each of the ${processes} processes, not ${used.length}`,
    )
  }
  if (used.some((cache) => cache !== undefined && cache >= processes)) {
    throw refuseInput(
      'variant.caches',
      `must have numbers below ${processes}: there are as many caches as processes`,
    )
  }
  if (isExclusive && processes > 1) {
    throw refuseInput('variant.isExclusive', `must be false where there are ${processes} processes`)
  }
  return variant
}

function chance(meaning: string): Field<number> {
  return numberField({ min: 0, max: 1, isRequired: true, meaning })
}

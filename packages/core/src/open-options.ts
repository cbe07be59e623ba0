/** What the tiers are opened with, checked in one way by all of them: a caller in JavaScript has no compiler that does it. */
import type { ArchiveOpenOptions } from './archive-tier.ts'
import { BRANCH_SET_WANTED, isBranchSet, type BranchSet } from './branch.ts'
import type { CacheOpenOptions } from './cache-tier.ts'
import { TIMEOUT_MS_MAX } from './clock.ts'
import {
  integerField,
  oneOfField,
  otherField,
  readCallFields,
  type Field,
  type FieldValues,
} from './fields.ts'

type IsRequired = { readonly isRequired: true; readonly meaning: string }

/** Longest time of an `open` that names none, ms. */
const OPEN_MS = 30_000

const branches = otherField<BranchSet, IsRequired>({
  isRequired: true,
  what: BRANCH_SET_WANTED,
  accepts: isBranchSet,
  meaning: "The archive's set of id prefixes.",
})

/** The table of {@link ArchiveOpenOptions}. */
export const ARCHIVE_OPEN_FIELDS = {
  branches,
  digests: oneOfField({
    isRequired: true,
    allowed: ['keyed', 'unkeyed'],
    meaning: "Used at creation only; afterwards the archive's own choice stands.",
  }),
  timeoutMs: integerField({
    default: OPEN_MS,
    min: 1,
    max: TIMEOUT_MS_MAX,
    meaning: 'Longest time until the archive is open, or has failed, ms.',
  }),
} as const satisfies Readonly<Record<keyof ArchiveOpenOptions, Field<unknown>>>

/** The table of {@link CacheOpenOptions}. */
export const CACHE_OPEN_FIELDS = {
  branches,
  birthId: otherField<string, IsRequired>({
    isRequired: true,
    what: '32 hex digits',
    accepts: (value) => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value),
    meaning: 'Birth id of the archive.',
  }),
} as const satisfies Readonly<Record<keyof CacheOpenOptions, Field<unknown>>>

/** @throws InvalidInput naming the field */
export function readArchiveOpenOptions(options: ArchiveOpenOptions): FieldValues<typeof ARCHIVE_OPEN_FIELDS> {
  return readCallFields(options, ARCHIVE_OPEN_FIELDS)
}

/** @throws InvalidInput naming the field */
export function readCacheOpenOptions(options: CacheOpenOptions): FieldValues<typeof CACHE_OPEN_FIELDS> {
  return readCallFields(options, CACHE_OPEN_FIELDS)
}

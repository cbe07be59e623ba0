import {
  integerField,
  otherField,
  readFields,
  refuseInput,
  type Field,
  type FieldTable,
  type FieldValues,
} from '@se/core'
import type { Sha256 } from './sha256.ts'
import type { IdHash } from './tree-entry.ts'

/**
 * One table for each options object of the package: it checks what is given, fills in the defaults, refuses what is not a
 * field [P77], and prints the README's table.
 */

export interface DigestTreeOptions {
  /** Default: `hashId` of `@se/core/hash`. Trees are comparable only under the same one. */
  readonly idHash?: IdHash
  /** Default: the platform's. */
  readonly sha256?: Sha256
}

export interface RowDigesterOptions {
  /** Default: the platform's. */
  readonly sha256?: Sha256
}

export interface DiffOptions {
  /** Difference of a branch's item counts from which its leaves are read at once instead of level by level. */
  readonly wholeFromGap?: number
}

const sha256 = functionField<Sha256>("SHA-256 of bytes, as 32 latin1 characters. Default: the platform's.")

/** The table of {@link DigestTreeOptions}. */
export const TREE_FIELDS = {
  idHash: functionField<IdHash>(
    'Hash of an id. Default: `hashId` of `@se/core/hash`. Trees are comparable only under the same one.',
  ),
  sha256,
} as const satisfies Readonly<Record<keyof DigestTreeOptions, Field<unknown>>>

/** The table of {@link RowDigesterOptions}. */
export const DIGESTER_FIELDS = { sha256 } as const satisfies Readonly<
  Record<keyof RowDigesterOptions, Field<unknown>>
>

/** The table of {@link DiffOptions}. */
export const DIFF_FIELDS = {
  // 256 differences touch two pages of three.
  wholeFromGap: integerField({
    default: 256,
    min: 1,
    max: 2 ** 31,
    meaning:
      "Difference of a branch's item counts from which its leaves are read at once instead of level by level.",
  }),
} as const satisfies Readonly<Record<keyof DiffOptions, Field<unknown>>>

/** @throws InvalidInput naming the field */
export function readOptions<Table extends FieldTable>(options: object, table: Table): FieldValues<Table> {
  return readFields('', options, table, refuseInput)
}

function functionField<T>(meaning: string): Field<T | undefined> {
  return otherField<T>({ what: 'a function', accepts: (value) => typeof value === 'function', meaning })
}

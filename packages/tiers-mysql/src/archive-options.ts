import {
  integerField,
  otherField,
  portField,
  stringField,
  type Clock,
  type FieldValues,
  type Random,
} from '@se/core'
import { systemClock, systemRandom } from '@se/core/node'
import type { ArchiveDatabase } from './archive-database.ts'
import { RelationalArchive, type SqlArchive } from './relational-archive.ts'
import type { RetryReport } from './retry.ts'
import { checkTablePrefix, TABLE_PREFIX_DEFAULT } from './tables.ts'

/** Options of an archive in any database. */
export interface CommonArchiveOptions {
  /** Attempts at a transaction that meets other writers (deadlocks, lock waits, a busy file). */
  readonly attemptsMax?: number
  /** Beginning of the tables' names: two archives may share a database under two prefixes. */
  readonly tablePrefix?: string
  /** Told before each further attempt [W7]. */
  readonly onRetry?: (report: RetryReport) => void
  readonly clock?: Clock
  readonly random?: Random
}

/** The fields of {@link CommonArchiveOptions}. */
export function commonFields(defaults: { readonly attemptsMax: number }) {
  return {
    attemptsMax: integerField({
      meaning: 'attempts at a transaction that meets other writers (deadlocks, lock waits, a busy file)',
      default: defaults.attemptsMax,
      min: 1,
      max: 1_000,
    }),
    tablePrefix: stringField({
      meaning: 'beginning of the names of the tables: small letters, digits and underlines',
      default: TABLE_PREFIX_DEFAULT,
    }),
    onRetry: otherField<(report: RetryReport) => void>({
      meaning: 'told before each further attempt',
      what: 'a function',
      accepts: (value) => typeof value === 'function',
    }),
    clock: portField<Clock>({
      meaning: 'for tests',
      what: 'a Clock',
      methods: ['nowMs', 'monotonicMs', 'setTimer'],
    }),
    random: portField<Random>({ meaning: 'for tests', what: 'a Random', methods: ['bytes', 'fraction'] }),
  }
}

/** What a database takes from the common options. */
export interface CommonParts {
  readonly clock: Clock
  readonly random: Random
  readonly tablePrefix: string
}

/** @throws InvalidConfig when the prefix is none */
export function createArchive(
  options: FieldValues<ReturnType<typeof commonFields>>,
  createDatabase: (parts: CommonParts) => ArchiveDatabase,
): SqlArchive {
  const { attemptsMax, clock = systemClock, random = systemRandom, onRetry = () => undefined } = options
  const database = createDatabase({ clock, random, tablePrefix: checkTablePrefix(options.tablePrefix) })
  return new RelationalArchive(database, { clock, random, attemptsMax, onRetry })
}

import type { CompiledQuery, Kysely, RawBuilder } from 'kysely'
import type { ArchiveSchema } from './install.ts'
import type { FoundRow } from './item-row.ts'
import type { ItemReader, ItemTable } from './item-table.ts'
import type { ArchiveTables } from './schema.ts'

/** What an error means to the archive's caller. */
export type Failure =
  /** Someone else was in the way (deadlock, lock wait, busy, an id inserted meanwhile): roll back, redo all. */
  | { readonly kind: 'conflict' }
  /** This data can never be stored. */
  | { readonly kind: 'refused' }
  /** Nothing will be done before an operator changes something: a short word for it, and what. */
  | { readonly kind: 'misconfigured'; readonly because: string; readonly advice: string }
  /** The archive cannot be reached, or what became of the transaction is unknown. */
  | { readonly kind: 'unavailable' }
  /** It comes from no database: one of our typed errors, a visitor's, or a mistake in this program. */
  | { readonly kind: 'own' }

/** Where MySQL and SQLite say the same thing in other words. */
export interface Dialect {
  /** Compiles statements; executes nothing. */
  readonly builder: Kysely<ArchiveTables>
  /** Ends a SELECT whose rows no other transaction may lock or write until the transaction ends. */
  readonly forUpdate: RawBuilder<unknown>
  /** The archive's clock, ms since 1970. */
  nowMs(): RawBuilder<number>
  /** Settings of the server that forbid writing, as `checkWritable` reads them. */
  readOnly(): RawBuilder<string>
  /** @throws the driver's error when the server cannot be written: what it says is then not what is true now [R5] */
  checkWritable(readOnly: string): void
}

/** Anything that reads within one snapshot: a session, or a database for a single statement. */
export interface RowReader {
  /** In which its statements are said. */
  readonly dialect: Dialect
  rows<R>(query: CompiledQuery<R>): Promise<readonly R[]>
}

/** Reads of one snapshot. */
export interface ReadSession extends RowReader {
  readonly items: ItemReader
}

/** One write transaction. Reads see what is committed, and its own writes. */
export interface WriteSession extends RowReader {
  /** @returns rows changed */
  run(query: CompiledQuery): Promise<number>
  readonly items: ItemTable
}

/** What a driver's errors mean. */
export interface ErrorMeanings {
  classify(error: unknown): Failure
  /** Short and without credentials: the driver's code and message. */
  describe(error: unknown): string
}

/** What the archive needs of a database. Errors are the driver's; `errors` says what they mean. */
export interface ArchiveDatabase {
  /** Metric label. */
  readonly name: 'mysql' | 'sqlite'
  readonly isExclusive: boolean
  readonly errors: ErrorMeanings
  /** The tables, and what it takes to make them. */
  readonly schema: ArchiveSchema
  /** How long a server that seems to have gone back may only be behind, ms; 0: it cannot be behind [P78]. */
  readonly behindMs: number
  /** Makes ready to connect; does nothing where that was done. */
  open(): Promise<void>
  /** Brings the tables up to date, and looks whether they are ours. */
  install(): Promise<void>
  /** Ends in bounded time, also while others hang. */
  close(): Promise<void>
  /** One attempt at a transaction; it commits when `work` resolves, and is rolled back when it rejects. */
  write<T>(work: (session: WriteSession) => Promise<T>): Promise<T>
  /**
   * Reads in one consistent snapshot.
   *
   * @param isScan a visitor is called in between, and may take its time
   */
  snapshot<T>(work: (session: ReadSession) => Promise<T>, isScan?: boolean): Promise<T>
  /** A single statement, which sees one snapshot. */
  read<T>(work: (reader: RowReader) => Promise<T>): Promise<T>
  /** The rows of the ids that exist. */
  find(ids: readonly string[]): Promise<ReadonlyMap<string, FoundRow>>
}

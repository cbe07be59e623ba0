/**
 * What a bench file exports.
 *
 *   export const area = 'wal'
 *   export const cases = [defineCase({ … }), defineReport({ … })]
 *
 * A file is `bench/NAME.bench.ts` of any project. Importing it must do no work: the runner imports it to list its cases,
 * then runs each case in a process of its own, so that no case warms or spoils another's machine code. Where something is too dear to
 * build for each, cases name a process that they share.
 */
export interface BenchFile {
  readonly area: string
  readonly cases: readonly (ComparedCase | ReportCase)[]
}

/** One thing, measured beside its peers or limits in the same run. */
export interface ComparedCase {
  /** Dotted name, `area.what.shape`: the name goals refer to. */
  readonly case: string
  /** Unit of the values the functions return, for example `acks/s` or `ns`. */
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Alternated pairs to take; at least, and by default, 15. */
  readonly pairs?: number
  /** See {@link ReportCase.process}. */
  readonly process?: string
  setup(): Promise<PreparedCase>
}

export interface PreparedCase {
  /** Takes one timed sample and returns its value, above 0, in the case's unit. */
  ours(): Promise<number> | number
  /** The peers or limits by name, each with the same work on the same input. */
  readonly against: Readonly<Record<string, () => Promise<number> | number>>
  /** Facts the reader needs to judge the figures, asked for after the last sample. */
  notes?(): readonly string[]
  teardown?(): Promise<void> | void
}

/** Figures shown without a goal. */
export interface ReportCase {
  readonly case: string
  /**
   * Cases of a file that give the same text run one after the other, in the file's order, in one process, and find in the file's
   * variables what those before them left there. A crash of one is a crash of those behind it. Default: a process of its own.
   */
  readonly process?: string
  report(): Promise<ReportTable>
}

export interface ReportTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
  readonly notes?: readonly string[]
}

/** A compared case, checked by the compiler where it is written. */
export const defineCase = (definition: ComparedCase): ComparedCase => definition

/** A report, checked by the compiler where it is written. */
export const defineReport = (definition: ReportCase): ReportCase => definition

/** Monotonic time in milliseconds that `work` took. */
export async function elapsedMs(work: () => Promise<unknown> | unknown): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

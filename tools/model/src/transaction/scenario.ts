/** What is to be done in a run, by whom, and which faults may meet it. */
export interface Scenario {
  /** Names of the ids, in byte order: rows are locked in it. */
  readonly ids: readonly string[]
  /** Rows that are there at the beginning: id → stamp; stamp 0 or none: no row. */
  readonly rows?: Readonly<Record<string, Write>>
  readonly processes: readonly ProcessPlan[]
  readonly batches: readonly BatchPlan[]
  /** How many batches of one process may be under way at once; default 2. */
  readonly depth?: number
  /** The filter may say "absent" of any id at any time, rightly or not. */
  readonly filter?: boolean
  /** For each collector its passes: each raises the floor to this stamp. */
  readonly collectors?: readonly (readonly number[])[]
  /** How many connections get lost, at most. */
  readonly losses?: number
  /** How many COMMITs are answered by a conflict, at most. */
  readonly conflicts?: number
  /** The first process may be killed. */
  readonly kills?: number
  /** The archive may be set back to the beginning. */
  readonly restores?: number
  /** Two processes of one epoch are taken for one, to see what else keeps them apart. */
  readonly forgivesEpoch?: boolean
  /**
   * Also judges what does no harm to rows and sums: an insert at or below the floor, and a ledger row that names another row as
   * replaced than it has replaced.
   */
  readonly judgesLetter?: boolean
  /** Keeps what each ledger row says of its rows' predecessors, and looks at the order in which they are read. */
  readonly order?: boolean
}

/** A write: its stamp, and whether it is a delete. Stamps are 1, 2, 3 …; a later write has a higher one. */
export interface Write {
  readonly stamp: number
  readonly deletes?: boolean
}

/**
 *   runs        it has claimed its instance, and works
 *   takes-over  claims the instance of an earlier process: once that is dead, or (`zombie`) while it lives
 *   joins       claims an instance of its own, that is new; where the number was another's, once that is retired
 */
export interface ProcessPlan {
  readonly name: string
  readonly instance: number
  readonly start: 'runs' | 'takes-over' | 'joins'
  readonly zombie?: boolean
}

export interface BatchPlan {
  readonly name: string
  /** Which process it is of: position in the list. Batches of one process are sent in the order of the list. */
  readonly process: number
  /** id → write. */
  readonly writes: Readonly<Record<string, Write>>
  /** What it becomes when it is redone after the verdict "not in": it takes newer writes along. */
  readonly changed?: Readonly<Record<string, Write>>
  /** It stores no rows: it takes out the instance of a killed process, whose ledger rows are pruned. */
  readonly retires?: number
  /** The server refuses its data. */
  readonly refused?: boolean
}

import type { CutScenario } from './cut-rules.ts'

/** Two instances that only write, and a restore. */
export const restored: CutScenario = {
  instances: 2,
  born: 2,
  rows: 5,
  sequences: 3,
  retires: false,
  restores: 1,
}

/** The same with two restores. */
export const restoredTwice: CutScenario = { ...restored, restores: 2 }

/** The same; a process that remembers more than the archive raises its instance. */
export const restoredAndRaised: CutScenario = { ...restored, raises: true }

/** Rows are pruned, instances end, are retired and born again, and the archive is restored. */
export const retired: CutScenario = {
  instances: 2,
  born: 2,
  rows: 3,
  sequences: 2,
  retires: true,
  restores: 1,
}

/** Three numbers, of which two are given at the beginning; no restore. */
export const threeNumbers: CutScenario = {
  instances: 3,
  born: 2,
  rows: 4,
  sequences: 1,
  retires: true,
  restores: 0,
}

/** Longer runs of the same kinds. */
export const retiredLong: CutScenario = { ...retired, rows: 4 }
export const retiredAndRaised: CutScenario = { ...retired, rows: 4, raises: true }
export const threeNumbersLong: CutScenario = { ...threeNumbers, sequences: 2 }

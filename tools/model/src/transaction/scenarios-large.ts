import type { Scenario } from './scenario.ts'
import { changedBatch, lateWrite, lostTwice, newInstance, takeOver, threeInFlight } from './scenarios.ts'

/** Longer runs of the same kinds: minutes, not seconds. */

/** Two connections are lost, and B writes meanwhile. */
export const lostTwiceBeside: Scenario = {
  ...lostTwice,
  processes: changedBatch.processes,
  batches: [...lostTwice.batches, { name: 'B1', process: 1, writes: { x: { stamp: 2 } } }],
}

/** Three batches at once, and two lost connections: two may be in doubt at a time. */
export const twoInDoubt: Scenario = { ...threeInFlight, losses: 2 }

/** The killed process' successor loses a connection. */
export const takeOverAndLoss: Scenario = { ...takeOver, losses: 1 }

/** A late write is sent again after a take-over, while the collector works. */
export const takeOverAndCollector: Scenario = {
  ids: ['y'],
  rows: { y: { stamp: 1 } },
  processes: [...takeOver.processes, { name: 'B', instance: 1, start: 'runs' }],
  batches: [
    { name: 'A1', process: 0, writes: { y: { stamp: 2 } } },
    { name: 'A’1', process: 1, writes: { y: { stamp: 2 } } },
    { name: 'A’2', process: 1, writes: { y: { stamp: 4 } } },
    { name: 'B1', process: 2, writes: { y: { stamp: 3, deletes: true } } },
  ],
  kills: 1,
  collectors: [[3]],
}

/** A lost connection and a conflict at COMMIT, beside the collector. */
export const lateWriteAndFaults: Scenario = { ...lateWrite, filter: false, losses: 1, conflicts: 1 }

/** A new instance loses a connection. */
export const newInstanceAndLoss: Scenario = {
  ...newInstance,
  batches: [...newInstance.batches, { name: 'B2', process: 1, writes: { y: { stamp: 5 } } }],
  filter: true,
  losses: 1,
}

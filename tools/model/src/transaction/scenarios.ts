import type { BatchPlan, ProcessPlan, Scenario, Write } from './scenario.ts'

const A: ProcessPlan = { name: 'A', instance: 0, start: 'runs' }
const B: ProcessPlan = { name: 'B', instance: 1, start: 'runs' }

function put(stamp: number): Write {
  return { stamp }
}

function del(stamp: number): Write {
  return { stamp, deletes: true }
}

function batch(name: string, process: number, writes: BatchPlan['writes']): BatchPlan {
  return { name, process, writes }
}

/** Two batches of A are under way at once, and B writes the same ids. */
export const twoInFlight: Scenario = {
  ids: ['x', 'y'],
  rows: { y: put(1) },
  processes: [A, B],
  batches: [
    batch('A1', 0, { x: put(2) }),
    batch('A2', 0, { y: put(4) }),
    batch('B1', 1, { x: put(3), y: del(5) }),
  ],
  filter: true,
}

/** The same with three ids: batches of two. */
export const wide: Scenario = {
  ...twoInFlight,
  ids: ['x', 'y', 'z'],
  batches: [
    batch('A1', 0, { x: put(2), z: put(6) }),
    batch('A2', 0, { y: put(4) }),
    batch('B1', 1, { x: put(3), y: del(5), z: put(7) }),
  ],
}

/** Three batches of A at once, and a lost connection. */
export const threeInFlight: Scenario = {
  ids: ['x', 'y'],
  rows: { y: put(1) },
  processes: [A, B],
  batches: [
    batch('A1', 0, { x: put(2) }),
    batch('A2', 0, { y: put(4) }),
    batch('A3', 0, { x: put(6) }),
    batch('B1', 1, { y: del(5) }),
  ],
  depth: 3,
  losses: 1,
}

/** Two pairs of batches that wait for each other: two in the server, two in their processes. */
export const twoPairs: Scenario = {
  ids: ['x', 'y'],
  processes: [A, B],
  batches: [
    batch('A1', 0, { x: put(1) }),
    batch('A2', 0, { y: put(4) }),
    batch('B1', 1, { y: put(3) }),
    batch('B2', 1, { x: put(2) }),
  ],
}

/** A write from an old log comes when the delete that is newer than it may have been collected. */
export const lateWrite: Scenario = {
  ids: ['y'],
  rows: { y: put(1) },
  processes: [A, B],
  batches: [batch('A1', 0, { y: put(2) }), batch('B1', 1, { y: del(3) }), batch('B2', 1, { y: put(5) })],
  filter: true,
  collectors: [[3]],
}

/** The same, judged to the letter. */
export const lateWriteLetter: Scenario = { ...lateWrite, judgesLetter: true }

/** The same, with two passes of the collector that want the same floor. */
export const lateWriteTwoPasses: Scenario = { ...lateWrite, collectors: [[3, 3]] }

/** Two collectors at once, one of which wants a lower floor. */
export const twoCollectors: Scenario = {
  ids: ['y'],
  rows: { y: put(1) },
  processes: [A, B],
  batches: [batch('A1', 0, { y: put(4) }), batch('B1', 1, { y: del(5) })],
  collectors: [[5], [3]],
}

/** A connection is lost, a COMMIT is answered by a conflict, and a redo takes newer writes along. */
export const changedBatch: Scenario = {
  ids: ['x'],
  processes: [A, B],
  batches: [
    { ...batch('A1', 0, { x: put(1) }), changed: { x: put(4) } },
    batch('A2', 0, { x: put(5) }),
    batch('B1', 1, { x: put(3) }),
  ],
  losses: 1,
  conflicts: 1,
}

/** One batch, which is lost twice and changes in between. */
export const lostTwice: Scenario = {
  ids: ['x'],
  processes: [A],
  batches: [{ ...batch('A1', 0, { x: put(1) }), changed: { x: put(3) } }, batch('A2', 0, { x: put(4) })],
  losses: 2,
}

/** A lost connection and the collector. */
export const lossAndCollector: Scenario = { ...lateWrite, filter: false, losses: 1 }

/** A is killed; A' takes its instance over and sends again what the log has. */
export const takeOver: Scenario = {
  ids: ['x'],
  processes: [A, { name: 'A’', instance: 0, start: 'takes-over' }],
  batches: [
    batch('A1', 0, { x: put(1) }),
    batch('A2', 0, { x: put(2) }),
    batch('A’1', 1, { x: put(2) }),
    batch('A’2', 1, { x: put(3) }),
  ],
  kills: 1,
}

/** A' takes the instance over while A lives: a copied directory, or a lock that was lost. */
export const zombie: Scenario = {
  ids: ['x'],
  processes: [A, { name: 'A’', instance: 0, start: 'takes-over', zombie: true }],
  batches: [batch('A1', 0, { x: put(1) }), batch('A2', 0, { x: put(2) }), batch('A’1', 1, { x: put(3) })],
  losses: 1,
}

/** The server refuses the data of A1: it is set aside, and A2 takes its number. */
export const refusedData: Scenario = {
  ids: ['x', 'y'],
  processes: [A, B],
  batches: [
    { ...batch('A1', 0, { x: put(1) }), refused: true },
    batch('A2', 0, { y: put(2) }),
    batch('A3', 0, { x: put(4) }),
    batch('B1', 1, { y: put(3) }),
  ],
  losses: 1,
}

/** An instance is born while the collector raises the floor. */
export const newInstance: Scenario = {
  ids: ['y'],
  rows: { y: put(1) },
  processes: [
    { name: 'A', instance: 0, start: 'joins' },
    { name: 'B', instance: 1, start: 'runs' },
  ],
  batches: [batch('A1', 0, { y: put(2) }), batch('B1', 1, { y: del(3) })],
  collectors: [[3]],
}

/** The archive is restored while two batches are under way, and a connection is lost. */
export const restoredUnderWay: Scenario = {
  ids: ['x', 'y'],
  processes: [A],
  batches: [batch('A1', 0, { x: put(1) }), batch('A2', 0, { y: put(2) })],
  losses: 1,
  restores: 1,
}

/** The archive is restored, and a copy of an older directory claims the instance again: the same epoch, for the second time. */
export const sameEpochTwice: Scenario = {
  ids: ['x', 'y'],
  processes: [
    { name: 'A’', instance: 0, start: 'takes-over', zombie: true },
    { name: 'copy', instance: 0, start: 'takes-over', zombie: true },
  ],
  batches: [batch('A’1', 0, { x: put(1) }), batch('A’2', 0, { y: put(2) }), batch('copy1', 1, { x: put(3) })],
  restores: 1,
}

/** Batches that build on each other across processes, read in one snapshot. */
export const order: Scenario = {
  ids: ['x', 'y'],
  rows: { y: put(1) },
  processes: [A, B],
  batches: [
    batch('A1', 0, { x: put(4) }),
    batch('A2', 0, { y: put(6) }),
    batch('B1', 1, { x: put(2), y: del(3) }),
  ],
  collectors: [[3]],
  order: true,
}

/** A2 builds on nothing, A1 on B1: by their numbers alone, A2 would be read first. */
export const orderOfProcess: Scenario = {
  ids: ['x', 'z'],
  processes: [A, B],
  batches: [batch('A1', 0, { x: put(4) }), batch('A2', 0, { z: put(5) }), batch('B1', 1, { x: put(2) })],
  order: true,
}

/** Two batches that find different rows, because of the filter, lock them in different orders. */
export const deadlock: Scenario = {
  ids: ['x', 'y'],
  rows: { y: put(1) },
  processes: [A, B],
  batches: [batch('A1', 0, { x: put(2), y: put(4) }), batch('B1', 1, { x: put(3), y: put(5) })],
  filter: true,
}

/** A is taken for dead: B retires its instance, and C gets the number. But A, or an old transaction of it, goes on. */
export const numberReused: Scenario = {
  ids: ['x'],
  processes: [A, B, { name: 'C', instance: 0, start: 'joins', zombie: true }],
  batches: [
    batch('A1', 0, { x: put(1) }),
    { ...batch('B1', 1, {}), retires: 0 },
    batch('C1', 2, { x: put(2) }),
  ],
  kills: 1,
}

/** The same epoch twice, where the judge takes the two processes for one. */
export const sameEpochForgiven: Scenario = { ...sameEpochTwice, forgivesEpoch: true }

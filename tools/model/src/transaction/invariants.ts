import type { State } from '../explore/layout.ts'
import { VIOLATION, VIOLATIONS } from './constants.ts'
import { digestOf, ledgerAt, type Model } from './model.ts'
import { judgeOrder } from './order.ts'

/** What is wrong in a state, in words. What only a step can see wrong has left its mark in the state. */
export function violationIn(m: Model, state: State): string | undefined {
  const number =
    state[m.fields.at.violation]! || judgeSums(m, state) || judgeSequences(m, state) || judgeOrder(m, state)
  return number === 0 ? undefined : VIOLATIONS[number]
}

/** What the ledger tells adds up to the rows that are there. */
function judgeSums(m: Model, state: State): number {
  const { at, ids } = m.fields
  for (let id = 0; id < ids; id++) {
    if (state[at.sum + id] !== digestOf(m, state[at.rowStamp + id]!)) return VIOLATION.sums
  }
  return 0
}

/** An instance has the ledger rows 1 to its last sequence, and no others. */
function judgeSequences(m: Model, state: State): number {
  const { at, instances, sequences } = m.fields
  for (let instance = 0; instance < instances; instance++) {
    const last = state[at.lastSequence + instance]!
    for (let sequence = 1; sequence < sequences; sequence++) {
      if ((state[ledgerAt(m, instance, sequence)] !== 0) !== sequence <= last) return VIOLATION.gap
    }
  }
  return 0
}

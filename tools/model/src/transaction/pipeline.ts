import type { State } from '../explore/layout.ts'
import { PHASE, STATUS } from './constants.ts'
import { processOf, type Model } from './model.ts'

/** The batch of the same process before this one, those set aside left out. */
export function predecessorOf(m: Model, state: State, batch: number): number | undefined {
  const { at } = m.fields
  return m.batchesOf[processOf(m, batch)]!.findLast(
    (other) => other < batch && state[at.status + other] !== STATUS.parked,
  )
}

/** The number that a batch has, as its process counts. */
export function sequenceFor(m: Model, state: State, batch: number): number {
  const { at } = m.fields
  const process = processOf(m, batch)
  const before = m.batchesOf[process]!.filter((other) => {
    if (other >= batch || state[at.status + other] === STATUS.parked) return false
    return m.rules['number-kept-in-doubt'] || state[at.status + other] !== STATUS.doubt
  })
  return state[at.base + process]! + 1 + before.length
}

/** Whether the last statement may be sent: that of the predecessor was answered, and the number is still ours. */
export function mayTakeSequence(m: Model, state: State, batch: number): boolean {
  const { at } = m.fields
  if (state[at.sequence + batch] !== sequenceFor(m, state, batch)) return false
  const before = predecessorOf(m, state, batch)
  if (before === undefined || !m.rules['last-in-order']) return true
  const phase = state[at.phase + before]!
  switch (state[at.status + before]) {
    case STATUS.waiting:
      return false
    case STATUS.active:
      return phase === PHASE.commit || phase === PHASE.committing || phase === PHASE.answer
    default:
      return true
  }
}

import type { State } from '../explore/layout.ts'
import { PHASE } from './constants.ts'
import { writesOf, type Model } from './model.ts'
import { decide, type Answer } from './server.ts'

/** A batch by its name. */
export function told(m: Model, batch: number): string {
  return m.scenario.batches[batch]!.name
}

/** What a statement of a batch's transaction did, in one line. @param state before it */
export function toldAnswer(
  m: Model,
  state: State,
  slot: number,
  answer: Answer,
  who = told(m, slot),
): string {
  const statement = toldStatement(m, state, slot)
  switch (answer) {
    case 'goes-on':
    case 'done':
      return `${who} ${statement}`
    case 'duplicate':
      return `${who} ${statement}: duplicate key; rolled back`
    case 'duplicate-sequence':
      return `${who} ${statement}: duplicate key; rolled back`
    case 'stale':
      return `${who} ${statement}: the row is not as it was read; rolled back`
    case 'no-row':
      return `${who} ${statement}: no row; rolled back`
    case 'refused':
      return `${who} ${statement}: the data is refused; rolled back and set aside`
    case 'blocked':
      return `${who} ${statement}: waits`
  }
}

function toldStatement(m: Model, state: State, slot: number): string {
  const { at } = m.fields
  const writes = writesOf(m, state, slot)
  const index = state[at.at + slot]!
  switch (state[at.phase + slot]) {
    case PHASE.select: {
      if (!m.locksRead) {
        return `selects ${writes.map(({ id }) => toldRow(m, state, id)).join(', ')}`
      }
      const write = writes.slice(index).find(({ id }) => ((state[at.leftOut + slot]! >> id) & 1) === 0)
      return write === undefined ? 'selects nothing' : `selects and locks ${toldRow(m, state, write.id)}`
    }
    case PHASE.store: {
      const write = writes
        .slice(index)
        .find((each) => ['insert', 'update'].includes(decide(m, state, slot, each)))
      if (write === undefined) return 'has nothing to store'
      const name = m.scenario.ids[write.id]!
      const what = m.deletes[write.stamp] === true ? `the delete of ${name}` : name
      return `stores ${what}, stamp ${write.stamp}`
    }
    case PHASE.ledger:
      return `inserts ledger row ${state[at.sequence + slot]!}`
    default:
      return `takes number ${state[at.sequence + slot]!}`
  }
}

function toldRow(m: Model, state: State, id: number): string {
  const stamp = state[m.fields.at.rowStamp + id]!
  const name = m.scenario.ids[id]!
  if (stamp === 0) return `${name} (no row)`
  return `${name} (${m.deletes[stamp] === true ? 'tombstone' : 'row'} of stamp ${stamp})`
}

import type { State } from '../explore/layout.ts'
import { VIOLATION } from './constants.ts'
import {
  batchOf,
  digestOf,
  instanceOf,
  isApplied,
  ledgerAt,
  linkOf,
  processOf,
  writesOf,
  type Model,
} from './model.ts'
import { isOwnRow } from './server.ts'

/** COMMIT at the server: what the transaction stored becomes the archive's, and the judge compares. */
export function commit(m: Model, state: State, slot: number): void {
  const { at, ids } = m.fields
  const batch = batchOf(m, state, slot)
  const instance = instanceOf(m, batch)
  const sequence = state[at.sequence + slot]!
  const content = state[at.content + slot]!

  if (!isClaimed(m, state, batch)) blame(m, state, VIOLATION.fencedCommit)
  if (state[at.isOut + slot] === 1) blame(m, state, VIOLATION.wrongOut)
  if (isApplied(m, state, batch, content)) blame(m, state, VIOLATION.twice)

  state[at.lastSequence + instance] = sequence
  state[ledgerAt(m, instance, sequence)] = linkOf(batch, content)
  state[at.applied + batch]! |= 1 << content
  const { retires } = m.scenario.batches[batch]!
  if (retires !== undefined) retire(m, state, retires)
  for (const { id, stamp } of writesOf(m, state, slot)) {
    if (((state[at.stored + slot]! >> id) & 1) === 0) continue
    const seen = state[at.seen + slot * ids + id]!
    const newest = state[at.newest + id]!
    if (stamp < newest) {
      const isBack = state[at.rowStamp + id] === 0 || m.deletes[newest] === true
      blame(m, state, isBack && m.deletes[stamp] !== true ? VIOLATION.resurrected : VIOLATION.older)
    }
    const there = state[at.rowStamp + id]!
    if (m.scenario.judgesLetter === true) {
      if (there === 0 && stamp <= state[at.floor + instance]!) blame(m, state, VIOLATION.belowFloor)
      if (there !== seen) blame(m, state, VIOLATION.wrongPrevious)
    }
    state[at.rowStamp + id] = stamp
    if (m.hasVersions) state[at.rowVersion + id] = state[at.seenVersion + slot * ids + id]! + 1
    state[at.newest + id] = Math.max(newest, stamp)
    state[at.sum + id] = state[at.sum + id]! + digestOf(m, stamp) - digestOf(m, seen)
    if (m.scenario.order === true) {
      state[at.previous + (instance * m.fields.sequences + sequence) * ids + id] = 1 + seen
    }
  }
}

/** Over several nodes COMMIT is a conflict where others have committed what this transaction has written. */
export function isConflict(m: Model, state: State, slot: number): boolean {
  if (m.rules.store !== 'certified') return false
  const { at, ids } = m.fields
  const instance = instanceOf(m, batchOf(m, state, slot))
  if (!isOwnRow(m, state, slot)) return true
  if (state[ledgerAt(m, instance, state[at.sequence + slot]!)] !== 0) return true
  return writesOf(m, state, slot).some(({ id }) => {
    const isStored = ((state[at.stored + slot]! >> id) & 1) === 1
    return isStored && state[at.rowStamp + id] !== state[at.seen + slot * ids + id]
  })
}

/** Whether the instance is still of the process that the transaction began for. */
function isClaimed(m: Model, state: State, batch: number): boolean {
  const { at } = m.fields
  const process = processOf(m, batch)
  const instance = instanceOf(m, batch)
  if (m.scenario.forgivesEpoch === true) {
    return state[at.epoch + instance] === state[at.processEpoch + process]
  }
  return state[at.nonce + instance] === process + 1
}

/** An instance is taken out: its row goes, and its ledger rows are pruned by then. */
function retire(m: Model, state: State, instance: number): void {
  const { at, sequences } = m.fields
  for (const first of [at.isThere, at.lastSequence, at.epoch, at.nonce, at.attempt, at.floor]) {
    state[first + instance] = 0
  }
  state.fill(0, ledgerAt(m, instance, 0), ledgerAt(m, instance, sequences))
}

/** The first thing that is wrong is kept. */
export function blame(m: Model, state: State, violation: number): void {
  if (state[m.fields.at.violation] === 0) state[m.fields.at.violation] = violation
}

import { invariant } from '@se/core'
import type { State } from '../explore/layout.ts'
import type { Moves } from '../explore/world.ts'
import { commit, isConflict } from './commit.ts'
import { PHASE, PROCESS, STATUS } from './constants.ts'
import { batchOf, clearSlot, type Model } from './model.ts'
import { isOpen, perform } from './server.ts'
import { told, toldAnswer } from './telling.ts'

/**
 * Transactions whose client is gone. The server works on the packet that was under way, or never gets it; sooner or later it
 * notices, and rolls back.
 */
export function stepGhost(m: Model, state: State, slot: number, moves: Moves): void {
  const { at } = m.fields
  const phase = state[at.phase + slot]!
  if (phase === PHASE.none) return
  const batch = batchOf(m, state, slot)
  if (m.rules['ghosts-end']) {
    const ended = moves.copy()
    clearSlot(m, ended, slot)
    moves.add(ended, () => `the old transaction of ${told(m, batch)} is rolled back`)
  }
  if (state[at.packet + slot] === 0) return
  const next = moves.copy()
  if (phase === PHASE.committing) {
    if (isConflict(m, state, slot)) return
    commit(m, next, slot)
    clearSlot(m, next, slot)
    moves.add(next, () => `the old transaction of ${told(m, batch)} is committed`)
    return
  }
  const answer = perform(m, next, slot)
  if (answer === 'blocked') return
  if (answer !== 'goes-on') next[at.packet + slot] = 0
  if (answer === 'done' && phase === PHASE.sequence && !m.rules['commit-alone']) {
    next[at.phase + slot] = PHASE.committing
    next[at.packet + slot] = 1
  }
  moves.add(next, () => toldAnswer(m, state, slot, answer, `the old transaction of ${told(m, batch)}`))
}

/** A connection is lost, with a packet under way or between two of them. */
export function loseConnection(m: Model, state: State, batch: number, moves: Moves): void {
  const { at } = m.fields
  if (state[at.losses] === 0 || state[at.status + batch] !== STATUS.active) return
  if (state[at.phase + batch] === PHASE.judge) return
  const next = moves.copy()
  next[at.losses]!--
  copyToGhost(m, next, batch)
  disconnect(m, next, batch)
  const isInDoubt = next[at.status + batch] === STATUS.doubt
  moves.addFault(
    next,
    () => `the connection of ${told(m, batch)} is lost${isInDoubt ? ', COMMIT in doubt' : ''}`,
  )
}

/** What the client knows of a batch whose connection is gone. Only where COMMIT was sent is it in doubt. */
export function disconnect(m: Model, next: State, batch: number): void {
  const { at } = m.fields
  const phase = next[at.phase + batch]!
  const isSent =
    phase === PHASE.committing ||
    phase === PHASE.answer ||
    (phase === PHASE.sequence && !m.rules['commit-alone'])
  const sequence = next[at.sequence + batch]!
  clearSlot(m, next, batch)
  next[at.status + batch] = isSent ? STATUS.doubt : STATUS.waiting
  // By it the verdict is asked for.
  if (isSent) next[at.sequence + batch] = sequence
}

/** Makes a ghost of a batch's transaction, where the server has one. */
function copyToGhost(m: Model, next: State, batch: number): void {
  const { at, batches, slots, ids } = m.fields
  if (!isOpen(m, next, batch)) return
  let slot = batches
  while (slot < slots && next[at.phase + slot] !== PHASE.none) slot++
  invariant(slot < slots, 'there is room for every old transaction', { slots })
  const fields = [
    at.phase,
    at.at,
    at.sequence,
    at.plannedFloor,
    at.plannedAttempt,
    at.content,
    at.leftOut,
    at.locks,
    at.stored,
  ]
  for (const first of fields) next[first + slot] = next[first + batch]!
  for (const first of [at.seen, at.seenVersion]) {
    next.copyWithin(first + slot * ids, first + batch * ids, first + (batch + 1) * ids)
  }
  next[at.owner + slot] = batch + 1
  next[at.packet + slot] = next[at.phase + slot] === PHASE.commit ? 0 : 1
}

/** The first process is killed: its transactions stay behind. */
export function kill(m: Model, state: State, moves: Moves): void {
  const { at } = m.fields
  if (state[at.kills] === 0 || state[at.processPhase] !== PROCESS.running) return
  const next = moves.copy()
  next[at.kills]!--
  next[at.processPhase] = PROCESS.dead
  for (const batch of m.batchesOf[0]!) {
    if (next[at.status + batch] === STATUS.in || next[at.status + batch] === STATUS.parked) continue
    copyToGhost(m, next, batch)
    clearSlot(m, next, batch)
    next[at.status + batch] = STATUS.abandoned
    next[at.isCareful + batch] = 0
    next[at.isAfter + batch] = 0
    next[at.variant + batch] = 0
  }
  moves.addFault(next, () => `${m.scenario.processes[0]!.name} is killed`)
}

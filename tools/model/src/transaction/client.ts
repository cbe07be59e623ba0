import type { State } from '../explore/layout.ts'
import type { Moves } from '../explore/world.ts'
import { isUnused } from './claims.ts'
import { commit, isConflict } from './commit.ts'
import { PHASE, PROCESS, STATUS } from './constants.ts'
import { judgeAttempt, judgeOwnRow, settleIn } from './judge.ts'
import { clearSlot, instanceOf, processOf, type Model } from './model.ts'
import { mayTakeSequence, predecessorOf, sequenceFor } from './pipeline.ts'
import { isFileLocked, isInstanceLocked, perform, type Answer } from './server.ts'
import { told, toldAnswer } from './telling.ts'

/** What the process of a batch may do next with it, and what the server does for it. */
export function stepBatch(m: Model, state: State, batch: number, moves: Moves): void {
  const { at } = m.fields
  switch (state[at.status + batch]) {
    case STATUS.waiting:
      begin(m, state, batch, moves)
      return
    case STATUS.doubt:
      settle(m, state, batch, moves)
      return
    case STATUS.active:
      break
    default:
      return
  }
  switch (state[at.phase + batch]) {
    case PHASE.select:
    case PHASE.store:
    case PHASE.ledger:
      send(m, state, batch, moves)
      return
    case PHASE.sequence:
      if (mayTakeSequence(m, state, batch)) send(m, state, batch, moves)
      else waitForPredecessor(m, batch, moves)
      return
    case PHASE.commit:
      sendCommit(m, state, batch, moves)
      return
    case PHASE.committing:
      commitAtServer(m, state, batch, moves)
      return
    case PHASE.answer: {
      const next = moves.copy()
      settleIn(m, next, batch)
      moves.add(next, () => `${told(m, batch)}: the answer to COMMIT arrives; it is in`)
      return
    }
    default: {
      const next = moves.copy()
      const verdict = judgeOwnRow(m, next, batch)
      moves.add(next, () => `${told(m, batch)} reads the own row: ${verdict}`)
    }
  }
}

/** Reads floor and attempt of the own instance's row, and leaves out what the filter denies. */
function begin(m: Model, state: State, batch: number, moves: Moves): void {
  const { at } = m.fields
  const process = processOf(m, batch)
  if (state[at.processPhase + process] !== PROCESS.running) return
  const open = m.batchesOf[process]!.filter((other) => other < batch && isUnsettled(m, state, other))
  if (open.length >= m.depth || (state[at.isAfter + batch] === 1 && open.length > 0)) return
  if (isFileLocked(m, state, batch)) return
  const { retires } = m.scenario.batches[batch]!
  if (retires !== undefined && !isUnused(m, state, retires)) return

  const instance = instanceOf(m, batch)
  const floor = state[at.floor + instance]!
  const writes = m.writes[batch]![state[at.variant + batch]!]!
  let mayLeaveOut = 0
  if (m.scenario.filter === true && state[at.isCareful + batch] === 0) {
    for (const { id, stamp } of writes) {
      if (stamp > floor || !m.rules['filter-heeds-floor']) mayLeaveOut |= 1 << id
    }
  }
  // Every choice of ids among them.
  for (let leftOut = mayLeaveOut; ; leftOut = (leftOut - 1) & mayLeaveOut) {
    const next = moves.copy()
    next[at.status + batch] = STATUS.active
    next[at.isAfter + batch] = 0
    next[at.phase + batch] = PHASE.select
    next[at.sequence + batch] = sequenceFor(m, state, batch)
    next[at.plannedFloor + batch] = m.rules['floor-read-first'] ? floor : 0
    next[at.plannedAttempt + batch] = m.rules['attempt-read']
      ? state[at.attempt + instance]!
      : state[at.attemptKnown + process]!
    next[at.content + batch] = state[at.variant + batch]!
    next[at.leftOut + batch] = leftOut
    const chosen = leftOut
    moves.add(next, () => {
      const denied = m.scenario.ids.filter((_, id) => ((chosen >> id) & 1) === 1)
      const number = next[at.sequence + batch]!
      return `${told(m, batch)} begins as number ${number}, floor ${floor}${denied.length > 0 ? `, the filter denies ${denied.join(', ')}` : ''}`
    })
    if (leftOut === 0) return
  }
}

function isUnsettled(m: Model, state: State, batch: number): boolean {
  const status = state[m.fields.at.status + batch]
  return status === STATUS.waiting || status === STATUS.active || status === STATUS.doubt
}

/** The server does the next bit of a statement; the client acts on the answer. */
function send(m: Model, state: State, batch: number, moves: Moves): void {
  const next = moves.copy()
  const phase = state[m.fields.at.phase + batch]!
  const answer = perform(m, next, batch)
  if (answer !== 'blocked') {
    heed(m, next, batch, phase, answer)
    moves.add(next, () => toldAnswer(m, state, batch, answer))
    return
  }
  if (!m.rules['server-bound']) return
  redo(m, next, batch)
  moves.add(next, () => `${told(m, batch)}: the server ends the waiting for a lock; rolled back`)
}

function heed(m: Model, next: State, batch: number, phase: number, answer: Answer): void {
  const { at } = m.fields
  switch (answer) {
    case 'duplicate':
    case 'stale':
      redo(m, next, batch)
      next[at.isCareful + batch] = 1
      return
    case 'refused':
      redo(m, next, batch)
      next[at.status + batch] = STATUS.parked
      return
    case 'duplicate-sequence':
      if (m.rules['duplicate-is-judged']) toJudge(m, next, batch)
      else redo(m, next, batch)
      return
    case 'no-row':
      toJudge(m, next, batch)
      return
    case 'done': {
      if (phase !== PHASE.sequence) return
      // One changed row is the proof that the predecessor is in.
      const before = predecessorOf(m, next, batch)
      if (before !== undefined && next[at.status + before] === STATUS.doubt) settleIn(m, next, before)
      return
    }
    default:
  }
}

/** Rolled back at the server, and to be done again. */
function redo(m: Model, next: State, batch: number): void {
  clearSlot(m, next, batch)
  next[m.fields.at.status + batch] = STATUS.waiting
}

/** Rolled back at the server; what its number has become is to be found out. */
function toJudge(m: Model, next: State, batch: number): void {
  const { at } = m.fields
  const sequence = next[at.sequence + batch]!
  clearSlot(m, next, batch)
  next[at.phase + batch] = PHASE.judge
  next[at.sequence + batch] = sequence
}

/** It holds the locks of its rows meanwhile, so it must give up after a while. */
function waitForPredecessor(m: Model, batch: number, moves: Moves): void {
  if (!m.rules['client-bound']) return
  const next = moves.copy()
  redo(m, next, batch)
  next[m.fields.at.isAfter + batch] = 1
  moves.add(next, () => `${told(m, batch)} gives up to wait for its predecessor; rolled back`)
}

function sendCommit(m: Model, state: State, batch: number, moves: Moves): void {
  const { at } = m.fields
  const before = predecessorOf(m, state, batch)
  const isDoubtful = before !== undefined && state[at.status + before] === STATUS.doubt
  if (isDoubtful && !m.rules['commit-waits-for-none']) return
  const next = moves.copy()
  next[at.phase + batch] = PHASE.committing
  moves.add(next, () => `${told(m, batch)} sends COMMIT`)
}

function commitAtServer(m: Model, state: State, batch: number, moves: Moves): void {
  const { at } = m.fields
  const next = moves.copy()
  if (isConflict(m, state, batch)) {
    redo(m, next, batch)
    moves.add(next, () => `${told(m, batch)}: COMMIT is answered by a conflict; rolled back`)
    return
  }
  commit(m, next, batch)
  const sequence = next[at.sequence + batch]!
  clearSlot(m, next, batch)
  next[at.phase + batch] = PHASE.answer
  next[at.sequence + batch] = sequence
  moves.add(next, () => `${told(m, batch)} is committed`)
  if (state[at.conflicts] === 0) return
  const failed = moves.copy()
  failed[at.conflicts]!--
  redo(m, failed, batch)
  moves.addFault(failed, () => `${told(m, batch)}: COMMIT is answered by a conflict; rolled back`)
}

/** UPDATE sync_instances SET attempt = attempt + 1, on a new connection; then what became of the batch is read. */
function settle(m: Model, state: State, batch: number, moves: Moves): void {
  if (m.rules['attempt-waits'] && isInstanceLocked(m, state, -1, instanceOf(m, batch))) return
  const next = moves.copy()
  const verdict = judgeAttempt(m, next, batch)
  moves.add(next, () => `${told(m, batch)} asks by a new attempt: ${verdict}`)
}

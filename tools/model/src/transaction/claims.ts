import type { State } from '../explore/layout.ts'
import type { Moves } from '../explore/world.ts'
import { PROCESS } from './constants.ts'
import type { Model } from './model.ts'
import { isFileLocked, isInstanceLocked } from './server.ts'

/** How a process gets its instance. */
export function stepClaim(m: Model, state: State, process: number, moves: Moves): void {
  const { start } = m.scenario.processes[process]!
  if (start === 'joins') join(m, state, process, moves)
  if (start === 'takes-over') takeOver(m, state, process, moves)
}

/** Whether a claim holds the lock of the global floor. */
export function isFloorLocked(m: Model, state: State): boolean {
  if (!m.rules['claim-locks-floor']) return false
  const { at, processes } = m.fields
  for (let process = 0; process < processes; process++) {
    const isJoining = m.scenario.processes[process]!.start === 'joins'
    if (isJoining && state[at.processPhase + process] === PROCESS.claiming) return true
  }
  return false
}

/** A new instance: reads the global floor, then inserts its row. */
function join(m: Model, state: State, process: number, moves: Moves): void {
  const { at } = m.fields
  const { name, instance } = m.scenario.processes[process]!
  if (isFileLocked(m, state, -1)) return
  const phase = state[at.processPhase + process]
  const isFree = state[at.isThere + instance] === 0
  if (phase === PROCESS.notStarted && isFree && !isFloorLocked(m, state)) {
    const next = moves.copy()
    next[at.processPhase + process] = PROCESS.claiming
    next[at.claimFloor + process] = state[at.globalFloor]!
    moves.add(
      next,
      () => `${name} claims a new instance, and reads the global floor ${state[at.globalFloor]!}`,
    )
  }
  if (phase !== PROCESS.claiming) return
  const next = moves.copy()
  next[at.processPhase + process] = PROCESS.running
  next[at.claimFloor + process] = 0
  next[at.isThere + instance] = 1
  next[at.floor + instance] = state[at.claimFloor + process]!
  own(m, next, process)
  moves.add(next, () => `the claim of ${name} is committed`)
}

/** The instance of another process: raises the epoch under the lock of the row, and reads the last sequence under it. */
function takeOver(m: Model, state: State, process: number, moves: Moves): void {
  const { at } = m.fields
  const { name, instance, zombie = false } = m.scenario.processes[process]!
  const phase = state[at.processPhase + process]
  if (phase === PROCESS.notStarted) {
    if (!zombie && !isOwnerDead(m, state, instance)) return
    if (!m.rules['take-over-locks']) {
      const next = moves.copy()
      next[at.processPhase + process] = PROCESS.claiming
      next[at.base + process] = state[at.lastSequence + instance]!
      moves.add(
        next,
        () => `${name} reads the last sequence ${state[at.lastSequence + instance]!}, without a lock`,
      )
      return
    }
    if (isInstanceLocked(m, state, -1, instance)) return
    const next = moves.copy()
    next[at.processPhase + process] = PROCESS.running
    next[at.base + process] = state[at.lastSequence + instance]!
    own(m, next, process)
    moves.add(next, () => `${name} takes the instance over, last sequence ${next[at.base + process]!}`)
    return
  }
  if (phase !== PROCESS.claiming || isInstanceLocked(m, state, -1, instance)) return
  const next = moves.copy()
  next[at.processPhase + process] = PROCESS.running
  own(m, next, process)
  moves.add(next, () => `${name} takes the instance over`)
}

function own(m: Model, next: State, process: number): void {
  const { at } = m.fields
  const { instance } = m.scenario.processes[process]!
  next[at.epoch + instance]!++
  next[at.processEpoch + process] = next[at.epoch + instance]!
  next[at.nonce + instance] = process + 1
  if (!m.rules['attempt-read']) next[at.attemptKnown + process] = next[at.attempt + instance]!
}

/** Whether an instance may be retired: its process was killed, or was not seen for so long that it is taken for dead. */
export function isUnused(m: Model, state: State, instance: number): boolean {
  const isTakenForDead = m.scenario.processes.some(
    (process) => process.instance === instance && process.zombie === true,
  )
  return isTakenForDead || isOwnerDead(m, state, instance)
}

/** Whether the process that had an instance was killed. */
function isOwnerDead(m: Model, state: State, instance: number): boolean {
  return m.scenario.processes.some(
    (process, index) =>
      process.instance === instance && state[m.fields.at.processPhase + index] === PROCESS.dead,
  )
}

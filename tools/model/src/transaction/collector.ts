import type { State } from '../explore/layout.ts'
import type { Moves } from '../explore/world.ts'
import { isFloorLocked } from './claims.ts'
import { COLLECTOR } from './constants.ts'
import type { Model } from './model.ts'
import { isFileLocked, isInstanceLocked, isRowLocked } from './server.ts'

/**
 * Removes tombstones that are old enough, pass after pass: lists them; raises the global floor; lists the instances; raises the
 * floor of each; removes what it listed. Each is a transaction of its own.
 */
export function stepCollector(m: Model, state: State, moves: Moves): void {
  const { at } = m.fields
  const limit = m.scenario.passes?.[state[at.collectorPass]!]
  if (limit === undefined) return
  switch (state[at.collectorPhase]) {
    case COLLECTOR.idle:
      start(m, state, limit, moves)
      return
    case COLLECTOR.raiseGlobal:
      raiseGlobal(m, state, limit, moves)
      return
    case COLLECTOR.list:
      listInstances(m, state, moves)
      return
    case COLLECTOR.raiseEach:
      raiseNext(m, state, limit, moves)
      return
    default:
      removeNext(m, state, limit, moves)
  }
}

function start(m: Model, state: State, limit: number, moves: Moves): void {
  const { at, ids } = m.fields
  const next = moves.copy()
  if (m.rules['raise-changes-floor'] && limit <= state[at.globalFloor]!) {
    endPass(m, next)
    moves.add(next, () => `the collector passes: the floor is at ${limit} already`)
    return
  }
  for (let id = 0; id < ids; id++) {
    if (isTombstone(m, state, id, limit)) next[at.listed + id] = state[at.rowStamp + id]!
  }
  if (!m.rules['list-after-raise']) next[at.toRaise] = instancesThere(m, state)
  next[at.collectorPhase] = m.rules['raise-first'] ? COLLECTOR.raiseGlobal : COLLECTOR.remove
  moves.add(next, () => {
    const listed = m.scenario.ids.filter((_, id) => isTombstone(m, state, id, limit))
    return `the collector lists tombstones up to stamp ${limit}: ${listed.length > 0 ? listed.join(', ') : 'none'}`
  })
}

function raiseGlobal(m: Model, state: State, limit: number, moves: Moves): void {
  const { at } = m.fields
  if (isFloorLocked(m, state) || isFileLocked(m, state, -1)) return
  const next = moves.copy()
  next[at.globalFloor] = Math.max(limit, state[at.globalFloor]!)
  next[at.collectorPhase] = m.rules['list-after-raise'] ? COLLECTOR.list : COLLECTOR.raiseEach
  moves.add(next, () => `the collector raises the global floor to ${limit}`)
}

function listInstances(m: Model, state: State, moves: Moves): void {
  const { at } = m.fields
  const next = moves.copy()
  next[at.toRaise] = m.rules['raise-each'] ? instancesThere(m, state) : 0
  next[at.collectorPhase] = COLLECTOR.raiseEach
  moves.add(next, () => 'the collector lists the instances')
}

function instancesThere(m: Model, state: State): number {
  const { at, instances } = m.fields
  let bits = 0
  for (let instance = 0; instance < instances; instance++) {
    if (state[at.isThere + instance] === 1) bits |= 1 << instance
  }
  return bits
}

/** UPDATE sync_instances SET floor … of one instance: waits for its transaction that has done its last statement. */
function raiseNext(m: Model, state: State, limit: number, moves: Moves): void {
  const { at, instances } = m.fields
  for (let instance = 0; instance < instances; instance++) {
    if (((state[at.toRaise]! >> instance) & 1) === 0) continue
    if (isInstanceLocked(m, state, -1, instance)) return
    const next = moves.copy()
    next[at.toRaise]! &= ~(1 << instance)
    next[at.floor + instance] = Math.max(limit, state[at.floor + instance]!)
    moves.add(next, () => `the collector raises the floor of instance ${instance} to ${limit}`)
    return
  }
  const next = moves.copy()
  if (m.rules['raise-first']) next[at.collectorPhase] = COLLECTOR.remove
  else endPass(m, next)
  moves.add(next, () => 'the collector has raised the floor of every instance that it listed')
}

/** DELETE of one tombstone: waits for whoever holds its lock. */
function removeNext(m: Model, state: State, limit: number, moves: Moves): void {
  const { at, ids } = m.fields
  const id = state[at.collectorAt]!
  const next = moves.copy()
  if (id === ids) {
    if (m.rules['raise-first']) endPass(m, next)
    else next[at.collectorPhase] = COLLECTOR.raiseGlobal
    moves.add(next, () => 'the collector has removed what it may')
    return
  }
  next[at.collectorAt]!++
  const listed = state[at.listed + id]!
  const isMeant = m.rules['exact-tombstones']
    ? listed !== 0 && state[at.rowStamp + id] === listed
    : isTombstone(m, state, id, limit)
  const name = m.scenario.ids[id]!
  if (!isMeant) {
    moves.add(next, () => `the collector leaves ${name} alone`)
    return
  }
  if (isRowLocked(m, state, -1, id)) return
  next[at.rowStamp + id] = 0
  if (m.hasVersions) next[at.rowVersion + id] = 0
  moves.add(next, () => `the collector removes the tombstone of ${name}, stamp ${state[at.rowStamp + id]!}`)
}

function isTombstone(m: Model, state: State, id: number, limit: number): boolean {
  const stamp = state[m.fields.at.rowStamp + id]!
  return stamp !== 0 && stamp <= limit && m.deletes[stamp] === true
}

function endPass(m: Model, next: State): void {
  const { at, ids } = m.fields
  next[at.collectorPass]!++
  next[at.collectorPhase] = COLLECTOR.idle
  next[at.collectorAt] = 0
  next[at.toRaise] = 0
  next.fill(0, at.listed, at.listed + ids)
}

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
export function stepCollector(m: Model, state: State, collector: number, moves: Moves): void {
  const { at } = m.fields
  const limit = m.scenario.collectors![collector]![state[at.collectorPass + collector]!]
  if (limit === undefined) return
  switch (state[at.collectorPhase + collector]) {
    case COLLECTOR.idle:
      start(m, state, collector, limit, moves)
      return
    case COLLECTOR.raiseGlobal:
      raiseGlobal(m, state, collector, limit, moves)
      return
    case COLLECTOR.list:
      listInstances(m, state, collector, moves)
      return
    case COLLECTOR.raiseEach:
      raiseNext(m, state, collector, limit, moves)
      return
    default:
      removeNext(m, state, collector, limit, moves)
  }
}

function start(m: Model, state: State, collector: number, limit: number, moves: Moves): void {
  const { at, ids } = m.fields
  const next = moves.copy()
  if (m.rules['raise-changes-floor'] && limit <= state[at.globalFloor]!) {
    endPass(m, next, collector)
    moves.add(next, () => `${told(m, collector)} passes: the floor is at ${limit} already`)
    return
  }
  for (let id = 0; id < ids; id++) {
    if (isTombstone(m, state, id, limit)) next[at.listed + collector * ids + id] = state[at.rowStamp + id]!
  }
  if (!m.rules['list-after-raise']) next[at.toRaise + collector] = instancesThere(m, state)
  next[at.collectorPhase + collector] = m.rules['raise-first'] ? COLLECTOR.raiseGlobal : COLLECTOR.remove
  moves.add(next, () => {
    const listed = m.scenario.ids.filter((_, id) => isTombstone(m, state, id, limit))
    return `${told(m, collector)} lists tombstones up to stamp ${limit}: ${listed.length > 0 ? listed.join(', ') : 'none'}`
  })
}

function raiseGlobal(m: Model, state: State, collector: number, limit: number, moves: Moves): void {
  const { at } = m.fields
  if (isFloorLocked(m, state) || isFileLocked(m, state, -1)) return
  const next = moves.copy()
  next[at.globalFloor] = raised(m, state[at.globalFloor]!, limit)
  next[at.collectorPhase + collector] = m.rules['list-after-raise'] ? COLLECTOR.list : COLLECTOR.raiseEach
  moves.add(next, () => `${told(m, collector)} raises the global floor to ${limit}`)
}

function listInstances(m: Model, state: State, collector: number, moves: Moves): void {
  const { at } = m.fields
  const next = moves.copy()
  next[at.toRaise + collector] = m.rules['raise-each'] ? instancesThere(m, state) : 0
  next[at.collectorPhase + collector] = COLLECTOR.raiseEach
  moves.add(next, () => `${told(m, collector)} lists the instances`)
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
function raiseNext(m: Model, state: State, collector: number, limit: number, moves: Moves): void {
  const { at, instances } = m.fields
  for (let instance = 0; instance < instances; instance++) {
    if (((state[at.toRaise + collector]! >> instance) & 1) === 0) continue
    if (isInstanceLocked(m, state, -1, instance)) return
    const next = moves.copy()
    next[at.toRaise + collector]! &= ~(1 << instance)
    next[at.floor + instance] = raised(m, state[at.floor + instance]!, limit)
    moves.add(next, () => `${told(m, collector)} raises the floor of instance ${instance} to ${limit}`)
    return
  }
  const next = moves.copy()
  if (m.rules['raise-first']) next[at.collectorPhase + collector] = COLLECTOR.remove
  else endPass(m, next, collector)
  moves.add(next, () => `${told(m, collector)} has raised the floor of every instance that it listed`)
}

/** DELETE of one tombstone: waits for whoever holds its lock. */
function removeNext(m: Model, state: State, collector: number, limit: number, moves: Moves): void {
  const { at, ids } = m.fields
  const id = state[at.collectorAt + collector]!
  const next = moves.copy()
  if (id === ids) {
    if (m.rules['raise-first']) endPass(m, next, collector)
    else next[at.collectorPhase + collector] = COLLECTOR.raiseGlobal
    moves.add(next, () => `${told(m, collector)} has removed what it may`)
    return
  }
  next[at.collectorAt + collector]!++
  const listed = state[at.listed + collector * ids + id]!
  const isMeant = m.rules['exact-tombstones']
    ? listed !== 0 && state[at.rowStamp + id] === listed
    : isTombstone(m, state, id, limit)
  const name = m.scenario.ids[id]!
  if (!isMeant) {
    moves.add(next, () => `${told(m, collector)} leaves ${name} alone`)
    return
  }
  if (isRowLocked(m, state, -1, id)) return
  next[at.rowStamp + id] = 0
  if (m.hasVersions) next[at.rowVersion + id] = 0
  moves.add(
    next,
    () => `${told(m, collector)} removes the tombstone of ${name}, stamp ${state[at.rowStamp + id]!}`,
  )
}

function told(m: Model, collector: number): string {
  return m.fields.collectors > 1 ? `collector ${collector + 1}` : 'the collector'
}

function raised(m: Model, floor: number, limit: number): number {
  return m.rules['raise-only-up'] ? Math.max(floor, limit) : limit
}

function isTombstone(m: Model, state: State, id: number, limit: number): boolean {
  const stamp = state[m.fields.at.rowStamp + id]!
  return stamp !== 0 && stamp <= limit && m.deletes[stamp] === true
}

function endPass(m: Model, next: State, collector: number): void {
  const { at, ids } = m.fields
  next[at.collectorPass + collector]!++
  next[at.collectorPhase + collector] = COLLECTOR.idle
  next[at.collectorAt + collector] = 0
  next[at.toRaise + collector] = 0
  next.fill(0, at.listed + collector * ids, at.listed + (collector + 1) * ids)
}

import type { State } from '../explore/layout.ts'
import type { World } from '../explore/world.ts'
import { stepClaim } from './claims.ts'
import { stepBatch } from './client.ts'
import { stepCollector } from './collector.ts'
import { COLLECTOR, PROCESS, STATUS } from './constants.ts'
import { kill, loseConnection, stepGhost } from './ghosts.ts'
import { violationIn } from './invariants.ts'
import { digestOf, modelOf, type Model } from './model.ts'
import { restore } from './restore.ts'
import type { Rules } from './rules.ts'
import type { Scenario } from './scenario.ts'

/** The portable transaction: writers, their old transactions, a collector, and faults, over one archive. */
export function transactionWorld(scenario: Scenario, rules: Rules): World {
  const m = modelOf(scenario, rules)
  const first = firstState(m)
  return {
    byteCount: m.fields.byteCount,
    first: () => first.slice(),
    step(state, moves) {
      const { batches, slots, processes, collectors } = m.fields
      for (let process = 0; process < processes; process++) stepClaim(m, state, process, moves)
      for (let batch = 0; batch < batches; batch++) {
        stepBatch(m, state, batch, moves)
        loseConnection(m, state, batch, moves)
      }
      for (let slot = batches; slot < slots; slot++) stepGhost(m, state, slot, moves)
      for (let collector = 0; collector < collectors; collector++) stepCollector(m, state, collector, moves)
      kill(m, state, moves)
      restore(m, state, first, moves)
    },
    violationIn: (state) => violationIn(m, state),
    isEnd: (state) => isEnd(m, state),
  }
}

function firstState(m: Model): State {
  const { scenario, fields } = m
  const { at } = fields
  const state = new Uint8Array(fields.byteCount)
  for (const [name, { stamp }] of Object.entries(scenario.rows ?? {})) {
    const id = scenario.ids.indexOf(name)
    state[at.rowStamp + id] = stamp
    state[at.newest + id] = stamp
    state[at.sum + id] = digestOf(m, stamp)
    if (m.hasVersions) state[at.rowVersion + id] = 1
  }
  for (const [process, { start, instance }] of scenario.processes.entries()) {
    if (start === 'joins' || start === 'takes-over') {
      if (start === 'takes-over') state[at.isThere + instance] = 1
      continue
    }
    state[at.isThere + instance] = 1
    state[at.epoch + instance] = 1
    state[at.nonce + instance] = process + 1
    state[at.processEpoch + process] = 1
    state[at.processPhase + process] = PROCESS.running
  }
  state[at.losses] = scenario.losses ?? 0
  state[at.conflicts] = scenario.conflicts ?? 0
  state[at.kills] = scenario.kills ?? 0
  state[at.restores] = scenario.restores ?? 0
  return state
}

/** All work is done: every batch has a fate, every claim and every pass is through. Old transactions may be left. */
function isEnd(m: Model, state: State): boolean {
  const { at, processes } = m.fields
  for (const [collector, passes] of (m.scenario.collectors ?? []).entries()) {
    if (state[at.collectorPhase + collector] !== COLLECTOR.idle) return false
    if (state[at.collectorPass + collector] !== passes.length) return false
  }
  for (let process = 0; process < processes; process++) {
    if (!isThrough(m, state, process)) return false
  }
  return true
}

function isThrough(m: Model, state: State, process: number): boolean {
  const { at } = m.fields
  const isOpen = (batch: number, alsoWaiting: boolean): boolean => {
    const status = state[at.status + batch]
    return status === STATUS.doubt || status === STATUS.active || (alsoWaiting && status === STATUS.waiting)
  }
  switch (state[at.processPhase + process]) {
    case PROCESS.dead:
      return true
    case PROCESS.stopped:
      return !m.batchesOf[process]!.some((batch) => isOpen(batch, false))
    case PROCESS.running:
      return !m.batchesOf[process]!.some((batch) => isOpen(batch, true))
    case PROCESS.notStarted:
      // Who takes over or gets a number that was another's may wait for a death that does not come.
      return state[at.kills]! > 0 || m.scenario.processes[process]!.zombie === true
    default:
      return false
  }
}

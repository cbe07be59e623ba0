import { layOut } from '../explore/layout.ts'
import type { Scenario } from './scenario.ts'

/** The fields of a state, and how many entries each has. */
export function layOutTransaction(scenario: Scenario) {
  const ids = scenario.ids.length
  const processes = scenario.processes.length
  const batches = scenario.batches.length
  const instances = 1 + Math.max(...scenario.processes.map(({ instance }) => instance))
  const ghosts = ghostCount(scenario)
  const slots = batches + ghosts
  const collectors = scenario.collectors?.length ?? 0
  const sequences = batches + 1
  const layout = layOut({
    violation: 1,

    // The archive, as committed.
    rowStamp: ids, // 0: no row
    rowVersion: ids, // only where the store compares versions
    globalFloor: 1,
    isThere: instances,
    lastSequence: instances,
    epoch: instances,
    nonce: instances, // process that claimed it, counted from 1
    attempt: instances,
    floor: instances,
    ledger: instances * sequences, // link of the row at [instance][sequence]; 0: no row
    previous: scenario.order === true ? instances * sequences * ids : 0, // 1 + the stamp replaced; 0: id not in the row
    // What only the judge knows.
    sum: ids, // of the digests that the ledger's rows tell
    newest: ids, // stamp of the newest write that was ever committed
    applied: batches, // bit per content: it was committed
    isRestored: 1,

    // Processes.
    processPhase: processes,
    processEpoch: processes,
    base: processes, // last sequence of the instance when it was claimed
    attemptKnown: processes,
    claimFloor: processes, // global floor as the claim read it

    // Batches, as their process sees them.
    status: batches,
    variant: batches, // 1: changed after a verdict "not in"
    isCareful: batches, // the filter is not asked any more
    isAfter: batches, // begins only when its predecessor is in

    // Transactions: one slot for the present one of each batch, then the ghosts.
    phase: slots,
    at: slots, // next id of the statement under way
    owner: slots, // ghosts: the batch, counted from 1
    packet: slots, // ghosts: 1 while a statement is under way
    sequence: slots,
    plannedFloor: slots,
    plannedAttempt: slots,
    content: slots, // variant of the batch that it carries
    isOut: slots, // ghosts: the verdict "not in" was given of it
    leftOut: slots, // bit per id: the filter denied it
    locks: slots, // bit per id
    stored: slots, // bit per id
    seen: slots * ids, // stamp that the SELECT found; 0: no row
    seenVersion: slots * ids,

    // Collectors.
    collectorPhase: collectors,
    collectorAt: collectors,
    collectorPass: collectors,
    toRaise: collectors, // bit per instance: listed, and not raised yet
    listed: collectors * ids, // stamps of the tombstones that it listed

    // Faults that may still come.
    losses: 1,
    conflicts: 1,
    kills: 1,
    restores: 1,
  })
  return { ...layout, ids, processes, batches, instances, ghosts, slots, sequences, collectors }
}

export type Fields = ReturnType<typeof layOutTransaction>

/** Each lost connection leaves one transaction behind, and a killed process one for each batch under way. */
function ghostCount({ losses = 0, kills = 0, batches }: Scenario): number {
  const ofFirst = batches.filter(({ process }) => process === 0).length
  return losses + (kills > 0 ? ofFirst : 0)
}

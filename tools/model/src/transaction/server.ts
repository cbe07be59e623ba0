import type { State } from '../explore/layout.ts'
import { PHASE, VIOLATION } from './constants.ts'
import { batchOf, instanceOf, ledgerAt, processOf, writesOf, type Model, type PlacedWrite } from './model.ts'

/** What the server answers to a statement, or to as much of it as is done at once. */
export type Answer =
  /** It has locked or stored one row, and goes on. */
  | 'goes-on'
  | 'done'
  /** It waits for a lock; nothing has changed. */
  | 'blocked'
  /** Duplicate key of a row. */
  | 'duplicate'
  /** Duplicate key in the ledger. */
  | 'duplicate-sequence'
  /** A row is not as it was read. */
  | 'stale'
  /** The last statement has changed no row. */
  | 'no-row'
  /** It does not take the data. */
  | 'refused'

/** What a transaction means to do with a row, by what its SELECT found. */
export type Decision = 'insert' | 'update' | 'lose' | 'refuse'

export function decide(m: Model, state: State, slot: number, { id, stamp }: PlacedWrite): Decision {
  const { at, ids } = m.fields
  const seen = state[at.seen + slot * ids + id]!
  if (seen === 0) return stamp <= state[at.plannedFloor + slot]! ? 'refuse' : 'insert'
  return stamp > seen ? 'update' : 'lose'
}

/** Whether a transaction is open at the server, so that it may hold locks. */
export function isOpen(m: Model, state: State, slot: number): boolean {
  const phase = state[m.fields.at.phase + slot]!
  return phase >= PHASE.select && phase <= PHASE.committing
}

/** Whether another transaction holds the lock of a row. @param slot -1: who asks is none of the slots */
export function isRowLocked(m: Model, state: State, slot: number, id: number): boolean {
  const { at, slots } = m.fields
  if (isFileLocked(m, state, slot)) return true
  for (let other = 0; other < slots; other++) {
    if (other === slot || ((state[at.locks + other]! >> id) & 1) === 0) continue
    if (isOnNodeOf(m, state, slot, other)) return true
  }
  return false
}

/** Whether another transaction holds the lock of an instance's row. */
export function isInstanceLocked(m: Model, state: State, slot: number, instance: number): boolean {
  const { at, slots } = m.fields
  if (isFileLocked(m, state, slot)) return true
  for (let other = 0; other < slots; other++) {
    const phase = state[at.phase + other]!
    if (other === slot || phase < PHASE.ledger || phase > PHASE.committing) continue
    if (!isOnNodeOf(m, state, slot, other)) continue
    const batch = batchOf(m, state, other)
    if (phase >= PHASE.commit && instanceOf(m, batch) === instance) return true
    if (m.scenario.batches[batch]!.retires === instance) return true
  }
  return false
}

/** Whether a transaction meets the locks of another: over several nodes, those of its own process alone. */
function isOnNodeOf(m: Model, state: State, slot: number, other: number): boolean {
  if (m.rules.store !== 'certified') return true
  if (slot === -1) return false
  return processOf(m, batchOf(m, state, slot)) === processOf(m, batchOf(m, state, other))
}

/** SQLite has one lock for all that is written. */
export function isFileLocked(m: Model, state: State, slot: number): boolean {
  if (m.rules.store !== 'immediate') return false
  for (let other = 0; other < m.fields.slots; other++) {
    if (other !== slot && isOpen(m, state, other)) return true
  }
  return false
}

/** Does the next bit of the statement under way, in `state` itself. */
export function perform(m: Model, state: State, slot: number): Answer {
  switch (state[m.fields.at.phase + slot]) {
    case PHASE.select:
      return m.locksRead ? selectLocked(m, state, slot) : selectPlain(m, state, slot)
    case PHASE.store:
      return storeNext(m, state, slot)
    case PHASE.ledger:
      return insertLedgerRow(m, state, slot)
    default:
      return takeSequence(m, state, slot)
  }
}

/** SELECT … FOR UPDATE: one row after the other is locked, in the order of the ids. */
function selectLocked(m: Model, state: State, slot: number): Answer {
  const { at } = m.fields
  const writes = writesOf(m, state, slot)
  skipLeftOut(m, state, slot)
  const write = writes[state[at.at + slot]!]
  if (write !== undefined) {
    if (isRowLocked(m, state, slot, write.id)) return 'blocked'
    look(m, state, slot, write, true)
    if (state[at.rowStamp + write.id] !== 0) state[at.locks + slot]! |= 1 << write.id
    state[at.at + slot]!++
    skipLeftOut(m, state, slot)
  }
  if (state[at.at + slot]! < writes.length) return 'goes-on'
  return endSelect(m, state, slot)
}

/** What the filter denies is taken for absent. */
function skipLeftOut(m: Model, state: State, slot: number): void {
  const { at } = m.fields
  const writes = writesOf(m, state, slot)
  for (;;) {
    const write = writes[state[at.at + slot]!]
    if (write === undefined || ((state[at.leftOut + slot]! >> write.id) & 1) === 0) return
    look(m, state, slot, write, false)
    state[at.at + slot]!++
  }
}

/** A plain SELECT sees one committed state, and locks nothing. */
function selectPlain(m: Model, state: State, slot: number): Answer {
  for (const write of writesOf(m, state, slot)) {
    look(m, state, slot, write, ((state[m.fields.at.leftOut + slot]! >> write.id) & 1) === 0)
  }
  return endSelect(m, state, slot)
}

function look(m: Model, state: State, slot: number, write: PlacedWrite, isAsked: boolean): void {
  const { at, ids } = m.fields
  const there = state[at.rowStamp + write.id]!
  if (isAsked) {
    state[at.seen + slot * ids + write.id] = there
    if (m.hasVersions) state[at.seenVersion + slot * ids + write.id] = state[at.rowVersion + write.id]!
  }
  if (m.rules['floor-read-first']) judgeRefusal(m, state, slot, write)
}

function endSelect(m: Model, state: State, slot: number): Answer {
  const { at } = m.fields
  if (!m.rules['floor-read-first']) {
    state[at.plannedFloor + slot] = state[at.floor + instanceOf(m, batchOf(m, state, slot))]!
    for (const write of writesOf(m, state, slot)) {
      if (((state[at.leftOut + slot]! >> write.id) & 1) === 1) judgeRefusal(m, state, slot, write)
    }
  }
  state[at.leftOut + slot] = 0
  return enter(m, state, slot, PHASE.store)
}

function judgeRefusal(m: Model, state: State, slot: number, write: PlacedWrite): void {
  const { at } = m.fields
  if (state[at.rowStamp + write.id] !== 0 && decide(m, state, slot, write) === 'refuse') {
    state[at.violation] = VIOLATION.wrongRefusal
  }
}

/** Stores one row after the other, in the order of the ids. */
function storeNext(m: Model, state: State, slot: number): Answer {
  const { at } = m.fields
  const { refused, retires } = m.scenario.batches[batchOf(m, state, slot)]!
  if (refused === true) return 'refused'
  if (retires !== undefined && isInstanceLocked(m, state, slot, retires)) return 'blocked'
  const writes = writesOf(m, state, slot)
  const next = nextWinner(m, state, slot)
  if (next < writes.length) {
    const answer = storeRow(m, state, slot, writes[next]!)
    if (answer !== 'done') return answer
    state[at.at + slot] = next + 1
    if (nextWinner(m, state, slot) < writes.length) return 'goes-on'
  }
  return enter(m, state, slot, PHASE.ledger)
}

function nextWinner(m: Model, state: State, slot: number): number {
  const writes = writesOf(m, state, slot)
  let next = state[m.fields.at.at + slot]!
  for (; next < writes.length; next++) {
    const decision = decide(m, state, slot, writes[next]!)
    if (decision === 'insert' || decision === 'update') break
  }
  return next
}

function storeRow(m: Model, state: State, slot: number, write: PlacedWrite): Answer {
  const { at, ids } = m.fields
  const { id } = write
  if (isRowLocked(m, state, slot, id)) return 'blocked'
  const isInsert = decide(m, state, slot, write) === 'insert'
  const there = state[at.rowStamp + id]!
  const seen = state[at.seen + slot * ids + id]!
  const { store } = m.rules
  if (store === 'upsert' || store === 'upsert-counted' || store === 'upsert-stamp') {
    const isExpected =
      store === 'upsert-stamp'
        ? there === seen
        : state[at.rowVersion + id] === state[at.seenVersion + slot * ids + id]
    // Where no row is there, an upsert inserts it: no guard is asked.
    if (there !== 0 && !isExpected) return 'stale'
    if (store === 'upsert-counted' && (there === 0) !== isInsert) return 'stale'
  } else if (isInsert) {
    if (there !== 0) return 'duplicate'
  } else if (there !== seen) {
    return 'stale'
  }
  state[at.locks + slot]! |= 1 << id
  state[at.stored + slot]! |= 1 << id
  return 'done'
}

function insertLedgerRow(m: Model, state: State, slot: number): Answer {
  const { at, slots } = m.fields
  const instance = instanceOf(m, batchOf(m, state, slot))
  const sequence = state[at.sequence + slot]!
  for (let other = 0; other < slots; other++) {
    const phase = state[at.phase + other]!
    const hasInserted = phase >= PHASE.sequence && phase <= PHASE.committing
    if (other === slot || !hasInserted || state[at.sequence + other] !== sequence) continue
    if (!isOnNodeOf(m, state, slot, other)) continue
    if (instanceOf(m, batchOf(m, state, other)) === instance) return 'blocked'
  }
  if (state[ledgerAt(m, instance, sequence)] !== 0) return 'duplicate-sequence'
  return enter(m, state, slot, PHASE.sequence)
}

/** UPDATE sync_instances … WHERE: a point update by the primary key, so it waits for the lock and then compares. */
function takeSequence(m: Model, state: State, slot: number): Answer {
  if (isInstanceLocked(m, state, slot, instanceOf(m, batchOf(m, state, slot)))) return 'blocked'
  return isOwnRow(m, state, slot) ? enter(m, state, slot, PHASE.commit) : 'no-row'
}

/** Whether the WHERE of the last statement finds its row. */
export function isOwnRow(m: Model, state: State, slot: number): boolean {
  const { at } = m.fields
  const batch = batchOf(m, state, slot)
  const process = processOf(m, batch)
  const instance = instanceOf(m, batch)
  const sequence = state[at.sequence + slot]!
  const { rules } = m
  return (
    state[at.isThere + instance] === 1 &&
    (!rules['epoch-compared'] || state[at.epoch + instance] === state[at.processEpoch + process]) &&
    (!rules['nonce-compared'] || state[at.nonce + instance] === process + 1) &&
    (!rules['attempt-compared'] || state[at.attempt + instance] === state[at.plannedAttempt + slot]) &&
    (!rules['sequence-compared'] || state[at.lastSequence + instance] === sequence - 1) &&
    (!rules['floor-compared'] || state[at.floor + instance] === state[at.plannedFloor + slot])
  )
}

function enter(m: Model, state: State, slot: number, phase: number): Answer {
  state[m.fields.at.phase + slot] = phase
  state[m.fields.at.at + slot] = 0
  return 'done'
}

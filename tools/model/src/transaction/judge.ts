import type { State } from '../explore/layout.ts'
import { blame } from './commit.ts'
import { PROCESS, STATUS, VIOLATION } from './constants.ts'
import { clearSlot, instanceOf, isApplied, ledgerAt, linkOf, processOf, type Model } from './model.ts'
import { predecessorOf, sequenceFor } from './pipeline.ts'

/** What a process finds out about a batch of its own, in words. */
export type Verdict = 'in' | 'not in' | 'fenced' | 'gone back' | 'redo' | 'redo after the predecessor'

/** Reads the own row after a roll back, because the number was not to be had. */
export function judgeOwnRow(m: Model, state: State, batch: number): Verdict {
  const { at } = m.fields
  const instance = instanceOf(m, batch)
  const sequence = state[at.sequence + batch]!
  const known = judgeClaim(m, state, batch) ?? judgeLedger(m, state, batch)
  if (known !== undefined) return known
  clearSlot(m, state, batch)
  state[at.status + batch] = STATUS.waiting
  const hasMoved = m.rules['number-counted-again'] && sequenceFor(m, state, batch) !== sequence
  if (hasMoved || state[at.lastSequence + instance]! >= sequence - 1) return 'redo'
  // The predecessor is not in.
  const before = predecessorOf(m, state, batch)
  const isKnownIn = before === undefined || state[at.status + before] === STATUS.in
  if (isKnownIn || !m.rules['predecessor-may-be-out']) return stop(m, state, batch, 'gone back')
  state[at.isAfter + batch] = 1
  return 'redo after the predecessor'
}

/** Raises the attempt, which fences all transactions that began before, and reads what became of the batch. */
export function judgeAttempt(m: Model, state: State, batch: number): Verdict {
  const { at, slots, batches } = m.fields
  const process = processOf(m, batch)
  const instance = instanceOf(m, batch)
  const isOwn = state[at.epoch + instance] === state[at.processEpoch + process]
  // UPDATE … WHERE epoch = the own one: a fenced process must not disturb its successor.
  if (m.rules['attempt-waits'] && (isOwn || !m.rules['attempt-of-own-epoch'])) {
    state[at.attempt + instance]!++
    if (!m.rules['attempt-read']) state[at.attemptKnown + process] = state[at.attempt + instance]!
  }
  const known = judgeClaim(m, state, batch) ?? judgeLedger(m, state, batch)
  if (known !== undefined) return known
  for (let slot = batches; slot < slots; slot++) {
    if (state[at.owner + slot] === batch + 1) state[at.isOut + slot] = 1
  }
  clearSlot(m, state, batch)
  state[at.status + batch] = STATUS.waiting
  if (m.scenario.batches[batch]!.changed !== undefined) state[at.variant + batch] = 1
  return 'not in'
}

/** Whether the claim is still ours. */
function judgeClaim(m: Model, state: State, batch: number): Verdict | undefined {
  const { at } = m.fields
  const process = processOf(m, batch)
  const instance = instanceOf(m, batch)
  const epoch = state[at.epoch + instance]!
  const own = state[at.processEpoch + process]!
  // Retired meanwhile.
  if (state[at.isThere + instance] === 0) return stop(m, state, batch, 'fenced')
  if (epoch < own) return stop(m, state, batch, 'gone back')
  const isOther = m.rules['nonce-compared'] && state[at.nonce + instance] !== process + 1
  return epoch !== own || isOther ? stop(m, state, batch, 'fenced') : undefined
}

/** Whether the number is in the ledger, and whose it is. */
function judgeLedger(m: Model, state: State, batch: number): Verdict | undefined {
  const { at } = m.fields
  const instance = instanceOf(m, batch)
  const sequence = state[at.sequence + batch]!
  if (state[at.lastSequence + instance]! < sequence) return undefined
  const link = state[ledgerAt(m, instance, sequence)]!
  const isOurs = link === linkOf(batch, state[at.variant + batch]!)
  if (!isOurs && m.rules['link-compared']) return stop(m, state, batch, 'gone back')
  settleIn(m, state, batch)
  return 'in'
}

/** The process believes that a batch is in, and forgets its writes. */
export function settleIn(m: Model, state: State, batch: number): void {
  const { at } = m.fields
  if (!isApplied(m, state, batch, state[at.variant + batch]!)) blame(m, state, VIOLATION.wrongIn)
  clearSlot(m, state, batch)
  state[at.status + batch] = STATUS.in
  state[at.isCareful + batch] = 0
  state[at.isAfter + batch] = 0
}

/** The process sends nothing more; a batch in doubt has no known fate. */
function stop(m: Model, state: State, batch: number, because: 'fenced' | 'gone back'): Verdict {
  const { at } = m.fields
  if (because === 'gone back' && state[at.isRestored] === 0) blame(m, state, VIOLATION.wrongGoneBack)
  const isIn = isApplied(m, state, batch, state[at.variant + batch]!)
  if (!m.rules['fenced-is-unknown'] && isIn) blame(m, state, VIOLATION.wrongOut)
  clearSlot(m, state, batch)
  state[at.status + batch] = STATUS.abandoned
  state[at.processPhase + processOf(m, batch)] = PROCESS.stopped
  return because
}

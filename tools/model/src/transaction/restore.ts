import type { State } from '../explore/layout.ts'
import type { Moves } from '../explore/world.ts'
import { STATUS } from './constants.ts'
import { disconnect } from './ghosts.ts'
import { clearSlot, type Model } from './model.ts'

/** The archive is set back to how it was at the beginning. Every connection is lost, and no old transaction is left. */
export function restore(m: Model, state: State, first: State, moves: Moves): void {
  const { at, ids, instances, sequences, batches, slots } = m.fields
  if (state[at.restores] === 0) return
  const next = moves.copy()
  next[at.restores]!--
  next[at.isRestored] = 1
  const setBack: readonly (readonly [number, number])[] = [
    [at.rowStamp, ids],
    [at.rowVersion, ids],
    [at.sum, ids],
    [at.newest, ids],
    [at.applied, batches],
    [at.globalFloor, 1],
    [at.isThere, instances],
    [at.lastSequence, instances],
    [at.epoch, instances],
    [at.nonce, instances],
    [at.attempt, instances],
    [at.floor, instances],
    [at.ledger, instances * sequences],
  ]
  for (const [start, count] of setBack) next.set(first.subarray(start, start + count), start)
  for (let batch = 0; batch < batches; batch++) {
    if (next[at.status + batch] === STATUS.active) disconnect(m, next, batch)
  }
  for (let slot = batches; slot < slots; slot++) clearSlot(m, next, slot)
  moves.addFault(next, () => 'the archive is restored from the backup of the beginning')
}

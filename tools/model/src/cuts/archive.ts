import type { State } from '../explore/layout.ts'
import type { Moves } from '../explore/world.ts'
import { archiveAt, rowAt, type CutModel } from './cut-fields.ts'

/** What happens in the archive while the view sleeps. A batch is one step here: what is in it, the transaction sees to. */
export function stepArchive(m: CutModel, state: State, moves: Moves): void {
  for (let instance = 0; instance < m.scenario.instances; instance++) {
    if (state[archiveAt(m, 'isThere', instance)] === 0) {
      beBorn(m, instance, moves)
      continue
    }
    write(m, state, instance, moves)
    if (m.scenario.retires) {
      prune(m, state, instance, moves)
      end(m, state, instance, moves)
      for (let by = 0; by < m.scenario.instances; by++) retire(m, state, instance, by, moves)
    }
    raise(m, state, instance, moves)
  }
  backUp(m, state, moves)
  restore(m, state, moves)
}

function beBorn(m: CutModel, instance: number, moves: Moves): void {
  const next = moves.copy()
  next[archiveAt(m, 'isThere', instance)] = 1
  next[m.fields.at.remembered + instance] = 0
  moves.add(next, () => `instance ${instance} is born`)
}

function canWrite(m: CutModel, state: State, instance: number): boolean {
  return (
    state[archiveAt(m, 'isThere', instance)] === 1 &&
    state[archiveAt(m, 'hasEnded', instance)] === 0 &&
    state[archiveAt(m, 'last', instance)]! < m.scenario.sequences &&
    state[m.fields.at.nextLink]! <= m.scenario.rows
  )
}

/** A row with a new link. @returns where it lies */
function addRow(m: CutModel, next: State, instance: number): number {
  const { at } = m.fields
  const sequence = ++next[archiveAt(m, 'last', instance)]!
  const link = next[at.nextLink]!++
  next[archiveAt(m, 'link', instance)] = link
  const row = rowAt(m, instance, sequence)
  next[archiveAt(m, 'row', row)] = link
  if (m.scenario.raises === true) {
    next[at.remembered + instance] = Math.max(next[at.remembered + instance]!, sequence)
  }
  return row
}

function write(m: CutModel, state: State, instance: number, moves: Moves): void {
  if (!canWrite(m, state, instance)) return
  const next = moves.copy()
  const row = addRow(m, next, instance)
  const link = next[archiveAt(m, 'row', row)]!
  next[archiveAt(m, 'content')]! |= 1 << (link - 1)
  moves.add(
    next,
    () => `instance ${instance} writes batch ${next[archiveAt(m, 'last', instance)]!}, link ${link}`,
  )
}

function prune(m: CutModel, state: State, instance: number, moves: Moves): void {
  const pruned = state[archiveAt(m, 'pruned', instance)]!
  if (pruned === state[archiveAt(m, 'last', instance)]) return
  const next = moves.copy()
  const row = rowAt(m, instance, pruned + 1)
  next[archiveAt(m, 'pruned', instance)] = pruned + 1
  next[archiveAt(m, 'prunedLink', instance)] = state[archiveAt(m, 'row', row)]!
  for (const field of ['row', 'retired', 'retiredLast', 'retiredLink'] as const)
    next[archiveAt(m, field, row)] = 0
  moves.add(next, () => `row ${pruned + 1} of instance ${instance} is pruned`)
}

function end(m: CutModel, state: State, instance: number, moves: Moves): void {
  if (state[archiveAt(m, 'hasEnded', instance)] === 1) return
  const next = moves.copy()
  next[archiveAt(m, 'hasEnded', instance)] = 1
  moves.add(next, () => `instance ${instance} ends`)
}

/** An instance that has ended, and of which no row is left, is taken out by another. */
function retire(m: CutModel, state: State, instance: number, by: number, moves: Moves): void {
  const last = state[archiveAt(m, 'last', instance)]!
  const isOver =
    state[archiveAt(m, 'hasEnded', instance)] === 1 && state[archiveAt(m, 'pruned', instance)] === last
  if (by === instance || !isOver || !canWrite(m, state, by)) return
  const next = moves.copy()
  const link = state[archiveAt(m, 'link', instance)]!
  if (m.rules['retirement-written']) {
    const row = addRow(m, next, by)
    next[archiveAt(m, 'retired', row)] = instance + 1
    next[archiveAt(m, 'retiredLast', row)] = last
    next[archiveAt(m, 'retiredLink', row)] = link
  }
  for (const field of ['isThere', 'hasEnded', 'last', 'link', 'pruned', 'prunedLink'] as const) {
    next[archiveAt(m, field, instance)] = 0
  }
  moves.add(next, () => `instance ${by} retires instance ${instance}, which ended at ${last}`)
}

/** A process that remembers more than the restored archive has stands above the hole, and what lies below counts as pruned. */
function raise(m: CutModel, state: State, instance: number, moves: Moves): void {
  const { at } = m.fields
  const remembered = state[at.remembered + instance]!
  if (m.scenario.raises !== true || state[at.wasRestored] === 0) return
  if (remembered <= state[archiveAt(m, 'last', instance)]! || state[at.nextLink]! > m.scenario.rows) return
  const next = moves.copy()
  const link = next[at.nextLink]!++
  for (const field of ['last', 'pruned'] as const) next[archiveAt(m, field, instance)] = remembered
  for (const field of ['link', 'prunedLink'] as const) next[archiveAt(m, field, instance)] = link
  for (let sequence = 0; sequence <= m.scenario.sequences; sequence++) {
    const row = rowAt(m, instance, sequence)
    for (const field of ['row', 'retired', 'retiredLast', 'retiredLink'] as const)
      next[archiveAt(m, field, row)] = 0
  }
  moves.add(
    next,
    () => `instance ${instance} is claimed again, and raised to ${remembered} with link ${link}`,
  )
}

function backUp(m: CutModel, state: State, moves: Moves): void {
  const { at, archive } = m.fields
  if (m.scenario.restores === 0 || state[at.hasBackup] === 1) return
  const next = moves.copy()
  next[at.hasBackup] = 1
  next.copyWithin(at.backup, at.archive, at.archive + archive.byteCount)
  moves.add(next, () => 'a backup is made')
}

function restore(m: CutModel, state: State, moves: Moves): void {
  const { at, archive } = m.fields
  if (state[at.restores] === 0 || state[at.hasBackup] === 0) return
  const next = moves.copy()
  next[at.restores]!--
  next[at.wasRestored] = 1
  next.copyWithin(at.archive, at.backup, at.backup + archive.byteCount)
  moves.addFault(next, () => 'the archive is restored from the backup')
}

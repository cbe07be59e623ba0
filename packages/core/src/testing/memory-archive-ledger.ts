import { createBranchSet } from '../branch.ts'
import { linkAt, sequenceAt, type Cut, type Position } from '../cut.ts'
import { InvalidInput } from '../errors.ts'
import type { Heads, LedgerRow, LedgerTail } from '../ledger.ts'
import type { Lookup } from '../lookup.ts'
import { stampMs, stampTimeOf } from '../stamp.ts'
import { linkOf, nowMsOf, type State, type World } from './memory-archive-state.ts'

export function lookup({ rows }: State, id: string): Lookup {
  const row = rows.get(id)
  if (row === undefined) return { kind: 'absent' }
  const { stamp, state, contentType, bytes } = row.write
  if (bytes === undefined) return { kind: 'absent', tombstone: stamp }
  const { version, createdAtMs } = row
  const updatedAtMs = stampMs(stamp)
  return { kind: 'found', item: { id, bytes, stamp, version, state, contentType, createdAtMs, updatedAtMs } }
}

export function heads(world: World): Heads {
  const { archiveId, instances } = world.state
  const positions = new Map<number, Position>()
  const prunedSequences = new Map<number, number>()
  for (const { number, lastSequence: sequence, link, prunedSequence } of instances.values()) {
    if (sequence > 0) positions.set(number, { sequence, link })
    if (prunedSequence > 0) prunedSequences.set(number, prunedSequence)
  }
  return { cut: { archiveId, positions }, prunedSequences, nowMs: nowMsOf(world) }
}

export function treeCut({ archiveId, treePositions }: State): Cut {
  return { archiveId, positions: new Map(treePositions) }
}

export function tail(world: World, from: Cut): LedgerTail {
  const { state } = world
  const now = heads(world)
  const gap = (because: (LedgerTail & { kind: 'gap' })['because']): LedgerTail => ({
    kind: 'gap',
    heads: now,
    because,
  })
  if (from.archiveId !== now.cut.archiveId) return gap('another-archive')
  const unexplained = new Set<number>()
  for (const [number, { sequence, link }] of from.positions) {
    const instance = state.instances.get(number)
    if (sequence === 0) continue
    if (instance === undefined) unexplained.add(number)
    else if (sequence > instance.lastSequence) return gap('ahead-of-heads')
    else if (sequence >= instance.prunedSequence && linkOf(state, instance, sequence) !== link) {
      return gap('another-history')
    }
  }
  for (const [instance, pruned] of now.prunedSequences) {
    if (sequenceAt(from, instance) < pruned) return gap('pruned')
  }
  const rows = rowsBetween(state, from, now.cut)
  for (const { instance, sequence, link } of rows.flatMap(({ retired }) => retired ?? [])) {
    if (sequenceAt(from, instance) < sequence) return gap('pruned')
    if (linkAt(from, instance) === link) unexplained.delete(instance)
  }
  return unexplained.size > 0 ? gap('another-history') : { kind: 'rows', heads: now, rows }
}

function rowsBetween(state: State, from: Cut, to: Cut): LedgerRow[] {
  const rows: LedgerRow[] = []
  for (const [instance, { sequence: last }] of [...to.positions].sort(([a], [b]) => a - b)) {
    for (let sequence = sequenceAt(from, instance) + 1; sequence <= last; sequence++) {
      const row = state.ledger.get(instance)?.get(sequence)
      if (row !== undefined) rows.push(row)
    }
  }
  return rows
}

export function fold(world: World): number {
  const { state, options } = world
  const { cut } = heads(world)
  const rows = rowsBetween(state, treeCut(state), cut)
  if (rows.length === 0) return 0
  state.pages = options.foldPages(state.pages, rows, createBranchSet((state.prefixes ?? ['']).slice(1)))
  state.treePositions = new Map(cut.positions)
  return rows.length
}

export function collectTombstones(world: World, beforeMs: number): number {
  const { state } = world
  if (!Number.isInteger(beforeMs)) throw new InvalidInput('beforeMs', 'must be an integer')
  const limitTime = stampTimeOf(Math.min(beforeMs, nowMsOf(world))) - 1
  let removedCount = 0
  for (const [id, { write }] of state.rows) {
    if (write.bytes !== undefined || write.stamp.time > limitTime) continue
    state.collectionFloor = Math.max(state.collectionFloor, write.stamp.time)
    state.rows.delete(id)
    removedCount += 1
  }
  return removedCount
}

export function pruneLedger(world: World, beforeMs: number): number {
  const { state } = world
  const nowMs = nowMsOf(world)
  let removedCount = 0
  for (const instance of state.instances.values()) {
    const rows = state.ledger.get(instance.number)
    for (;;) {
      const row = rows?.get(instance.prunedSequence + 1)
      if (row === undefined || (row.committedAtMs >= beforeMs && row.committedAtMs <= nowMs)) break
      if (row.sequence > (state.treePositions.get(instance.number)?.sequence ?? 0)) break
      rows?.delete(row.sequence)
      instance.prunedSequence = row.sequence
      instance.prunedLink = row.link
      removedCount += 1
    }
  }
  return removedCount
}

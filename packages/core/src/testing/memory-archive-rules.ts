import { createBranchSet } from '../branch.ts'
import { linkAt, sequenceAt, type Cut, type Position } from '../cut.ts'
import { ArchiveRefusedData, InvalidInput } from '../errors.ts'
import { invariant } from '../invariant.ts'
import { checkContentType, checkId, checkState, compareIds, type ItemWrite } from '../item.ts'
import { compareStamps, STAMP_AHEAD_MS_MAX, stampMs, stampTimeOf, type Stamp } from '../stamp.ts'
import type { ArchiveBatch, CommittedBatch, WriteOutcome } from '../archive-tier.ts'
import type { Heads, LedgerEntry, LedgerRow, LedgerTail } from '../ledger.ts'
import type { Lookup } from '../lookup.ts'
import { isSettled } from './memory-archive-instances.ts'
import { append, linkOf, nowMsOf, type Row, type State, type World } from './memory-archive-state.ts'

export function put(world: World, { claim: key, sequence, link, writes }: ArchiveBatch): CommittedBatch {
  const { state, options } = world
  invariant(writes.length > 0, 'a batch has at least one write')
  invariant(new Set(writes.map(({ id }) => id)).size === writes.length, 'ids of a batch are unique')
  const nowMs = nowMsOf(world)
  const { own, isIn } = isSettled(state, key, { sequence, link })
  for (const write of writes) refuseUnstorable(write)
  if (isIn) {
    const row = state.ledger.get(own.number)?.get(sequence)
    const outcomes = writes.map((write) => settledOutcome(state, write, row, nowMs))
    return { sequence, outcomes, wasCommittedBefore: true }
  }
  const recordedTime = own.maxStampTime
  const entries: LedgerEntry[] = []
  const outcomes = writes.map((write): WriteOutcome => {
    const before = state.rows.get(write.id)
    const loss = lossOf(write, before, { nowMs, recordedTime, collectionFloor: state.collectionFloor })
    if (loss !== undefined) return loss
    const { bytes } = write
    const digest = bytes === undefined ? undefined : options.digestRow({ ...write, bytes }, state.digestKey)
    const wasLive = before !== undefined && before.write.bytes !== undefined
    const isKept = before !== undefined && (wasLive || bytes === undefined)
    const createdAtMs = isKept ? before.createdAtMs : stampMs(write.stamp)
    const version = (before?.version ?? 0) + 1
    const kept: ItemWrite = { ...write, bytes: bytes === undefined ? undefined : new Uint8Array(bytes) }
    state.rows.set(write.id, { write: kept, version, digest, createdAtMs })
    const { id, stamp } = write
    entries.push({ id, stamp, previousStamp: before?.write.stamp, digest, previousDigest: before?.digest })
    // What is from the future is stored for its id's sake alone: it must not carry the instance's clock along.
    if (!isAhead(stamp, nowMs)) own.maxStampTime = Math.max(own.maxStampTime, stamp.time)
    return { kind: 'won', version, createdAtMs, wasLive }
  })
  entries.sort((a, b) => compareIds(a.id, b.id))
  append(world, own, { instance: own.number, sequence, link, kind: 'batch', committedAtMs: nowMs, entries })
  return { sequence, outcomes, wasCommittedBefore: false }
}

function isAhead(stamp: Stamp, nowMs: number): boolean {
  return stampMs(stamp) > nowMs + STAMP_AHEAD_MS_MAX
}

function lossOf(
  write: ItemWrite,
  before: Row | undefined,
  held: { readonly nowMs: number; readonly recordedTime: number; readonly collectionFloor: number },
): WriteOutcome | undefined {
  const { stamp } = write
  if (before === undefined && stamp.time <= held.collectionFloor) {
    return { kind: 'refused', because: 'below-collection-floor' }
  }
  if (before !== undefined) {
    const order = compareStamps(stamp, before.write.stamp)
    if (order === 0) return { kind: 'held', version: before.version, createdAtMs: before.createdAtMs }
    if (order < 0) return supersededBy(before.write.stamp, held.nowMs)
  }
  if (!isAhead(stamp, held.nowMs) || stamp.time <= held.recordedTime) return undefined
  if (before !== undefined && stamp.time <= before.write.stamp.time + stampTimeOf(STAMP_AHEAD_MS_MAX)) {
    return undefined
  }
  return { kind: 'refused', because: 'stamp-ahead-of-archive' }
}

function supersededBy(by: Stamp, nowMs: number): WriteOutcome {
  return { kind: 'superseded', by, isFromFuture: isAhead(by, nowMs) }
}

function settledOutcome(
  { rows, collectionFloor }: State,
  write: ItemWrite,
  row: LedgerRow | undefined,
  nowMs: number,
): WriteOutcome {
  const entry = row?.entries.find(({ id }) => id === write.id)
  const now = rows.get(write.id)
  const order = now === undefined ? 1 : compareStamps(write.stamp, now.write.stamp)
  if (now !== undefined && order < 0) return supersededBy(now.write.stamp, nowMs)
  if (now !== undefined && order === 0) {
    const { version, createdAtMs } = now
    if (entry === undefined) return { kind: 'held', version, createdAtMs }
    return { kind: 'won', version, createdAtMs, wasLive: entry.previousDigest !== undefined }
  }
  if (entry !== undefined) return { kind: 'held', version: 0, createdAtMs: stampMs(write.stamp) }
  const isBelow = write.stamp.time <= collectionFloor
  return { kind: 'refused', because: isBelow ? 'below-collection-floor' : 'stamp-ahead-of-archive' }
}

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

/** @throws ArchiveRefusedData when a column could not hold the write */
function refuseUnstorable(write: ItemWrite): void {
  try {
    checkId(write.id)
    checkState(write.state)
    checkContentType(write.contentType)
  } catch (cause) {
    throw new ArchiveRefusedData('memory: the write can never be stored', { cause })
  }
}

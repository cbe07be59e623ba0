import type { ArchiveBatch, CommittedBatch, WriteOutcome } from '../archive-tier.ts'
import { ArchiveRefusedData } from '../errors.ts'
import { invariant } from '../invariant.ts'
import { checkContentType, checkId, checkState, compareIds, type ItemWrite } from '../item.ts'
import type { LedgerEntry, LedgerRow } from '../ledger.ts'
import { compareStamps, STAMP_AHEAD_MS_MAX, stampMs, stampTimeOf, type Stamp } from '../stamp.ts'
import { isSettled } from './memory-archive-instances.ts'
import { append, nowMsOf, type Row, type State, type World } from './memory-archive-state.ts'

export function put(world: World, { claim: key, sequence, link, writes }: ArchiveBatch): CommittedBatch {
  const { state, options } = world
  invariant(writes.length > 0, 'a batch has at least one write')
  invariant(new Set(writes.map(({ id }) => id)).size === writes.length, 'ids of a batch are unique')
  const nowMs = nowMsOf(world)
  const { own, isIn } = isSettled(state, key, { sequence, link })
  for (const write of writes) refuseUnstorable(write)
  if (isIn) {
    const row = state.ledger.get(own.number)?.get(sequence)
    const outcomes = writes.map((write) => resolveFate(state, write, row, nowMs))
    return { sequence, outcomes, wasCommittedBefore: true }
  }
  const recordedTime = own.maxStampTime
  const batch = { instance: own.number, sequence }
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
    state.rows.set(write.id, { write: kept, version, digest, createdAtMs, batch })
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

function resolveFate(
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

import {
  compareStamps,
  STAMP_AHEAD_MS_MAX,
  stampMs,
  stampTimeOf,
  type BatchPosition,
  type ItemWrite,
  type LedgerEntry,
  type Stamp,
  type WriteOutcome,
} from '@se/core'
import { invariantOrder } from './byte-order.ts'
import type { ItemRow, RowHeader } from './item-row.ts'

/** A write and where it stands in its batch. */
export interface PlacedWrite {
  readonly write: ItemWrite
  readonly position: number
}

/** A write with everything that can be computed before the existing rows are known. */
export interface PreparedWrite extends PlacedWrite {
  /** 16 bytes; `undefined`: a delete. */
  readonly digest: Uint8Array | undefined
}

/** What held when the rows were locked. */
export interface BatchConditions {
  /** Stamp time: a write at or below it to an id without a row is refused [W4]. */
  readonly collectionFloor: number
  /** Highest stamp time that the archive has recorded for the writing instance. */
  readonly recordedTime: number
  /** The archive's clock, ms. */
  readonly nowMs: number
}

export interface BatchPlan {
  /** Rows to store, in byte order of their ids. */
  readonly rows: readonly ItemRow[]
  /** What the ledger tells of them, in the same order. */
  readonly entries: readonly LedgerEntry[]
  /** By position in the batch. */
  readonly outcomes: readonly WriteOutcome[]
}

/**
 * Decides what becomes of each write: the newest stamp wins, in any order and after any replay [W3].
 *
 *   row   write's stamp                                  outcome
 *   none  at or below the floor                          refused: a delete newer than it may have been collected [W4]
 *   any   equal to the row's                             held
 *   any   older than the row's                           superseded
 *   any   over 1 s ahead, above the instance's record,   refused: one wrong clock carries no other writer along [P67]
 *         and over 1 s above the row's
 *   any   else                                           won
 *
 * @param writes in byte order of their ids
 * @param headers the rows that exist, locked
 * @param batch where the batch stands in the ledger
 */
export function planBatch(
  writes: readonly PreparedWrite[],
  headers: ReadonlyMap<string, RowHeader>,
  conditions: BatchConditions,
  batch: BatchPosition,
): BatchPlan {
  invariantOrder(writes, ({ write }) => write.id, 'a batch is planned in byte order of its ids')
  const rows: ItemRow[] = []
  const entries: LedgerEntry[] = []
  const outcomes = new Array<WriteOutcome>(writes.length)
  for (const prepared of writes) {
    const { write, position, digest } = prepared
    const header = headers.get(write.id)
    const loss = lossOf(write, header, conditions)
    if (loss !== undefined) {
      outcomes[position] = loss
      continue
    }
    const isCreation = header === undefined || (header.isDeleted && write.bytes !== undefined)
    const createdAtMs = isCreation ? stampMs(write.stamp) : header.createdAtMs
    const version = (header?.version ?? 0) + 1
    rows.push({ write, version, digest, createdAtMs, batch })
    entries.push({
      id: write.id,
      stamp: write.stamp,
      previousStamp: header?.stamp,
      digest,
      previousDigest: header?.digest,
    })
    outcomes[position] = {
      kind: 'won',
      version,
      createdAtMs,
      wasLive: header !== undefined && !header.isDeleted,
    }
  }
  return { rows, entries, outcomes }
}

/** Why a write is not accepted; `undefined`: it wins. */
function lossOf(
  write: ItemWrite,
  header: RowHeader | undefined,
  { collectionFloor, recordedTime, nowMs }: BatchConditions,
): WriteOutcome | undefined {
  const { stamp } = write
  if (header === undefined) {
    if (stamp.time <= collectionFloor) return { kind: 'refused', because: 'below-collection-floor' }
  } else {
    const order = compareStamps(stamp, header.stamp)
    if (order === 0) return { kind: 'held', version: header.version, createdAtMs: header.createdAtMs }
    if (order < 0) return supersededBy(header.stamp, nowMs)
  }
  if (!isAhead(stamp, nowMs) || stamp.time <= recordedTime) return undefined
  if (header !== undefined && stamp.time <= header.stamp.time + stampTimeOf(STAMP_AHEAD_MS_MAX))
    return undefined
  return { kind: 'refused', because: 'stamp-ahead-of-archive' }
}

/** Whether a stamp is further ahead of the archive's clock than clocks that are right can be apart. */
function isAhead(stamp: Stamp, nowMs: number): boolean {
  return stampMs(stamp) > nowMs + STAMP_AHEAD_MS_MAX
}

/** What a write is told that has lost to a row. @param nowMs the archive's clock */
export function supersededBy(by: Stamp, nowMs: number): WriteOutcome {
  return { kind: 'superseded', by, isFromFuture: isAhead(by, nowMs) }
}

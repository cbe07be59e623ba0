import {
  compareStamps,
  stampMs,
  type ItemWrite,
  type LeafAddress,
  type LedgerEntry,
  type WriteOutcome,
} from '@se/core'
import type { ItemHead, ItemRow } from './item-row.ts'

/** How far a stamp may be ahead of the archive's clock, ms. */
export const STAMP_AHEAD_MS_MAX = 1_000

/** A write and where it stands in its batch. */
export interface PlacedWrite {
  readonly write: ItemWrite
  readonly position: number
}

/** A write with what the rows that are there have no part in. */
export interface PreparedWrite extends PlacedWrite, LeafAddress {
  /** 16 bytes; `undefined`: a delete. */
  readonly digest: Uint8Array | undefined
}

/** What held when the rows were locked. */
export interface BatchConditions {
  /** Stamp time: a write at or below it to an id without a row is refused [W4]. */
  readonly collectionFloor: number
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
 *   row   write's stamp          outcome
 *   none  at or below the floor  refused: a delete newer than it may have been collected [W4]
 *   any   equal to the row's     held
 *   any   older than the row's   superseded
 *   any   over 1 s ahead         refused
 *   any   else                   won
 *
 * @param writes in byte order of their ids
 * @param heads the rows that exist, locked
 */
export function planBatch(
  writes: readonly PreparedWrite[],
  heads: ReadonlyMap<string, ItemHead>,
  conditions: BatchConditions,
): BatchPlan {
  const rows: ItemRow[] = []
  const entries: LedgerEntry[] = []
  const outcomes = new Array<WriteOutcome>(writes.length)
  for (const prepared of writes) {
    const { write, position, digest, branch, bucket } = prepared
    const head = heads.get(write.id)
    const loss = lossOf(write, head, conditions)
    if (loss !== undefined) {
      outcomes[position] = loss
      continue
    }
    const isCreation = head === undefined || (head.isDeleted && write.bytes !== undefined)
    const createdAtMs = isCreation ? stampMs(write.stamp) : head.createdAtMs
    const version = (head?.version ?? 0) + 1
    rows.push({ write, replaces: head, version, digest, branch, bucket, createdAtMs })
    entries.push({
      id: write.id,
      stamp: write.stamp,
      previousStamp: head?.stamp,
      digest,
      previousDigest: head?.digest,
    })
    outcomes[position] = {
      kind: 'won',
      version,
      createdAtMs,
      wasLive: head !== undefined && !head.isDeleted,
    }
  }
  return { rows, entries, outcomes }
}

/** Why a write is not accepted; `undefined`: it wins. */
function lossOf(
  write: ItemWrite,
  head: ItemHead | undefined,
  { collectionFloor, nowMs }: BatchConditions,
): WriteOutcome | undefined {
  if (head === undefined) {
    if (write.stamp.time <= collectionFloor) return { kind: 'refused', because: 'below-collection-floor' }
  } else {
    const order = compareStamps(write.stamp, head.stamp)
    if (order === 0) return { kind: 'held', version: head.version, createdAtMs: head.createdAtMs }
    if (order < 0) return { kind: 'superseded', by: head.stamp }
  }
  if (stampMs(write.stamp) > nowMs + STAMP_AHEAD_MS_MAX) {
    return { kind: 'refused', because: 'stamp-ahead-of-archive' }
  }
  return undefined
}

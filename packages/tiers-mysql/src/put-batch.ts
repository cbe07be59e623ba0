import {
  ArchiveRefusedData,
  checkContentType,
  checkId,
  checkState,
  compareIds,
  InvalidInput,
  invariant,
  type ArchiveBatch,
  type CommittedBatch,
  type LedgerRow,
} from '@se/core'
import type { RowDigester } from '@se/merkle'
import type { WriteSession } from './archive-database.ts'
import { encodeLedgerRow } from './ledger-row.ts'
import { insertLedgerRow, readLedgerRow } from './ledger.ts'
import { planBatch, type BatchConditions, type PlacedWrite, type PreparedWrite } from './plan-batch.ts'
import { PlanOutdated } from './plan-outdated.ts'
import { outcomesOfCommitted } from './resolve-fate.ts'
import { isInLedger, readOwnRow, takeSequence, type OwnRow } from './take-sequence.ts'

/** Most writes of one batch; its ledger row then has up to 3 MB. */
export const BATCH_ITEMS_MAX = 10_000

/** A batch that was checked and put in order. */
export interface PreparedBatch {
  readonly batch: ArchiveBatch
  /** In byte order of their ids: the order in which rows are locked. */
  readonly writes: readonly PlacedWrite[]
  /** Highest stamp time of the batch. */
  readonly stampTimeMax: number
}

/**
 * Checks what no database needs to be asked for.
 *
 * @throws ArchiveRefusedData when an id, state or content type can never be stored
 */
export function prepareBatch(batch: ArchiveBatch): PreparedBatch {
  invariant(batch.writes.length > 0, 'a batch has at least one write')
  invariant(Number.isSafeInteger(batch.sequence) && batch.sequence > 0, 'a sequence is 1 or more', {
    sequence: batch.sequence,
  })
  if (batch.writes.length > BATCH_ITEMS_MAX) {
    throw new InvalidInput('writes', `has ${batch.writes.length} writes, the limit is ${BATCH_ITEMS_MAX}`, {
      limit: BATCH_ITEMS_MAX,
      actual: batch.writes.length,
    })
  }
  let stampTimeMax = 0
  const writes = batch.writes.map((write, position): PlacedWrite => {
    try {
      checkId(write.id)
      checkState(write.state)
      checkContentType(write.contentType)
    } catch (cause) {
      if (!(cause instanceof InvalidInput)) throw cause
      throw new ArchiveRefusedData(cause.message, { cause, details: cause.details })
    }
    stampTimeMax = Math.max(stampTimeMax, write.stamp.time)
    return { write, position }
  })
  writes.sort((a, b) => compareIds(a.write.id, b.write.id))
  for (let index = 1; index < writes.length; index++) {
    invariant(writes[index - 1]!.write.id !== writes[index]!.write.id, 'ids of a batch are unique')
  }
  return { batch, writes, stampTimeMax }
}

/** Digests the rows. Async, so that it can run while the server does its part. */
async function digestWrites(
  writes: readonly PlacedWrite[],
  digester: RowDigester,
): Promise<readonly PreparedWrite[]> {
  return writes.map(({ write, position }) => {
    const { id, stamp, state, contentType, bytes } = write
    const digest = bytes === undefined ? undefined : digester.digest({ id, stamp, state, contentType, bytes })
    return { write, position, digest }
  })
}

/** Async for the same reason. */
async function encodeRow(row: LedgerRow): Promise<Buffer> {
  return encodeLedgerRow(row)
}

/**
 * The transaction of a batch (docs/formats/archive-tables.md), within the caller's. Nothing is locked before the rows are, and the
 * instance's own row is the last: others wait for it no longer than the commit takes.
 *
 * @param isSure a server that lacks the batch's predecessor is not only behind
 * @throws InstanceFenced when the claim is not ours, the archive went back below the batch, or another batch has its
 *   sequence
 * @throws MayBeBehind while `isSure` is false
 * @throws PlanOutdated when the own row has changed meanwhile: redo all, which begins with finding out why
 */
export async function putBatch(
  session: WriteSession,
  digester: RowDigester,
  { batch, writes, stampTimeMax }: PreparedBatch,
  isSure: boolean,
): Promise<CommittedBatch> {
  const { sequence, link, claim } = batch
  const { instance } = claim
  // 1. The plan begins with the own row: what was collected stays deleted, and a batch is stored once.
  const own = await readOwnRow(session, claim, isSure)
  if (await isInLedger(session, own, batch, isSure))
    return tellAgain(session, own, { batch, writes, stampTimeMax })

  // 2. Who is there. The server looks while this process digests.
  const [headers, prepared] = await bothEnded([
    session.items.lock(writes.map(({ write }) => write.id)),
    digestWrites(writes, digester),
  ])
  const plan = planBatch(prepared, headers, conditionsOf(own), { instance, sequence })
  // 3. Rows, while this process encodes the ledger's.
  const row: LedgerRow = {
    instance,
    sequence,
    link,
    kind: 'batch',
    committedAtMs: own.now_ms,
    entries: plan.entries,
  }
  const [, entries] = await bothEnded([session.items.store(plan.rows), encodeRow(row)])
  // 4. The ledger.
  await insertLedgerRow(session, row, entries)
  // 5. The sequence, if the own row is still the one that was planned with.
  if (!(await takeSequence(session, own, batch, stampTimeMax))) throw new PlanOutdated()
  return { sequence, outcomes: plan.outcomes, wasCommittedBefore: false }
}

/** As `Promise.all`, but no statement of the transaction is still on its way when this fails: it would run after the rollback. */
async function bothEnded<A, B>(both: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(both)
  return Promise.all(both)
}

function conditionsOf({ floor, max_stamp: recordedTime, now_ms: nowMs }: OwnRow): BatchConditions {
  return { collectionFloor: floor, recordedTime, nowMs }
}

/** The batch had been committed before its answer was lost. */
async function tellAgain(
  session: WriteSession,
  own: OwnRow,
  { batch, writes }: PreparedBatch,
): Promise<CommittedBatch> {
  const { claim, sequence } = batch
  const row = await readLedgerRow(session, { instance: claim.instance, sequence })
  const headers = await session.items.lock(writes.map(({ write }) => write.id))
  const outcomes = outcomesOfCommitted(writes, row?.entries, headers, conditionsOf(own))
  return { sequence, outcomes, wasCommittedBefore: true }
}

import {
  ArchiveRefusedData,
  checkContentType,
  checkId,
  checkState,
  compareIds,
  InvalidInput,
  invariant,
  STAMP_AHEAD_MS_MAX,
  stampTimeOf,
  type ArchiveBatch,
  type CommittedBatch,
  type LedgerRow,
} from '@se/core'
import type { RowDigester } from '@se/merkle'
import { sql } from 'kysely'
import type { WriteSession } from './archive-database.ts'
import { encodeLedgerRow } from './ledger-row.ts'
import { insertLedgerRow, readLedgerRow } from './ledger.ts'
import { factLost, numberOf } from './meta.ts'
import { planBatch, type BatchConditions, type PlacedWrite, type PreparedWrite } from './plan-batch.ts'
import { outcomesOfCommitted } from './resolve-fate.ts'
import { isInLedger, lockOwnRow } from './take-sequence.ts'

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
 * The transaction of a batch (docs/formats/archive-tables.md), within the caller's.
 *
 * @param isSure a server that lacks the batch's predecessor is not only behind
 * @throws InstanceFenced when the claim is not ours, the archive went back below the batch, or another batch has its
 *   sequence
 * @throws MayBeBehind while `isSure` is false
 */
export async function putBatch(
  session: WriteSession,
  digester: RowDigester,
  { batch, writes, stampTimeMax }: PreparedBatch,
  isSure: boolean,
): Promise<CommittedBatch> {
  const { sequence, link, claim } = batch
  const { instance } = claim
  // 1. The next sequence is ours, or another process took the instance over, or the batch is in the ledger already.
  const isNext = await takeNext(session, batch, stampTimeMax)
  if (!isNext) return resolveFate(session, batch, writes, isSure)

  // 2. What was collected stays deleted.
  const conditions = await readConditions(session, instance)
  // 3. Who is there. The server looks while this process digests.
  const [headers, prepared] = await Promise.all([
    session.items.lock(writes.map(({ write }) => write.id)),
    digestWrites(writes, digester),
  ])
  const plan = planBatch(prepared, headers, conditions, { instance, sequence })
  // 4. Rows, while this process encodes the ledger's.
  const row: LedgerRow = {
    instance,
    sequence,
    link,
    kind: 'batch',
    committedAtMs: conditions.nowMs,
    entries: plan.entries,
  }
  const [, entries] = await Promise.all([session.items.store(plan.rows), encodeRow(row)])
  // 5. The ledger.
  await insertLedgerRow(session, row, entries)
  return { sequence, outcomes: plan.outcomes, wasCommittedBefore: false }
}

/** Takes the batch's sequence for its instance. @returns false: it is not the next one, or the claim is not ours */
async function takeNext(
  session: WriteSession,
  { claim, sequence, link }: ArchiveBatch,
  stampTimeMax: number,
): Promise<boolean> {
  const { builder } = session.dialect
  // What is too far ahead is stored, if at all, for its id's sake alone: it must not drag the instance's clock along.
  const stampLimit = sql<number>`(${session.dialect.nowMs()} + ${sql.lit(STAMP_AHEAD_MS_MAX + 1)}) * ${sql.lit(stampTimeOf(1))} - 1`
  const raised = await session.run(
    builder
      .updateTable('sync_instances')
      .set({
        last_sequence: sequence,
        link,
        max_stamp: sql<number>`case when max_stamp >= ${stampTimeMax} then max_stamp
          when ${stampTimeMax} <= ${stampLimit} then ${stampTimeMax}
          when max_stamp >= ${stampLimit} then max_stamp else ${stampLimit} end`,
      })
      .where('number', '=', claim.instance)
      .where('epoch', '=', claim.epoch)
      .where('nonce', '=', claim.nonce)
      .where('last_sequence', '=', sequence - 1)
      .compile(),
  )
  invariant(raised <= 1, 'a sequence is taken by one instance', { raised })
  return raised === 1
}

/**
 * Collection floor, locked against being raised until the batch is in; the archive's clock; and what is recorded of
 * the instance's stamps.
 */
async function readConditions(session: WriteSession, instance: number): Promise<BatchConditions> {
  const [row] = await session.rows(
    session.dialect.builder
      .selectFrom('sync_meta')
      .where('name', '=', 'collection_floor')
      .select((select) => [
        'value',
        session.dialect.nowMs().as('now_ms'),
        select
          .selectFrom('sync_instances')
          .select('max_stamp')
          .where('number', '=', instance)
          .as('recorded_time'),
      ])
      .modifyEnd(session.dialect.forShare)
      .compile(),
  )
  if (row === undefined) throw factLost('collection_floor')
  return {
    collectionFloor: numberOf('collection_floor', row.value),
    recordedTime: row.recorded_time ?? 0,
    nowMs: row.now_ms,
  }
}

/** The batch did not get its sequence: finds out why, under the lock of the instance's row. */
async function resolveFate(
  session: WriteSession,
  batch: ArchiveBatch,
  writes: readonly PlacedWrite[],
  isSure: boolean,
): Promise<CommittedBatch> {
  const { claim, sequence } = batch
  const own = await lockOwnRow(session, claim, isSure)
  const isIn = await isInLedger(session, own, batch, isSure)
  invariant(isIn, 'the next sequence is taken by the update')
  const row = await readLedgerRow(session, { instance: claim.instance, sequence })
  const conditions = await readConditions(session, claim.instance)
  const headers = await session.items.lock(writes.map(({ write }) => write.id))
  return {
    sequence,
    outcomes: outcomesOfCommitted(writes, row?.entries, headers, conditions),
    wasCommittedBefore: true,
  }
}

import {
  LINK_NONE,
  type ClaimKey,
  type LedgerRow,
  type RetiredInstance,
  type RetirementRequest,
} from '@se/core'
import { sql } from 'kysely'
import type { RowReader, WriteSession } from './archive-database.ts'
import { encodeLedgerRow } from './ledger-row.ts'
import { insertLedgerRow, readLedgerRow } from './ledger.ts'
import { readNowMs } from './meta.ts'
import type { InstanceState } from './schema.ts'
import { isInLedger, readOwnRow } from './take-sequence.ts'

/** How far a moment may lie in the future before it is taken for one of a clock that was wrong, ms. */
const FUTURE_MS_MAX = 1_000

/** Notes that the instance is alive, or that it has ended. @throws InstanceFenced when the claim is not ours */
export async function seeInstance(
  session: WriteSession,
  claim: ClaimKey,
  state: InstanceState,
  isSure: boolean,
): Promise<void> {
  await readOwnRow(session, claim, isSure, 'update')
  await session.run(
    session.dialect.builder
      .updateTable('sync_instances')
      .set({ state, seen_at: session.dialect.nowMs() })
      .where('number', '=', claim.instance)
      .compile(),
  )
}

/** Numbers of the instances whose floor is lower. */
export async function instancesBelow(reader: RowReader, floor: number): Promise<readonly number[]> {
  const query = reader.dialect.builder
    .selectFrom('sync_instances')
    .select('number')
    .where('floor', '<', floor)
  return (await reader.rows(query.compile())).map(({ number }) => number)
}

/** @param floor stamp time; a lower one than the instance has changes nothing */
export async function raiseInstanceFloor(
  session: WriteSession,
  instance: number,
  floor: number,
): Promise<void> {
  await session.run(
    session.dialect.builder
      .updateTable('sync_instances')
      .set({ floor })
      .where('number', '=', instance)
      .where('floor', '<', floor)
      .compile(),
  )
}

/**
 * Takes instances out that no process needs, and says so in the ledger, within the caller's transaction.
 *
 * @throws InstanceFenced
 * @throws MayBeBehind while `isSure` is false
 */
export async function retireInstances(
  session: WriteSession,
  request: RetirementRequest,
  isSure: boolean,
): Promise<readonly RetiredInstance[]> {
  const { claim, sequence, link } = request
  const { instance } = claim
  const own = await readOwnRow(session, claim, isSure, 'update')
  if (await isInLedger(session, own, { sequence, link }, isSure)) {
    // Pruned meanwhile: nothing is left to say of it.
    return (await readLedgerRow(session, { instance, sequence }))?.retired ?? []
  }
  const nowMs = await readNowMs(session)
  await countFutureFromNow(session, nowMs)
  const retired = await lockUnneeded(session, request)
  if (retired.length === 0) return []
  const { builder } = session.dialect
  await session.run(
    builder
      .updateTable('sync_instances')
      .set({ last_sequence: sequence, link })
      .where('number', '=', instance)
      .compile(),
  )
  const row: LedgerRow = {
    instance,
    sequence,
    link,
    kind: 'retirement',
    committedAtMs: nowMs,
    entries: [],
    retired,
  }
  await insertLedgerRow(session, row, encodeLedgerRow(row))
  const numbers = retired.map((gone) => gone.instance)
  await session.run(builder.deleteFrom('sync_instances').where('number', 'in', numbers).compile())
  return retired
}

/** Whoever was seen in the future was seen by a clock that was wrong: it counts as seen now. */
async function countFutureFromNow(session: WriteSession, nowMs: number): Promise<void> {
  await session.run(
    session.dialect.builder
      .updateTable('sync_instances')
      .set({ seen_at: nowMs })
      .where('seen_at', '>', nowMs + FUTURE_MS_MAX)
      .compile(),
  )
}

/**
 * The instances that no process needs. They are found without locks, because their rows belong to the process that writes under
 * them, and then locked and looked at again.
 */
async function lockUnneeded(
  session: WriteSession,
  { claim, deadBeforeMs, instancesMax }: RetirementRequest,
): Promise<readonly RetiredInstance[]> {
  const { builder, forUpdate } = session.dialect
  const unneeded = builder
    .selectFrom('sync_instances')
    .select(['number', 'last_sequence', 'link'])
    .where('number', '!=', claim.instance)
    .whereRef('pruned_sequence', '=', 'last_sequence')
    .where((where) => where.or([where('state', '=', 'ended'), where('seen_at', '<', deadBeforeMs)]))
    .orderBy('number')
    .limit(sql.lit(instancesMax))
  const found = await session.rows(unneeded.compile())
  if (found.length === 0) return []
  const numbers = found.map(({ number }) => number)
  const locked = await session.rows(unneeded.where('number', 'in', numbers).modifyEnd(forUpdate).compile())
  return locked.map(({ number, last_sequence: sequence, link }): RetiredInstance => {
    return { instance: number, sequence, link: sequence === 0 ? LINK_NONE : link }
  })
}

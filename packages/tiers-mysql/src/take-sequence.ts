import {
  InstanceFenced,
  invariant,
  STAMP_AHEAD_MS_MAX,
  stampTimeOf,
  type ArchiveBatch,
  type ClaimKey,
  type Position,
} from '@se/core'
import { sql } from 'kysely'
import type { WriteSession } from './archive-database.ts'
import { knownLink, positionKey } from './judge-cut.ts'
import { MayBeBehind } from './may-be-behind.ts'
import { readNumber } from './meta.ts'
import type { InstanceRow } from './schema.ts'
import { readLinks } from './tail.ts'

/** The own row, and when it was read by the archive's clock. */
export interface OwnRow extends InstanceRow {
  readonly now_ms: number
}

/**
 * Reads the own row: what a plan begins with.
 *
 * @param lock `update`: nobody changes it until the transaction ends
 * @param isSure the server is not only behind
 * @throws InstanceFenced when the claim is no longer ours, or the archive has gone back
 * @throws MayBeBehind instead of the latter while `isSure` is false
 */
export async function readOwnRow(
  session: WriteSession,
  claim: ClaimKey,
  isSure: boolean,
  lock: 'none' | 'update' = 'none',
): Promise<OwnRow> {
  const { instance, epoch, nonce } = claim
  const { builder, forUpdate, nowMs } = session.dialect
  let query = builder
    .selectFrom('sync_instances')
    .selectAll()
    .select(nowMs().as('now_ms'))
    .where('number', '=', instance)
  if (lock === 'update') query = query.modifyEnd(forUpdate)
  const [own] = await session.rows(query.compile())
  if (own === undefined) {
    if (instance <= (await readNumber(session, 'last_number'))) {
      throw new InstanceFenced(
        'the instance was retired, as it had not been seen for long; a restart gets a new number',
        { details: { instance, epoch } },
      )
    }
    throw goneBack(isSure, { instance, epoch })
  }
  if (own.epoch < epoch) throw goneBack(isSure, { instance, epoch, actualEpoch: own.epoch })
  if (own.epoch !== epoch || own.nonce !== nonce) {
    throw new InstanceFenced('another process has taken the instance over', {
      details: { instance, epoch, actualEpoch: own.epoch },
    })
  }
  return own
}

/**
 * Whether the row at a position is in the ledger already: only the link tells one's own batch from another's at the
 * same sequence [P92, P95].
 *
 * @param own the instance's row
 * @returns false: the position is the next one
 * @throws InstanceFenced when the archive has gone back, or the sequence has another row
 * @throws MayBeBehind as {@link readOwnRow}
 */
export async function isInLedger(
  session: WriteSession,
  own: InstanceRow,
  { sequence, link }: Position,
  isSure: boolean,
): Promise<boolean> {
  const { number: instance, last_sequence: lastSequence } = own
  if (lastSequence === sequence - 1) return false
  const details = { instance, sequence, lastSequence }
  if (lastSequence < sequence) throw goneBack(isSure, details)
  const position = { instance, sequence }
  const actual = knownLink(own, sequence) ?? (await readLinks(session, [position])).get(positionKey(position))
  if (actual !== link) throw new InstanceFenced('the sequence has another batch', { details })
  return true
}

/**
 * Takes the batch's sequence for its instance: the last statement of its transaction. It waits for whoever changes the row, and
 * then sees what they have made of it.
 *
 * @param planned the row that the batch was planned with
 * @returns false: the row is another one by now
 */
export async function takeSequence(
  session: WriteSession,
  planned: OwnRow,
  { claim, sequence, link }: Pick<ArchiveBatch, 'claim' | 'sequence' | 'link'>,
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
      .where('attempt', '=', planned.attempt)
      .where('last_sequence', '=', sequence - 1)
      .where('floor', '=', planned.floor)
      .compile(),
  )
  invariant(raised <= 1, 'a sequence is taken by one instance', { raised })
  return raised === 1
}

/**
 * Ends the attempts that an instance has lost sight of: waits until the one that has taken a sequence is over, and none
 * that has not will get one. So what the row says afterwards is what became of them [P61].
 */
export async function endAttempts(session: WriteSession, claim: ClaimKey): Promise<void> {
  await session.run(
    session.dialect.builder
      .updateTable('sync_instances')
      .set((row) => ({ attempt: row('attempt', '+', 1) }))
      .where('number', '=', claim.instance)
      .where('epoch', '=', claim.epoch)
      .where('nonce', '=', claim.nonce)
      .compile(),
  )
}

/** What a server that lacks the predecessor of a batch is: behind, until it is known to have gone back [P91]. */
function goneBack(isSure: boolean, details: Readonly<Record<string, unknown>>): Error {
  return isSure
    ? new InstanceFenced('the archive has gone back below what this instance wrote', { details })
    : new MayBeBehind()
}

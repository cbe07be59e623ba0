import {
  LINK_NONE,
  type ClaimKey,
  type LedgerRow,
  type RetiredInstance,
  type RetirementRequest,
} from '@se/core'
import { sql } from 'kysely'
import type { WriteSession } from './archive-database.ts'
import { encodeLedgerRow } from './ledger-row.ts'
import { insertLedgerRow, readLedgerRow } from './ledger.ts'
import type { InstanceState } from './schema.ts'
import { isInLedger, lockOwnRow } from './take-sequence.ts'

/** How far a moment may lie in the future before it is taken for one of a clock that was wrong, ms. */
const FUTURE_MS_MAX = 1_000

/** Notes that the instance is alive, or that it has ended. @throws InstanceFenced when the claim is not ours */
export async function seeInstance(
  session: WriteSession,
  claim: ClaimKey,
  state: InstanceState,
  isSure: boolean,
): Promise<void> {
  await lockOwnRow(session, claim, isSure)
  await session.run(
    session.dialect.builder
      .updateTable('sync_instances')
      .set({ state, seen_at: session.dialect.nowMs() })
      .where('number', '=', claim.instance)
      .compile(),
  )
}

/**
 * Takes instances out that no process needs, and says so in the ledger, within the caller's transaction.
 *
 * They are found without locks, because their rows belong to the process that writes under them, and then locked one by one
 * and looked at again.
 *
 * @throws InstanceFenced
 * @throws MayBeBehind while `isSure` is false
 */
export async function retireInstances(
  session: WriteSession,
  request: RetirementRequest,
  isSure: boolean,
): Promise<readonly RetiredInstance[]> {
  const { claim, sequence, link, deadBeforeMs, instancesMax } = request
  const { builder } = session.dialect
  const own = await lockOwnRow(session, claim, isSure)
  if (await isInLedger(session, own, { sequence, link }, isSure)) {
    // Pruned meanwhile: nothing is left to say of it.
    return (await readLedgerRow(session, { instance: claim.instance, sequence }))?.retired ?? []
  }
  const [clock] = await session.rows(
    builder
      .selectFrom('sync_meta')
      .where('name', '=', 'archive_id')
      .select(session.dialect.nowMs().as('now_ms'))
      .compile(),
  )
  const nowMs = clock?.now_ms ?? 0
  // Seen in the future, by a clock that was wrong: counted from now.
  await session.run(
    builder
      .updateTable('sync_instances')
      .set({ seen_at: nowMs })
      .where('seen_at', '>', nowMs + FUTURE_MS_MAX)
      .compile(),
  )
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
  const locked = await session.rows(
    unneeded.where('number', 'in', numbers).modifyEnd(session.dialect.forUpdate).compile(),
  )
  if (locked.length === 0) return []
  const retired = locked.map((row): RetiredInstance => {
    const { number, last_sequence: lastSequence } = row
    return { instance: number, sequence: lastSequence, link: lastSequence === 0 ? LINK_NONE : row.link }
  })
  await session.run(
    builder
      .updateTable('sync_instances')
      .set({ last_sequence: sequence, link })
      .where('number', '=', claim.instance)
      .compile(),
  )
  const row: LedgerRow = {
    instance: claim.instance,
    sequence,
    link,
    kind: 'retirement',
    committedAtMs: nowMs,
    entries: [],
    retired,
  }
  await insertLedgerRow(session, row, encodeLedgerRow(row))
  await session.run(
    builder
      .deleteFrom('sync_instances')
      .where(
        'number',
        'in',
        retired.map(({ instance }) => instance),
      )
      .compile(),
  )
  return retired
}

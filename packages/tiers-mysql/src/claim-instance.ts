import { type BranchSet, type ClaimRequest, type Cut, type InstanceClaim, type Random } from '@se/core'
import { sql } from 'kysely'
import type { Dialect, WriteSession } from './backend.ts'
import { planClaim, type ClaimPlan } from './claim.ts'
import { foldTree } from './fold-tree.ts'
import { readMeta, writeMeta, writeTreeCut } from './meta.ts'
import type { InstanceRow } from './schema.ts'

/** Bytes of an archive id. */
const ARCHIVE_ID_BYTES = 16

/** 32 hex digits. */
export function newArchiveId(random: Random): string {
  return Buffer.from(random.bytes(ARCHIVE_ID_BYTES)).toString('hex')
}

/**
 * Claims within the caller's transaction. The row of the archive's id is locked first, so claims come one
 * after the other, and two that find a restore agree on the new id.
 *
 * @throws ArchiveMismatch
 * @throws InstanceFenced
 */
export async function claimInstance(
  session: WriteSession,
  dialect: Dialect,
  ports: { readonly branches: BranchSet; readonly random: Random },
  request: ClaimRequest,
): Promise<InstanceClaim> {
  const { builder } = dialect
  let archiveId = await readMeta(session, dialect, 'archive_id', 'update')
  const formerIds = JSON.parse(await readMeta(session, dialect, 'former_ids')) as string[]
  const [named] = await session.rows(
    builder
      .selectFrom('sync_instances')
      .selectAll()
      .where('nonce', 'in', [...request.knownNonces, request.nonce])
      .orderBy('number', 'desc')
      .limit(sql.lit(1))
      .modifyEnd(dialect.forUpdate)
      .compile(),
  )
  const [numbered] = await session.rows(
    builder
      .selectFrom('sync_instances')
      .selectAll()
      .where('number', '=', request.memory?.instance ?? 0)
      .compile(),
  )
  const plan = planClaim(request, { archiveId, formerIds, named, numbered })

  // The tree must be complete before sequences are raised over a hole that no ledger row will ever fill.
  const treeCut = plan.hasGoneBack ? (await foldTree(session, dialect, ports.branches)).cut : undefined
  const row = await writeInstance(session, dialect, plan, request.nonce)
  if (treeCut !== undefined) {
    formerIds.push(archiveId)
    archiveId = newArchiveId(ports.random)
    await writeMeta(session, dialect, 'archive_id', archiveId)
    await writeMeta(session, dialect, 'former_ids', JSON.stringify(formerIds))
    await writeTreeCut(session, dialect, cutAfterRestore(treeCut, archiveId, row))
  }
  return {
    instance: row.number,
    epoch: row.epoch,
    lastSequence: row.last_sequence,
    maxStampTime: row.max_stamp,
    archiveId,
    isRestored: plan.isRestored,
  }
}

/** The folded tree under the archive's new name; the claimed instance stands where its memory does. */
function cutAfterRestore(cut: Cut, archiveId: string, row: InstanceRow): Cut {
  return { archiveId, sequences: new Map(cut.sequences).set(row.number, row.last_sequence) }
}

async function writeInstance(
  session: WriteSession,
  dialect: Dialect,
  plan: ClaimPlan,
  nonce: string,
): Promise<InstanceRow> {
  const { builder } = dialect
  const [clock] = await session.rows(
    builder
      .selectFrom('sync_meta')
      .where('name', '=', 'archive_id')
      .select(dialect.nowMs().as('now_ms'))
      .compile(),
  )
  const claimedAtMs = clock?.now_ms ?? 0
  if (plan.kind === 'take-over') {
    // Above a hole, what lies below counts as pruned: no view may try to walk over it.
    const prunedSequence = plan.hasGoneBack ? plan.lastSequence : plan.row.pruned_sequence
    const row: InstanceRow = {
      ...plan.row,
      epoch: plan.epoch,
      nonce,
      last_sequence: plan.lastSequence,
      pruned_sequence: prunedSequence,
      claimed_at: claimedAtMs,
    }
    const { number, ...columns } = row
    await session.run(
      builder.updateTable('sync_instances').set(columns).where('number', '=', number).compile(),
    )
    return row
  }
  const isRecreated = plan.kind === 'recreate'
  const row: InstanceRow = {
    number: isRecreated ? plan.number : await nextNumber(session, dialect),
    epoch: isRecreated ? plan.epoch : 1,
    nonce,
    last_sequence: isRecreated ? plan.lastSequence : 0,
    pruned_sequence: isRecreated ? plan.lastSequence : 0,
    max_stamp: 0,
    claimed_at: claimedAtMs,
  }
  await session.run(builder.insertInto('sync_instances').values(row).compile())
  return row
}

async function nextNumber(session: WriteSession, dialect: Dialect): Promise<number> {
  const [last] = await session.rows(
    dialect.builder
      .selectFrom('sync_instances')
      .select('number')
      .orderBy('number', 'desc')
      .limit(sql.lit(1))
      .compile(),
  )
  return (last?.number ?? 0) + 1
}

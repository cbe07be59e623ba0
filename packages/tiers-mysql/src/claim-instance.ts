import {
  LINK_NONE,
  type BranchSet,
  type ClaimRequest,
  type Cut,
  type InstanceClaim,
  type Random,
} from '@se/core'
import { sql } from 'kysely'
import type { WriteSession } from './archive-database.ts'
import { planClaim, type ClaimPlan } from './claim.ts'
import { foldTree } from './fold-tree.ts'
import { newArchiveId } from './identity.ts'
import { knownLink, positionKey } from './judge-cut.ts'
import { MayBeBehind } from './may-be-behind.ts'
import { readMeta, readNowMs, readNumber, writeMeta, writeTreeCut } from './meta.ts'
import type { InstanceRow } from './schema.ts'
import { LIST_MAX, partsOfCount } from './statement-sizes.ts'
import { readLinks } from './tail.ts'

const LINK_BYTES = 8

/**
 * Claims within the caller's transaction. The row of the archive's id is locked first, so claims come one
 * after the other, and two that find a restore agree on the new id.
 *
 * @param isSure a server that lacks what the directory remembers is not only behind
 * @throws ArchiveMismatch
 * @throws InstanceFenced
 * @throws MayBeBehind while `isSure` is false
 */
export async function claimInstance(
  session: WriteSession,
  ports: { readonly branches: BranchSet; readonly random: Random },
  request: ClaimRequest,
  isSure: boolean,
): Promise<InstanceClaim> {
  const { builder } = session.dialect
  let archiveId = await readMeta(session, 'archive_id', 'update')
  const birthId = await readMeta(session, 'birth_id')
  const named = await findByNonce(session, [...request.knownNonces, request.nonce])
  const [numbered] = await session.rows(
    builder
      .selectFrom('sync_instances')
      .selectAll()
      .where('number', '=', request.memory?.instance ?? 0)
      .compile(),
  )
  const lastNumber = await readNumber(session, 'last_number')
  // Locked: a floor that is being raised is either read here, or raised in this row after the claim has committed.
  const floor = await readNumber(session, 'collection_floor', 'update')
  const rememberedLink = await readRememberedLink(session, request, named)
  const plan = planClaim(request, { birthId, archiveId, lastNumber, named, numbered, rememberedLink })
  if (plan.hasGoneBack && !isSure) throw new MayBeBehind()

  // The tree must be complete before sequences are raised over a hole that no ledger row will ever fill.
  const treeCut = plan.hasGoneBack ? (await foldTree(session, ports.branches)).cut : undefined
  const row = await writeInstance(session, plan, {
    nonce: request.nonce,
    lastNumber,
    floor,
    // Nothing was ever written at the sequence that the row is raised to: what stood there in the lost history had
    // another link.
    newLink: Buffer.from(ports.random.bytes(LINK_BYTES)).toString('hex'),
  })
  if (treeCut !== undefined) {
    archiveId = newArchiveId(ports.random)
    await writeMeta(session, 'archive_id', archiveId)
    await writeTreeCut(session, cutAfterRestore(treeCut, archiveId, row))
  }
  return {
    instance: row.number,
    epoch: row.epoch,
    nonce: row.nonce,
    lastSequence: row.last_sequence,
    lastLink: row.link,
    maxStampTime: row.max_stamp,
    birthId,
    archiveId,
    isRestored: plan.isRestored,
  }
}

/** The folded tree under the archive's new name; the claimed instance stands where its memory does. */
function cutAfterRestore(cut: Cut, archiveId: string, row: InstanceRow): Cut {
  const positions = new Map(cut.positions)
  if (row.last_sequence > 0) positions.set(row.number, { sequence: row.last_sequence, link: row.link })
  return { archiveId, positions }
}

/** The row of the highest number that has one of the names, locked. */
async function findByNonce(
  session: WriteSession,
  nonces: readonly string[],
): Promise<InstanceRow | undefined> {
  let found: InstanceRow | undefined
  for (const part of partsOfCount(nonces, LIST_MAX)) {
    const [row] = await session.rows(
      session.dialect.builder
        .selectFrom('sync_instances')
        .selectAll()
        .where('nonce', 'in', part)
        .orderBy('number', 'desc')
        .limit(sql.lit(1))
        .modifyEnd(session.dialect.forUpdate)
        .compile(),
    )
    if (row !== undefined && row.number > (found?.number ?? 0)) found = row
  }
  return found
}

async function readRememberedLink(
  session: WriteSession,
  { memory }: ClaimRequest,
  named: InstanceRow | undefined,
): Promise<string | undefined> {
  if (memory === undefined || named?.number !== memory.instance) return undefined
  const position = { instance: memory.instance, sequence: memory.lastSequence }
  const known = knownLink(named, memory.lastSequence)
  return known ?? (await readLinks(session, [position])).get(positionKey(position))
}

async function writeInstance(
  session: WriteSession,
  plan: ClaimPlan,
  facts: { nonce: string; lastNumber: number; floor: number; newLink: string },
): Promise<InstanceRow> {
  const { nonce, lastNumber, floor, newLink } = facts
  const { builder } = session.dialect
  const nowMs = await readNowMs(session)
  const claimed = { nonce, state: 'active', claimed_at: nowMs, seen_at: nowMs } as const
  if (plan.kind === 'take-over') {
    // Above a hole, what lies below counts as pruned: no view may try to walk over it.
    const raised = plan.hasGoneBack ? standingAt(plan.lastSequence, newLink) : {}
    const row: InstanceRow = {
      ...plan.row,
      ...raised,
      ...claimed,
      epoch: plan.epoch,
      floor: Math.max(floor, plan.row.floor),
    }
    const { number, ...columns } = row
    await session.run(
      builder.updateTable('sync_instances').set(columns).where('number', '=', number).compile(),
    )
    return row
  }
  const isRecreated = plan.kind === 'recreate'
  const row: InstanceRow = {
    // Numbers are not used again: a stamp is told from another by its instance.
    number: isRecreated ? plan.number : lastNumber + 1,
    epoch: isRecreated ? plan.epoch : 1,
    ...standingAt(isRecreated ? plan.lastSequence : 0, newLink),
    max_stamp: 0,
    floor,
    attempt: 0,
    ...claimed,
  }
  await session.run(builder.insertInto('sync_instances').values(row).compile())
  if (row.number > lastNumber) await writeMeta(session, 'last_number', String(row.number))
  return row
}

/** Stands at a sequence below which nothing is to be read. */
function standingAt(sequence: number, newLink: string) {
  const link = sequence === 0 ? LINK_NONE : newLink
  return { last_sequence: sequence, link, pruned_sequence: sequence, pruned_link: link }
}

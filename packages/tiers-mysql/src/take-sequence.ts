import { InstanceFenced, type ClaimKey, type Position } from '@se/core'
import type { Dialect, WriteSession } from './backend.ts'
import { knownLink, positionKey } from './judge-cut.ts'
import { readMeta } from './meta.ts'
import type { InstanceRow } from './schema.ts'
import { readLinks } from './tail.ts'

/** Reads the own row, locked. @throws InstanceFenced when the claim is no longer ours */
export async function lockOwnRow(
  session: WriteSession,
  dialect: Dialect,
  claim: ClaimKey,
): Promise<InstanceRow> {
  const { instance, epoch, nonce } = claim
  const [own] = await session.rows(
    dialect.builder
      .selectFrom('sync_instances')
      .selectAll()
      .where('number', '=', instance)
      .modifyEnd(dialect.forUpdate)
      .compile(),
  )
  if (own === undefined) {
    const wasGiven = instance <= Number(await readMeta(session, dialect, 'last_number'))
    throw new InstanceFenced(
      wasGiven
        ? 'the instance was retired, as it had not been seen for long; a restart gets a new number'
        : 'the archive has gone back to before this instance',
      { details: { instance, epoch } },
    )
  }
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
 * @param own the instance's row, locked
 * @returns false: the position is the next one
 * @throws InstanceFenced when the archive has gone back, or the sequence has another row
 */
export async function isInLedger(
  session: WriteSession,
  dialect: Dialect,
  own: InstanceRow,
  { sequence, link }: Position,
): Promise<boolean> {
  const { number: instance, last_sequence: lastSequence } = own
  if (lastSequence === sequence - 1) return false
  const details = { instance, sequence, lastSequence }
  if (lastSequence < sequence) {
    throw new InstanceFenced('the archive has gone back below what this instance wrote', { details })
  }
  const position = { instance, sequence }
  const actual =
    knownLink(own, sequence) ?? (await readLinks(session, dialect, [position])).get(positionKey(position))
  if (actual !== link) throw new InstanceFenced('the sequence has another batch', { details })
  return true
}

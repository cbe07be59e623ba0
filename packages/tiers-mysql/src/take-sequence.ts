import { InstanceFenced, type ClaimKey, type Position } from '@se/core'
import type { WriteSession } from './archive-database.ts'
import { knownLink, positionKey } from './judge-cut.ts'
import { MayBeBehind } from './may-be-behind.ts'
import { readNumber } from './meta.ts'
import type { InstanceRow } from './schema.ts'
import { readLinks } from './tail.ts'

/**
 * Reads the own row, locked.
 *
 * @param isSure the server is not only behind
 * @throws InstanceFenced when the claim is no longer ours, or the archive has gone back
 * @throws MayBeBehind instead of the latter while `isSure` is false
 */
export async function lockOwnRow(
  session: WriteSession,
  claim: ClaimKey,
  isSure: boolean,
): Promise<InstanceRow> {
  const { instance, epoch, nonce } = claim
  const [own] = await session.rows(
    session.dialect.builder
      .selectFrom('sync_instances')
      .selectAll()
      .where('number', '=', instance)
      .modifyEnd(session.dialect.forUpdate)
      .compile(),
  )
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
 * @param own the instance's row, locked
 * @returns false: the position is the next one
 * @throws InstanceFenced when the archive has gone back, or the sequence has another row
 * @throws MayBeBehind as {@link lockOwnRow}
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

/** What a server that lacks the predecessor of a batch is: behind, until it is known to have gone back [P91]. */
function goneBack(isSure: boolean, details: Readonly<Record<string, unknown>>): Error {
  return isSure
    ? new InstanceFenced('the archive has gone back below what this instance wrote', { details })
    : new MayBeBehind()
}

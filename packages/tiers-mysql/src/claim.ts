import { ArchiveMismatch, InstanceFenced, type ClaimRequest, type InstanceMemory } from '@se/core'
import type { InstanceRow } from './schema.ts'

/** What the archive knows when a directory asks for its instance. */
export interface ClaimFacts {
  readonly birthId: string
  readonly archiveId: string
  /** Highest instance number ever given; a number up to it that has no row was retired. */
  readonly lastNumber: number
  /** Row whose nonce is one of the directory's, if any. */
  readonly named: InstanceRow | undefined
  /** The archive's link at the sequence that the directory remembers; `undefined`: pruned, or nothing is there. */
  readonly rememberedLink: string | undefined
  /** Row of the number that the directory remembers, if any. */
  readonly numbered: InstanceRow | undefined
}

export type ClaimPlan = {
  /** The archive's id must be replaced, and views of before end. */
  readonly hasGoneBack: boolean
  readonly isRestored: boolean
} & (
  | { readonly kind: 'new' }
  /** Takes the row over; `lastSequence` is above the row's where the archive has gone back. */
  | {
      readonly kind: 'take-over'
      readonly row: InstanceRow
      readonly epoch: number
      readonly lastSequence: number
    }
  /** The row is gone with what was lost: it is made again. */
  | {
      readonly kind: 'recreate'
      readonly number: number
      readonly epoch: number
      readonly lastSequence: number
    }
)

/**
 * Decides whose instance a log directory is.
 *
 *   memory  row found by nonce  row of that number  plan
 *   none    no                  -                   new
 *   none    yes                 -                   take over (the answer to the first claim was lost)
 *   yes     yes, in history     -                   take over
 *   yes     yes, not            -                   gone back: take over, raised to what the memory knows
 *   yes     no                  none, but given     retired meanwhile: new
 *   yes     no                  none, never given   gone back: make it again, as the memory knows it
 *   yes     no                  higher epoch        fenced: a copy of the directory is at work [P52]
 *   yes     no                  other               gone back: the row is an older self or a stranger's, so: new
 *
 * "In history": neither epoch nor sequence is lower than remembered, and the link at the remembered sequence is the
 * remembered one, as far as it is known [P65, P88]. Another birth id is another archive, and a mismatch. Another archive id
 * of the same birth: another process has found a restore first, or the archive has gone back behind such a finding.
 *
 * @throws ArchiveMismatch
 * @throws InstanceFenced
 */
export function planClaim(request: ClaimRequest, facts: ClaimFacts): ClaimPlan {
  const { memory } = request
  const { named, numbered } = facts
  if (memory === undefined) {
    if (named === undefined) return { kind: 'new', hasGoneBack: false, isRestored: false }
    return {
      kind: 'take-over',
      row: named,
      epoch: named.epoch + 1,
      lastSequence: named.last_sequence,
      hasGoneBack: false,
      isRestored: false,
    }
  }
  if (memory.birthId !== facts.birthId) {
    throw new ArchiveMismatch('the log directory belongs to another archive', {
      details: { expected: memory.birthId, actual: facts.birthId },
    })
  }
  const isOfAnotherId = memory.archiveId !== facts.archiveId
  if (named !== undefined) {
    // Another number: that of a claim whose answer was lost, made because the remembered one was gone.
    const isSame = named.number === memory.instance
    const hasGoneBack = isSame && !isInHistory(memory, named, facts.rememberedLink)
    return {
      kind: 'take-over',
      row: named,
      epoch: Math.max(named.epoch, isSame ? memory.epoch : 0) + 1,
      lastSequence: Math.max(named.last_sequence, isSame ? memory.lastSequence : 0),
      hasGoneBack,
      isRestored: hasGoneBack || isOfAnotherId,
    }
  }
  if (numbered === undefined && memory.instance <= facts.lastNumber) {
    return { kind: 'new', hasGoneBack: false, isRestored: isOfAnotherId }
  }
  if (numbered === undefined) {
    return {
      kind: 'recreate',
      number: memory.instance,
      epoch: memory.epoch + 1,
      lastSequence: memory.lastSequence,
      hasGoneBack: true,
      isRestored: true,
    }
  }
  if (numbered.epoch > memory.epoch && !isOfAnotherId) {
    throw new InstanceFenced('another log directory has claimed this instance', {
      details: { instance: memory.instance, epoch: memory.epoch, actualEpoch: numbered.epoch },
    })
  }
  return { kind: 'new', hasGoneBack: !isOfAnotherId, isRestored: true }
}

function isInHistory(memory: InstanceMemory, row: InstanceRow, link: string | undefined): boolean {
  if (row.epoch < memory.epoch || row.last_sequence < memory.lastSequence) return false
  return link === undefined || link === memory.lastLink
}

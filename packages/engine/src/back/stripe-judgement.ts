/**
 * What is to be done with a stripe of the cache, by what was read of it and what the archive, asked after that, says of its cut.
 * Pure.
 *
 *   read     way from its cut to the heads   suspected       may be started over   verdict
 *   unknown  –                               –               –                     leave
 *   no meta  –                               –               –                     create
 *   state    none is left to go, or known    –               may hold what is lost start over
 *   state    none is left to go              –               –                     believe
 *   state    known                           –               –                     advance
 *   state    pruned                          –               –                     start over
 *   state    another archive                 –               yes                   start over
 *   state    another archive, or history     not, or for < Δ –                     suspect
 *   state    another history                 for Δ or more   yes                   start over
 *   state    another archive, or history     for Δ or more   no                    stranger
 *
 * A cut is foreign that is not one of this archive's history: of another archive id, ahead of the heads, or with a link
 * that the archive does not have. That has one of two reasons. The archive went back (a restore, a failover to a lagging
 * replica): then what was true of the stripe is not any more, and it is started over, once. Or a process of another
 * history moves the stripe: a copy of the archive, whose processes have the same keys. Started over again and again it would
 * serve no reader, and each would for moments read what the other has put. So the process that finds that out withdraws.
 *
 * The two are told apart by whether the stripe may be started over: as long as this process has not found it to be of the
 * history that it knows. Once it has, only a change of that history, which its own views notice, allows it again; and an epoch of
 * the stripe that it believed in an earlier history, as then the cache was set back to what it was in that one.
 *
 * A stripe may hold what is lost, wherever it stands, when the archive went back and the stripe got no new epoch since: writers put
 * into it before it has heard of their batches.
 *
 * A foreign cut is looked at again after Δ, since the archive may have answered from a server that is behind for a moment. Only
 * an archive id that was replaced is no matter of being behind: a process has read it from where it has claimed its instance.
 */

/** What the archive says of a stripe's cut. */
export type WayToHeads = 'at-heads' | 'known' | 'pruned' | 'another-archive' | 'another-history'

/** Whether a cut is not one of this archive's history. */
export function isForeign(way: WayToHeads): boolean {
  return way === 'another-archive' || way === 'another-history'
}

export type StripeVerdict = 'leave' | 'create' | 'believe' | 'advance' | 'start-over' | 'suspect' | 'stranger'

export interface StripeEvidence {
  readonly read: 'unknown' | 'none' | 'state'
  /** `undefined` where there is no cut. */
  readonly way: WayToHeads | undefined
  /** For how long the stripe has been seen with a foreign cut, ms; `undefined`: it was not, when last looked at. */
  readonly suspectedForMs: number | undefined
  /** This process has not found the stripe to be of the archive's history as it knows it. */
  readonly mayStartOver: boolean
  /** Its entries may be of a history that is no more, though its cut is not. */
  readonly mayHoldLost: boolean
  /** Δ, ms. */
  readonly stalenessMs: number
}

export function judgeStripe(evidence: StripeEvidence): StripeVerdict {
  const { read, way, suspectedForMs, mayStartOver, mayHoldLost, stalenessMs } = evidence
  if (read === 'none') return 'create'
  if (read === 'unknown' || way === undefined) return 'leave'
  switch (way) {
    case 'at-heads':
      return mayHoldLost ? 'start-over' : 'believe'
    case 'known':
      return mayHoldLost ? 'start-over' : 'advance'
    case 'pruned':
      return 'start-over'
    case 'another-archive':
    case 'another-history':
      if (way === 'another-archive' && mayStartOver) return 'start-over'
      if (suspectedForMs === undefined || suspectedForMs < stalenessMs) return 'suspect'
      return mayStartOver ? 'start-over' : 'stranger'
  }
}

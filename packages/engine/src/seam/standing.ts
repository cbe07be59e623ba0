import { covers, type Cut, type StripeState } from '@se/core'

/** A poll of the heads, as the front sends it. */
export interface PollSent {
  /** `Clock.monotonicMs`. What was committed before is in its heads. */
  readonly sentAtMs: number
  /** See `KnownWrites.round`. */
  readonly round: number
}

/** A stripe of the cache that was found to be of this archive, at the heads of a moment or beyond. */
export interface Standing {
  readonly state: StripeState
  /** When heads that are read now, or were read by a poll, were asked for. */
  readonly from: PollSent
}

/** Whether a cut lies behind another one of the same archive, or equals it. */
export function isOnTheWayTo(cut: Cut, further: Cut): boolean {
  return cut.archiveId === further.archiveId && covers(further, cut)
}

/** Whether a stripe is known to stand at a cut, or beyond: what it answers is as new as everything up to there. */
export function standsAt(standing: Standing | undefined, cut: Cut): boolean {
  return standing !== undefined && isOnTheWayTo(cut, standing.state.cut)
}

import { equalCuts, type Cut, type LedgerTail, type StripeState } from '@se/core'
import { isOnTheWayTo, type Standing } from '../seam/standing.ts'
import type { WayToHeads } from './stripe-judgement.ts'

/** What the archive says of a cut. @param tail as it was read from there */
export function wayToHeads(cut: Cut, tail: LedgerTail): WayToHeads {
  if (tail.kind === 'gap') return tail.because === 'ahead-of-heads' ? 'another-history' : tail.because
  return equalCuts(cut, tail.heads.cut) ? 'at-heads' : 'known'
}

/** Whether a stripe was set back since it was last seen: under the same epoch it stands where it stood before. */
export function hasGoneBack(before: Standing | undefined, now: StripeState): boolean {
  return before?.state.epoch === now.epoch && !isOnTheWayTo(before.state.cut, now.cut)
}

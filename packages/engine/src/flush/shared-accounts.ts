import type { Arrivals } from './arrivals.ts'
import type { LowWaterMark } from './low-water-mark.ts'
import type { PendingBudget } from './pending-budget.ts'

/** What both kinds of writes on their way are counted in. */
export interface SharedAccounts {
  readonly arrivals: Arrivals
  readonly budget: Pick<PendingBudget, 'take' | 'giveBack'>
  readonly lowWaterMark: Pick<LowWaterMark, 'report' | 'claim'>
}

/**
 * The time of a stop, shared out among its steps, so that a step that hangs takes nothing from those that close things.
 *
 * Before anything is closed a step may take its share of what is left without the reserve; while closing, of all that is
 * left. Once the time is over each step still gets a moment: most of them need no more.
 */
export interface TimeBudget {
  readonly totalMs: number
  readonly elapsedMs: number
}

/** Kept for closing: so much of the whole, and at most so many ms. */
const RESERVE_SHARE = 0.2
const RESERVE_MS_MAX = 4_000
/** What a step gets in any case, ms. */
export const STEP_MS_MIN = 50

/**
 * How long a step may take, ms.
 *
 * @param share of the time left, above 0 to 1
 * @param isClosing whether the reserve is for this step
 */
export function stepLimitMs({ totalMs, elapsedMs }: TimeBudget, share: number, isClosing: boolean): number {
  const reserveMs = isClosing ? 0 : Math.min(RESERVE_MS_MAX, totalMs * RESERVE_SHARE)
  return Math.max(STEP_MS_MIN, (totalMs - elapsedMs - reserveMs) * share)
}

/** Where a breaker stands. */
export type Breaker =
  | { readonly state: 'closed'; readonly failures: number }
  | { readonly state: 'open'; readonly untilMs: number }
  | { readonly state: 'half-open' }

/** `asked`: a call wants to go through. The others: a call that went through has ended. */
export type BreakerEvent = 'asked' | 'succeeded' | 'failed'

export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly failuresMax: number
  /** How long it stays open, ms. */
  readonly openMs: number
}

export const BREAKER_CLOSED: Breaker = { state: 'closed', failures: 0 }

/**
 *   closed    --failed, the last of `failuresMax` in a row--> open
 *   open      --asked, `openMs` later--> half-open: the call that asked goes through, no other
 *   half-open --succeeded--> closed
 *   half-open --failed--> open
 *
 * Calls that began under another state do not count: tell `open` and `half-open` only what became of the one call
 * they let through.
 *
 * @param nowMs `Clock.monotonicMs`
 */
export function nextBreaker(
  breaker: Breaker,
  event: BreakerEvent,
  nowMs: number,
  limits: BreakerLimits,
): Breaker {
  const opened: Breaker = { state: 'open', untilMs: nowMs + limits.openMs }
  switch (breaker.state) {
    case 'closed': {
      if (event === 'succeeded') return breaker.failures === 0 ? breaker : BREAKER_CLOSED
      if (event === 'asked') return breaker
      const failures = breaker.failures + 1
      return failures < limits.failuresMax ? { state: 'closed', failures } : opened
    }
    case 'open':
      return event === 'asked' && nowMs >= breaker.untilMs ? { state: 'half-open' } : breaker
    case 'half-open':
      if (event === 'asked') return breaker
      return event === 'succeeded' ? BREAKER_CLOSED : opened
  }
}

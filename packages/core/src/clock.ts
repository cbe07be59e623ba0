/** Cancels a timer. Calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void

/** Time as a port, so that tests advance it instead of sleeping. */
export interface Clock {
  /** Wall clock, ms since 1970-01-01 UTC. May jump. */
  nowMs(): number
  /** Monotonic, ms with fraction; only differences mean anything. */
  monotonicMs(): number
  /**
   * Calls back once after `delayMs`, and keeps the process alive until then [P70]: for everything that a caller waits for.
   * Cancel it as soon as no caller waits any more, or it keeps the process for nothing.
   *
   * Delays above 2^31-1 ms are honoured, not fired at once.
   */
  setTimer(delayMs: number, callback: () => void): CancelTimer
  /** The same for periodic work that no caller waits for: it lets the process end. */
  setBackgroundTimer(delayMs: number, callback: () => void): CancelTimer
}

/** Longest delay that `setTimeout` honours, ms; a longer one fires at once [P50]. */
export const TIMEOUT_MS_MAX = 2 ** 31 - 1

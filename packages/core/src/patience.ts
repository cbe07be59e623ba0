import type { CancelTimer, Clock } from './clock.ts'

/** A timer that fires later than this after its time tells of a process that stood still, ms. */
export const STALL_MS = 100

/**
 * What to do when a time limit is over: a process that stood still (stopped, swapped out, a long synchronous turn) could not
 * see answers that came meanwhile, so the time it stood still does not count.
 *
 * @param lateMs how long after its time the timer fired
 * @param limitMs the limit
 * @returns how much longer to wait, ms; 0: what has arrived gets one more turn, since timers fire before sockets are read
 */
export function graceMs(lateMs: number, limitMs: number): number {
  return lateMs < STALL_MS ? 0 : Math.min(lateMs, limitMs)
}

/**
 * Calls back once a time limit is over in which this process could run, and keeps the process alive until then
 * (`Clock.setTimer`).
 */
export function setLimit(
  clock: Pick<Clock, 'monotonicMs' | 'setTimer'>,
  limitMs: number,
  callback: () => void,
): CancelTimer {
  return armLimit(clock, (delayMs, due) => clock.setTimer(delayMs, due), limitMs, callback)
}

/** The same for what no caller waits for, or where the caller's own timer keeps the process alive (`Clock.setBackgroundTimer`). */
export function setBackgroundLimit(
  clock: Pick<Clock, 'monotonicMs' | 'setBackgroundTimer'>,
  limitMs: number,
  callback: () => void,
): CancelTimer {
  return armLimit(clock, (delayMs, due) => clock.setBackgroundTimer(delayMs, due), limitMs, callback)
}

function armLimit(
  clock: Pick<Clock, 'monotonicMs'>,
  set: Clock['setTimer'],
  limitMs: number,
  callback: () => void,
): CancelTimer {
  let cancel: CancelTimer
  const arm = (delayMs: number): void => {
    const dueMs = clock.monotonicMs() + delayMs
    cancel = set(delayMs, () => {
      const moreMs = graceMs(clock.monotonicMs() - dueMs, limitMs)
      if (moreMs > 0) arm(moreMs)
      else cancel = set(0, callback)
    })
  }
  arm(limitMs)
  return () => cancel()
}

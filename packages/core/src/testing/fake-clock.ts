import type { CancelTimer, Clock } from '../clock.ts'

/** A clock that stands still until told to move. */
export interface FakeClock extends Clock {
  /**
   * Moves wall and monotonic time forward and fires the timers that come due, in order, letting promises
   * settle after each.
   */
  advance(ms: number): Promise<void>
  /** Moves the wall clock alone, as an administrator or NTP does; may go back. */
  jump(ms: number): void
  /** Timers armed now. */
  readonly timerCount: number
}

/** @param startMs wall clock at the start; a date in 2026 by default */
export function createFakeClock(startMs = 1_800_000_000_000): FakeClock {
  let monotonic = 0
  let wallOffset = startMs
  const timers = new Set<{ dueMs: number; callback: () => void }>()
  return {
    nowMs: () => monotonic + wallOffset,
    monotonicMs: () => monotonic,
    setTimer(delayMs, callback): CancelTimer {
      const timer = { dueMs: monotonic + Math.max(0, delayMs), callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      const endMs = monotonic + ms
      for (;;) {
        let next: { dueMs: number; callback: () => void } | undefined
        for (const timer of timers) {
          if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer
        }
        if (next === undefined) break
        timers.delete(next)
        monotonic = Math.max(monotonic, next.dueMs)
        next.callback()
        await settle()
      }
      monotonic = endMs
      await settle()
    },
    jump(ms) {
      wallOffset += ms
    },
    get timerCount() {
      return timers.size
    },
  }
}

/** Lets pending promise reactions run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

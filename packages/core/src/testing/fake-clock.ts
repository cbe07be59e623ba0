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
  /** Whether a timer armed now would keep a real process from ending. */
  readonly keepsProcessAlive: boolean
}

interface Timer {
  readonly dueMs: number
  readonly callback: () => void
  readonly keepsAlive: boolean
}

/** @param startMs wall clock at the start; a date in 2026 by default */
export function createFakeClock(startMs = 1_800_000_000_000): FakeClock {
  let monotonic = 0
  let wallOffset = startMs
  const timers = new Set<Timer>()
  const arm = (delayMs: number, callback: () => void, keepsAlive: boolean): CancelTimer => {
    const timer: Timer = { dueMs: monotonic + Math.max(0, delayMs), callback, keepsAlive }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  return {
    nowMs: () => monotonic + wallOffset,
    monotonicMs: () => monotonic,
    setTimer: (delayMs, callback) => arm(delayMs, callback, true),
    setBackgroundTimer: (delayMs, callback) => arm(delayMs, callback, false),
    async advance(ms) {
      const endMs = monotonic + ms
      for (;;) {
        let next: Timer | undefined
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
    get keepsProcessAlive() {
      for (const { keepsAlive } of timers) if (keepsAlive) return true
      return false
    },
  }
}

/** Lets pending promise reactions run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

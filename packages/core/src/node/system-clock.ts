import { TIMEOUT_MS_MAX, type CancelTimer, type Clock } from '../clock.ts'

/** The machine's clock and timers. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => arm(delayMs, callback, true),
  setBackgroundTimer: (delayMs, callback) => arm(delayMs, callback, false),
}

/** setTimeout fires at once beyond 2^31-1 ms [P50], so a long wait goes in stages. */
function arm(delayMs: number, callback: () => void, keepsAlive: boolean): CancelTimer {
  let timer: NodeJS.Timeout
  const stage = (leftMs: number): void => {
    const stageMs = Math.min(leftMs, TIMEOUT_MS_MAX)
    timer = setTimeout(() => (leftMs > stageMs ? stage(leftMs - stageMs) : callback()), stageMs)
    if (!keepsAlive) timer.unref()
  }
  stage(Math.max(0, delayMs))
  return () => clearTimeout(timer)
}

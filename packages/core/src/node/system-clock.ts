import { TIMEOUT_MS_MAX, type Clock } from '../clock.ts'

/** The machine's clock and timers. Timers do not keep the process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    let timer: NodeJS.Timeout
    const arm = (leftMs: number) => {
      // setTimeout fires at once beyond 2^31-1 ms [P50], so a long wait goes in stages.
      const stageMs = Math.min(leftMs, TIMEOUT_MS_MAX)
      timer = setTimeout(() => (leftMs > stageMs ? arm(leftMs - stageMs) : callback()), stageMs)
      timer.unref()
    }
    arm(Math.max(0, delayMs))
    return () => clearTimeout(timer)
  },
}

import type { FakeClock } from '@se/core/testing'
import { Anomaly } from './anomaly.ts'

/** Lets time pass until the promise is settled: pauses, timeouts and polls need it. */
export async function settleOn<T>(clock: FakeClock, promise: PromiseLike<T>): Promise<T> {
  let isSettled = false
  const settled = Promise.resolve(promise).finally(() => (isSettled = true))
  settled.catch(() => {})
  for (let turn = 0; !isSettled; turn++) {
    if (turn > 20_000) throw new Anomaly('hangs', 'a call has not ended, however much time passed')
    await new Promise((resolve) => setImmediate(resolve))
    if (!isSettled && turn % 4 === 3) await clock.advance(turn < 400 ? 5 : 100)
  }
  return settled
}

/** Turns of the event loop without any time: what is ready goes on, timers do not. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets time pass in steps, so that what a timer sets going can end before the next one fires. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    await clock.advance(Math.min(50, left))
    await turns(3)
  }
}

import { setImmediate as nextTurn } from 'node:timers/promises'

/** A connection that ends in good order is gone long before; ioredis waits twice as long for one that never ends. */
const SETTLED_WITHIN_MS = 1_000

/** How many more timers keep this process alive after a task than before. The runner's own are there before. */
export async function timersLeft(task: () => Promise<unknown>): Promise<number> {
  const before = timers()
  await task()
  const deadline = performance.now() + SETTLED_WITHIN_MS
  while (timers() > before && performance.now() < deadline) await nextTurn()
  return timers() - before
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}

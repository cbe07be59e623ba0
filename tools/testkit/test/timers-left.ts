import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** A connection that ends in good order is gone long before; ioredis waits twice as long for one that never ends. */
const SETTLED_WITHIN_MS = 1_000

const isInTask = new AsyncLocalStorage<boolean>()

/** How many timers a task leaves that keep this process alive. Those of others, such as the runner's, are not counted. */
export async function timersLeft(task: () => Promise<unknown>): Promise<number> {
  const timers = new Map<number, NodeJS.Timeout>()
  const hook = createHook({
    init(id, type, _trigger, resource) {
      if (type === 'Timeout' && isInTask.getStore() === true) timers.set(id, resource as NodeJS.Timeout)
    },
    destroy: (id) => void timers.delete(id),
  }).enable()
  const count = () => [...timers.values()].filter((timer) => timer.hasRef()).length
  try {
    await isInTask.run(true, task)
    const deadline = performance.now() + SETTLED_WITHIN_MS
    while (count() > 0 && performance.now() < deadline) await nextTurn()
    return count()
  } finally {
    hook.disable()
  }
}

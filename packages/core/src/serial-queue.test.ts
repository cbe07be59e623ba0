import { describe, expect, it } from 'vitest'
import { SerialQueue } from './serial-queue.ts'

/** Goal: work never overlaps and never overtakes. Method: work that ends when the test says so, in an order that would show it. */

function gate(): { readonly opened: Promise<void>; open(): void; fail(error: Error): void } {
  let open!: () => void
  let fail!: (error: Error) => void
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { opened, open, fail }
}

describe('SerialQueue', () => {
  it('starts the next work when the one before has ended, in the order of the calls', async () => {
    const queue = new SerialQueue()
    const gates = [gate(), gate(), gate()]
    const events: string[] = []
    const runs = gates.map(({ opened }, index) =>
      queue.run(async () => {
        events.push(`${index} begins`)
        await opened
        events.push(`${index} ends`)
        return index
      }),
    )
    for (const { open } of gates.toReversed()) open()
    expect(await Promise.all(runs)).toEqual([0, 1, 2])
    expect(events).toEqual(['0 begins', '0 ends', '1 begins', '1 ends', '2 begins', '2 ends'])
  })

  it('goes on after work that failed, and gives the error to its caller alone', async () => {
    const queue = new SerialQueue()
    const failed = queue.run(() => Promise.reject(new Error('no')))
    const next = queue.run(() => Promise.resolve('yes'))
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })

  it('takes work that throws at once for work that failed', async () => {
    const queue = new SerialQueue()
    const failed = queue.run(() => {
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await queue.run(() => Promise.resolve(1))).toBe(1)
  })

  it('is idle when what was added before has ended, and does not wait for what comes later', async () => {
    const queue = new SerialQueue()
    const [first, second] = [gate(), gate()]
    let ended = 0
    const runs = [queue.run(() => first.opened.finally(() => ended++))]
    const idle = queue.idle()
    runs.push(queue.run(() => second.opened.finally(() => ended++)))
    first.fail(new Error('however it ends'))
    await idle
    expect(ended).toBe(1)
    second.open()
    await queue.idle()
    expect(ended).toBe(2)
    await Promise.allSettled(runs)
  })
})

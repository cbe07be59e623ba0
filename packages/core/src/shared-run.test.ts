import { describe, expect, it } from 'vitest'
import { SharedRun } from './shared-run.ts'

/** Goal: never two runs at a time, and never an old result. Method: a run that ends when the test says so, and a count of the runs. */

describe('SharedRun', () => {
  it('runs once for all who call before it ends, and gives them the same result', async () => {
    const shared = new SharedRun<number>()
    let end!: () => void
    const ended = new Promise<void>((resolve) => (end = resolve))
    let count = 0
    const work = async () => {
      const number = ++count
      await ended
      return number
    }
    expect(shared.running).toBeUndefined()
    const calls = [shared.run(work), shared.run(work), shared.run(work)]
    expect(shared.running).toBe(calls[0])
    end()
    expect(await Promise.all(calls)).toEqual([1, 1, 1])
    expect(shared.running).toBeUndefined()
    expect(await shared.run(work)).toBe(2)
  })

  it('tells all of them of a failure, and runs again for the next', async () => {
    const shared = new SharedRun<string>()
    const calls = [
      shared.run(() => Promise.reject(new Error('no'))),
      shared.run(() => Promise.resolve('not run')),
    ]
    for (const call of calls) await expect(call).rejects.toThrow('no')
    expect(await shared.run(() => Promise.resolve('yes'))).toBe('yes')
  })

  it('has no run under way when those who waited for one go on', async () => {
    const shared = new SharedRun<void>()
    let count = 0
    const again = async () => {
      await shared.run(() => Promise.resolve())
      await shared.run(async () => void count++)
    }
    await again()
    expect(count).toBe(1)
  })
})

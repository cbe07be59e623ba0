import { describe, expect, it } from 'vitest'
import { Caller } from '../deadline/caller.ts'
import { Backpressure, PendingBudget } from './pending-budget.ts'

describe('PendingBudget', () => {
  it('lets writers in while items and bytes fit, at once [W8]', () => {
    const space = new PendingBudget({ itemsMax: 3, bytesMax: 100, whenFull: 'refuse' })
    expect(space.admit(60)).toBeUndefined()
    expect(() => space.admit(41)).toThrow(Backpressure)
    expect(space.admit(30)).toBeUndefined()
    expect(space.admit(10)).toBeUndefined()
    expect(() => space.admit(0)).toThrow(Backpressure)
    expect(space.used).toEqual({ items: 3, bytes: 100 })
    space.giveBack(60)
    expect(space.admit(60)).toBeUndefined()
  })

  it('names the limits in the refusal', () => {
    const space = new PendingBudget({ itemsMax: 1, bytesMax: 100, whenFull: 'refuse' })
    void space.admit(1)
    expect(() => space.admit(1)).toThrow(
      expect.objectContaining({
        code: 'SE_BACKPRESSURE',
        details: { items: 1, bytes: 1, itemsMax: 1, bytesMax: 100 },
      }),
    )
  })

  it('serves writers who wait in order: a large one is not overtaken by small ones for ever', async () => {
    const space = new PendingBudget({ itemsMax: 10, bytesMax: 100, whenFull: 'wait' })
    expect(space.admit(80)).toBeUndefined()
    expect(space.admit(10)).toBeUndefined()
    const order: string[] = []
    const large = space.admit(50)!.then(() => order.push('large'))
    const small = space.admit(5)!.then(() => order.push('small'))
    expect(space.waiting).toBe(2)
    space.giveBack(10)
    await Promise.resolve()
    expect(order).toEqual([])
    space.giveBack(80)
    await Promise.all([large, small])
    expect(order).toEqual(['large', 'small'])
    expect(space.used).toEqual({ items: 2, bytes: 55 })
  })

  it('lets a write larger than the bound in when it is alone, so that it does not wait for ever', async () => {
    const space = new PendingBudget({ itemsMax: 10, bytesMax: 100, whenFull: 'wait' })
    expect(space.admit(1)).toBeUndefined()
    const large = space.admit(500)
    expect(large).toBeInstanceOf(Promise)
    space.giveBack(1)
    await large
    expect(space.used).toEqual({ items: 1, bytes: 500 })
  })

  it('takes beyond the bound what was acknowledged before, and lets nobody else in meanwhile', () => {
    const space = new PendingBudget({ itemsMax: 1, bytesMax: 100, whenFull: 'refuse' })
    space.take(80)
    space.take(80)
    expect(space.used).toEqual({ items: 2, bytes: 160 })
    space.giveBack(80)
    expect(() => space.admit(1)).toThrow(Backpressure)
    space.giveBack(80)
    expect(space.admit(1)).toBeUndefined()
  })

  it('one who goes leaves the line, takes nothing, and lets those behind pass [W8]', async () => {
    const space = new PendingBudget({ itemsMax: 10, bytesMax: 100, whenFull: 'wait' })
    void space.admit(80)
    const [large, small, other] = [new Caller(), new Caller(), new Caller()]
    const turnedAway = space.admit(50, large)
    const admitted = space.admit(15, small)
    const reason = new Error('the time is over')
    large.leave(reason)
    await expect(turnedAway).rejects.toBe(reason)
    await admitted
    expect(space.used).toEqual({ items: 2, bytes: 95 })
    expect(space.waiting).toBe(0)
    // Who has been let in may go too: its share is given back by whoever took it.
    small.leave(reason)
    expect(space.used).toEqual({ items: 2, bytes: 95 })
    other.leave(reason)
    await expect(space.admit(90, other)).rejects.toBe(reason)
    expect(space.waiting).toBe(0)
  })

  it('turns away who waits when the engine stops', async () => {
    const space = new PendingBudget({ itemsMax: 1, bytesMax: 100, whenFull: 'wait' })
    void space.admit(1)
    const waiting = space.admit(1)
    const stopped = new Error('stopped')
    space.rejectWaiting(stopped)
    await expect(waiting).rejects.toBe(stopped)
    space.giveBack(1)
    expect(space.used).toEqual({ items: 0, bytes: 0 })
  })
})

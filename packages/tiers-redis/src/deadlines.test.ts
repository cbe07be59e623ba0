import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { Deadlines } from './deadlines.ts'

const errors = {
  exceeded: () => new Error('too late'),
  translate: (error: unknown) => new Error(`because ${(error as Error).message}`),
}

function create() {
  const clock = createFakeClock()
  return { clock, deadlines: new Deadlines(clock, 100, errors) }
}

/** What became of a promise so far. */
function watch(promise: Promise<unknown>) {
  const seen = { is: 'open' }
  promise.then(
    (value) => (seen.is = `resolved ${String(value)}`),
    (error: Error) => (seen.is = `rejected ${error.message}`),
  )
  return seen
}

describe('deadlines', () => {
  it('[P46] fail each call when its own time is up, with one timer for all', async () => {
    const { clock, deadlines } = create()
    const first = watch(deadlines.bound(new Promise(() => undefined)))
    await clock.advance(60)
    const second = watch(deadlines.bound(new Promise(() => undefined)))
    expect(clock.timerCount).toBe(1)
    await clock.advance(39)
    expect(first.is).toBe('open')
    await clock.advance(1)
    expect([first.is, second.is]).toEqual(['rejected too late', 'open'])
    await clock.advance(60)
    expect(second.is).toBe('rejected too late')
    expect(clock.timerCount).toBe(0)
  })

  it('hand on what was settled in time, and do not wait for it again', async () => {
    const { clock, deadlines } = create()
    const good = watch(deadlines.bound(Promise.resolve(7)))
    const bad = watch(deadlines.bound(Promise.reject(new Error('down'))))
    await clock.advance(0)
    expect([good.is, bad.is]).toEqual(['resolved 7', 'rejected because down'])
    await clock.advance(100)
    expect(clock.timerCount).toBe(0)
    expect([good.is, bad.is]).toEqual(['resolved 7', 'rejected because down'])
  })

  it('serve calls that come after the timer ran out', async () => {
    const { clock, deadlines } = create()
    watch(deadlines.bound(Promise.resolve(1)))
    await clock.advance(500)
    const late = watch(deadlines.bound(new Promise(() => undefined)))
    await clock.advance(99)
    expect(late.is).toBe('open')
    await clock.advance(1)
    expect(late.is).toBe('rejected too late')
  })
})

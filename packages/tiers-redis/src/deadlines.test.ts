import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { Deadlines, Line } from './deadlines.ts'

function create() {
  const clock = createFakeClock()
  const silent: Line[] = []
  const deadlines = new Deadlines(clock, 100, {
    exceeded: () => new Error('too late'),
    failed: (_, error) => new Error(`because ${(error as Error).message}`),
    silent: (line) => void silent.push(line),
  })
  return { clock, deadlines, silent, line: new Line() }
}

const never = () => new Promise<never>(() => undefined)

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
  it('fail each call when its own time is up, with one timer for all [P46]', async () => {
    const { clock, deadlines, line } = create()
    const first = watch(deadlines.bound(line, never()))
    await clock.advance(60)
    const second = watch(deadlines.bound(line, never()))
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
    const { clock, deadlines, line } = create()
    const good = watch(deadlines.bound(line, Promise.resolve(7)))
    const bad = watch(deadlines.bound(line, Promise.reject(new Error('down'))))
    await clock.advance(0)
    expect([good.is, bad.is]).toEqual(['resolved 7', 'rejected because down'])
    await clock.advance(100)
    expect(clock.timerCount).toBe(0)
    expect([good.is, bad.is]).toEqual(['resolved 7', 'rejected because down'])
  })

  it('serve calls that come after the timer ran out', async () => {
    const { clock, deadlines, line } = create()
    watch(deadlines.bound(line, Promise.resolve(1)))
    await clock.advance(500)
    const late = watch(deadlines.bound(line, never()))
    await clock.advance(99)
    expect(late.is).toBe('open')
    await clock.advance(1)
    expect(late.is).toBe('rejected too late')
  })

  it('tell of a line on which nothing at all was answered, not of one that is slow [P69]', async () => {
    const { clock, deadlines, silent, line } = create()
    const other = new Line()
    watch(deadlines.bound(line, never()))
    watch(deadlines.bound(other, never()))
    await clock.advance(50)
    await deadlines.bound(other, Promise.resolve(1))
    await clock.advance(50)
    expect(silent).toEqual([line])
  })

  it('do not count the time for which the process stood still: answers that came meanwhile are read after the timers', async () => {
    const { clock, deadlines, silent, line } = create()
    const { monotonicMs } = clock
    let stoodStillMs = 0
    clock.monotonicMs = () => monotonicMs() + stoodStillMs
    let answer!: (value: number) => void
    const answered = watch(deadlines.bound(line, new Promise<number>((resolve) => (answer = resolve))))
    const lost = watch(deadlines.bound(line, never()))
    await clock.advance(50)
    stoodStillMs = 6_000
    await clock.advance(50)
    expect([answered.is, lost.is, silent]).toEqual(['open', 'open', []])
    answer(7)
    await clock.advance(99)
    expect(answered.is).toBe('resolved 7')
    await clock.advance(1)
    expect(lost.is).toBe('rejected too late')
    // The line has answered since.
    expect(silent).toEqual([])
  })

  it('end with everything that waits, and leave no timer behind [P70]', async () => {
    const { clock, deadlines, line } = create()
    const waiting = watch(deadlines.bound(line, never()))
    deadlines.end(new Error('closed'))
    await clock.advance(0)
    expect(waiting.is).toBe('rejected closed')
    expect(clock.timerCount).toBe(0)
  })
})

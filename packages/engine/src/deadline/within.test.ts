import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { within, withinProgress, type Progress } from './within.ts'

const late = expect.objectContaining({ code: 'SE_TIER_UNAVAILABLE' }) as Error

describe('within', () => {
  it('gives up in time, and keeps no process alive meanwhile: whoever waits for it does [P70]', async () => {
    const clock = createFakeClock()
    const call = within(clock, 100, 'the call', () => new Promise(() => {}))
    const failed = expect(call).rejects.toThrow('the call did not end within 100 ms')
    expect(clock.keepsProcessAlive).toBe(false)
    await clock.advance(100)
    await failed
    expect(clock.timerCount).toBe(0)
  })
})

describe('withinProgress', () => {
  /** A call that is told what to do next. */
  function begin() {
    const clock = createFakeClock()
    let progress!: Progress
    let end!: (value: number) => void
    const call = withinProgress(clock, 100, 'the scan', (given) => {
      progress = given
      return new Promise<number>((resolve) => (end = resolve))
    })
    call.catch(() => {})
    return { clock, call, progress, end: (value: number) => end(value) }
  }

  it('lasts as long as it gets on', async () => {
    const { clock, call, progress, end } = begin()
    for (let chunk = 0; chunk < 50; chunk++) {
      await clock.advance(99)
      progress.arrived()
      // What its visitor takes is the visitor's affair.
      await clock.advance(10_000)
      progress.handled()
    }
    end(7)
    expect(await call).toBe(7)
    expect(clock.timerCount).toBe(0)
  })

  it('ends when it does not get on, and so does whoever still visits', async () => {
    const { clock, call, progress } = begin()
    await clock.advance(100)
    await expect(call).rejects.toEqual(late)
    expect(() => progress.arrived()).toThrow(late)
    progress.handled()
    expect(clock.timerCount).toBe(0)
  })
})

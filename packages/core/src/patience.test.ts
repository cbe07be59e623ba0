import { describe, expect, it } from 'vitest'
import { graceMs, setBackgroundLimit, setLimit, STALL_MS } from './patience.ts'
import { createFakeClock } from './testing/fake-clock.ts'

describe('graceMs', () => {
  it('gives a timer that is late by itself one turn, and a process that stood still its time back', () => {
    expect(graceMs(0, 1_000)).toBe(0)
    expect(graceMs(STALL_MS - 1, 1_000)).toBe(0)
    expect(graceMs(STALL_MS, 1_000)).toBe(STALL_MS)
    expect(graceMs(900, 1_000)).toBe(900)
    expect(graceMs(60_000, 1_000)).toBe(1_000)
  })
})

describe('setLimit', () => {
  it('calls back after the time, once, and not when it was cancelled', async () => {
    const clock = createFakeClock()
    let calls = 0
    setLimit(clock, 100, () => calls++)
    const cancel = setLimit(clock, 100, () => expect.unreachable())
    await clock.advance(99)
    expect(calls).toBe(0)
    cancel()
    await clock.advance(1)
    expect(calls).toBe(1)
    expect(clock.timerCount).toBe(0)
  })

  it('does not count the time for which the process stood still, but does not wait for ever either', async () => {
    const clock = createFakeClock()
    let stoodStillMs = 0
    let calls = 0
    const stalled = { ...clock, monotonicMs: () => clock.monotonicMs() + stoodStillMs }
    const cancel = setLimit(stalled, 100, () => calls++)
    stoodStillMs = 6_000
    await clock.advance(100)
    await clock.advance(99)
    expect(calls).toBe(0)
    await clock.advance(1)
    expect(calls).toBe(1)
    cancel()
  })

  it('keeps a process alive, and in the background does not [P70]', async () => {
    const clock = createFakeClock()
    const cancel = setBackgroundLimit(clock, 100, () => expect.unreachable())
    expect(clock.keepsProcessAlive).toBe(false)
    cancel()
    setLimit(clock, 100, () => {})
    expect(clock.keepsProcessAlive).toBe(true)
    await clock.advance(100)
    expect(clock.keepsProcessAlive).toBe(false)
  })

  it('can be cancelled in the time that is given back', async () => {
    const clock = createFakeClock()
    let stoodStillMs = 0
    const stalled = { ...clock, monotonicMs: () => clock.monotonicMs() + stoodStillMs }
    const cancel = setLimit(stalled, 100, () => expect.unreachable())
    stoodStillMs = 6_000
    await clock.advance(100)
    cancel()
    expect(clock.timerCount).toBe(0)
  })
})

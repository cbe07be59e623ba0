import { describe, expect, it } from 'vitest'
import { BREAKER_CLOSED, nextBreaker, type Breaker, type BreakerEvent } from './breaker.ts'

const limits = { failuresMax: 3, openMs: 100 }
const play = (events: readonly (readonly [BreakerEvent, number])[], from: Breaker = BREAKER_CLOSED) =>
  events.reduce((breaker, [event, nowMs]) => nextBreaker(breaker, event, nowMs, limits), from)

describe('nextBreaker', () => {
  it('opens after so many failures in a row', () => {
    expect(
      play([
        ['failed', 1],
        ['failed', 2],
      ]),
    ).toEqual({ state: 'closed', failures: 2 })
    expect(
      play([
        ['failed', 1],
        ['failed', 2],
        ['failed', 3],
      ]),
    ).toEqual({ state: 'open', untilMs: 103 })
  })

  it('forgets failures with a success', () => {
    expect(
      play([
        ['failed', 1],
        ['failed', 2],
        ['succeeded', 3],
        ['failed', 4],
      ]),
    ).toEqual({ state: 'closed', failures: 1 })
    expect(play([['succeeded', 3]])).toBe(BREAKER_CLOSED)
  })

  it('lets one call through when its time has come, and only then', () => {
    const open: Breaker = { state: 'open', untilMs: 100 }
    expect(play([['asked', 99]], open)).toBe(open)
    expect(play([['asked', 100]], open)).toEqual({ state: 'half-open' })
    expect(
      play(
        [
          ['asked', 100],
          ['asked', 101],
        ],
        open,
      ),
    ).toEqual({ state: 'half-open' })
  })

  it('goes by the probe', () => {
    expect(play([['succeeded', 7]], { state: 'half-open' })).toEqual(BREAKER_CLOSED)
    expect(play([['failed', 7]], { state: 'half-open' })).toEqual({ state: 'open', untilMs: 107 })
  })

  it('is not closed or prolonged by calls that end while it is open', () => {
    const open: Breaker = { state: 'open', untilMs: 100 }
    expect(
      play(
        [
          ['succeeded', 50],
          ['failed', 60],
        ],
        open,
      ),
    ).toBe(open)
  })
})

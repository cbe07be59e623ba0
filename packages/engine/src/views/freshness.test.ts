import { createFakeClock } from '@se/core/testing'
import { expect, it } from 'vitest'
import { Freshness } from './freshness.ts'

it('is fresh for Δ after the moment that was reached, then stale; before the first, unknown [R5]', () => {
  const clock = createFakeClock()
  const freshness = new Freshness(clock, { isExclusive: false, stalenessMs: 500 })
  expect([freshness.state, freshness.isFresh]).toEqual(['unknown', false])
  freshness.reached(clock.monotonicMs())
  void clock.advance(500)
  expect([freshness.state, freshness.isFresh]).toEqual(['fresh', true])
  void clock.advance(1)
  expect([freshness.state, freshness.isFresh]).toEqual(['stale', false])
})

it('of a process alone never goes stale', () => {
  const clock = createFakeClock()
  const freshness = new Freshness(clock, { isExclusive: true, stalenessMs: 500 })
  expect(freshness.state).toBe('fresh')
  freshness.reached(clock.monotonicMs())
  void clock.advance(3_600_000)
  expect(freshness.state).toBe('fresh')
})

it('judges an answer by the moment of which it is true, and when the read began', () => {
  const clock = createFakeClock()
  const shared = new Freshness(clock, { isExclusive: false, stalenessMs: 500 })
  const alone = new Freshness(clock, { isExclusive: true, stalenessMs: 500 })
  expect([shared.isRecent(1_000, 1_500), shared.isRecent(1_000, 1_501)]).toEqual([true, false])
  expect(alone.isRecent(1_000, 9_000)).toBe(true)
})

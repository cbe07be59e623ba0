import { expect, it } from 'vitest'
import { STEP_MS_MIN, stepLimitMs } from './time-budget.ts'

it('leaves the reserve to those that close', () => {
  expect(stepLimitMs({ totalMs: 30_000, elapsedMs: 0 }, 1, false)).toBe(26_000)
  expect(stepLimitMs({ totalMs: 1_000, elapsedMs: 0 }, 0.5, false)).toBe(400)
  expect(stepLimitMs({ totalMs: 1_000, elapsedMs: 800 }, 1, true)).toBe(200)
})

it('gives each step a moment, also when the time is over', () => {
  for (const isClosing of [true, false]) {
    expect(stepLimitMs({ totalMs: 1_000, elapsedMs: 5_000 }, 0.5, isClosing)).toBe(STEP_MS_MIN)
  }
})

it('is used up by no sequence of steps before the reserve', () => {
  const totalMs = 10_000
  let elapsedMs = 0
  for (const share of [0.25, 0.25, 0.6, 0.5, 0.2, 0.3, 0.5, 0.3, 0.6, 0.5]) {
    const limitMs = stepLimitMs({ totalMs, elapsedMs }, share, false)
    if (limitMs > STEP_MS_MIN) elapsedMs += limitMs
  }
  expect(totalMs - elapsedMs).toBeGreaterThanOrEqual(2_000)
})

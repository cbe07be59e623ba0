/** Goal: what Redis does not take is offered so often as it takes to know that, and again when it may have changed. */
import { createFakeClock } from '@se/core/testing'
import { expect, it } from 'vitest'
import { CALL_BYTES_MAX } from './put-plan.ts'
import { Refusals } from './refusals.ts'

const MINUTE = 60_000
const LARGE = 200_000

it('a value above the bound is never offered, and counted [P74]', () => {
  const refusals = new Refusals(createFakeClock(), 100)
  expect(refusals.mayOffer('a', 100)).toBe(true)
  expect(refusals.mayOffer('a', 101)).toBe(false)
  expect(refusals.count).toBe(1)
})

it('after a refusal nothing as large is offered for ten minutes [P74]', async () => {
  const clock = createFakeClock()
  const refusals = new Refusals(clock, Infinity)
  refusals.valueRefused(5_000)
  refusals.valueRefused(9_000)
  expect(refusals.mayOffer('other', 4_999)).toBe(true)
  expect(refusals.mayOffer('other', 5_000)).toBe(false)
  await clock.advance(10 * MINUTE - 1)
  expect(refusals.mayOffer('other', 5_000)).toBe(false)
  await clock.advance(1)
  expect(refusals.mayOffer('other', 5_000)).toBe(true)
})

it('calls become smaller where a call was too big as a whole, and larger again [P74]', async () => {
  const clock = createFakeClock()
  const refusals = new Refusals(clock, Infinity)
  refusals.callRefused(300_000)
  expect(refusals.callBytesMax).toBe(150_000)
  refusals.callRefused(10)
  expect(refusals.callBytesMax).toBe(16 * 1024)
  await clock.advance(10 * MINUTE)
  expect(refusals.callBytesMax).toBe(CALL_BYTES_MAX)
})

it('a value that is lost twice is not offered a third time, unless it has become much smaller [P74]', async () => {
  const clock = createFakeClock()
  const refusals = new Refusals(clock, Infinity)
  refusals.valueLost('a', LARGE)
  expect(refusals.mayOffer('a', LARGE)).toBe(true)
  refusals.valueLost('a', LARGE)
  expect(refusals.mayOffer('a', LARGE)).toBe(false)
  expect(refusals.mayOffer('b', LARGE)).toBe(true)
  expect(refusals.mayOffer('a', LARGE / 2 - 1)).toBe(true)
  await clock.advance(10 * MINUTE)
  expect(refusals.mayOffer('a', LARGE)).toBe(true)
})

it('a value that was taken, or is small, is not suspected', () => {
  const refusals = new Refusals(createFakeClock(), Infinity)
  refusals.valueLost('a', LARGE)
  refusals.valueTaken('a')
  refusals.valueLost('a', LARGE)
  expect(refusals.mayOffer('a', LARGE)).toBe(true)
  for (let time = 0; time < 5; time++) refusals.valueLost('small', 60_000)
  expect(refusals.mayOffer('small', 60_000)).toBe(true)
})

it('remembers a bounded number of values', () => {
  const refusals = new Refusals(createFakeClock(), Infinity)
  for (let index = 0; index < 1_500; index++) {
    refusals.valueLost(`id ${index}`, LARGE)
    refusals.valueLost(`id ${index}`, LARGE)
  }
  expect(refusals.mayOffer('id 0', LARGE)).toBe(true)
  expect(refusals.mayOffer('id 1499', LARGE)).toBe(false)
})

import { expect, it } from 'vitest'
import { InFlight } from './in-flight.ts'

it('never lets more than the bound be under way, and knows when none is', async () => {
  const inFlight = new InFlight(3)
  const ends: (() => void)[] = []
  let started = 0
  const starting = (async () => {
    for (let call = 0; call < 5; call++) {
      await inFlight.room()
      inFlight.add(new Promise((resolve) => ends.push(resolve)))
      started++
    }
  })()
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  await settle()
  expect([started, inFlight.count]).toEqual([3, 3])
  ends[1]!()
  await settle()
  expect([started, inFlight.count]).toEqual([4, 3])
  ends[0]!()
  await starting
  let isIdle = false
  const idle = inFlight.idle().then(() => (isIdle = true))
  ends[2]!()
  ends[3]!()
  await settle()
  expect([inFlight.count, isIdle]).toEqual([1, false])
  ends[4]!()
  await idle
  expect(inFlight.count).toBe(0)
})

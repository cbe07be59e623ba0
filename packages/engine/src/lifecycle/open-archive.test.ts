/** Goal: a start waits for an archive that is not there yet, and for nothing else. Method: an archive that fails in each way first. */
import { TierMisconfigured, TierUnavailable } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { expect, it } from 'vitest'
import { Caller } from '../deadline/caller.ts'
import { mayAppear, openWhenThere } from './open-archive.ts'
import type { Start } from './start-step.ts'

it.each<[string, Error, boolean]>([
  ['no server listens', new TierUnavailable('the port is closed'), true],
  ['its name is not known yet', misconfigured('unknown-host'), true],
  ['the password is wrong', misconfigured('credentials'), false],
  ['anything else', new Error('a defect'), false],
])('waiting may help where %s', (_, error, isTrue) => {
  expect(mayAppear(error)).toBe(isTrue)
})

it('asks again after 100, 200, 400 ms, a second at most, and gives up at the end of its time', async () => {
  const { start, asked, clock } = createStart(5_000)
  const opened = openWhenThere(start).catch((error: unknown) => error)
  for (let tenth = 0; tenth <= 60; tenth++) await clock.advance(tenth === 0 ? 0 : 100)
  expect(await opened).toBeInstanceOf(TierUnavailable)
  expect(asked).toEqual([0, 100, 300, 700, 1_500, 2_500, 3_500, 4_500, 5_000])
})

it('does not wait where it was not asked to', async () => {
  const { start, asked } = createStart(0)
  await expect(openWhenThere(start)).rejects.toBeInstanceOf(TierUnavailable)
  expect(asked).toEqual([0])
})

function misconfigured(because: string): TierMisconfigured {
  return new TierMisconfigured('not to be used', { details: { because } })
}

function createStart(waitForMs: number) {
  const clock = createFakeClock()
  const beganMs = clock.monotonicMs()
  const asked: number[] = []
  const archive = {
    open: async () => {
      asked.push(clock.monotonicMs() - beganMs)
      throw new TierUnavailable('the port is closed')
    },
  }
  const environment = { archive, clock, observer: {}, config: {} } as unknown as Start['environment']
  return { start: { environment, caller: new Caller(), waitForMs }, asked, clock }
}

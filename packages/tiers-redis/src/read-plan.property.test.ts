import type { StripeState } from '@se/core'
import { cutAt, seededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { expect, it } from 'vitest'
import { Belief } from './beliefs.ts'
import { planReads, READ_CALL_BYTES_MAX, type AskedStripe } from './read-plan.ts'
import { CALL_ITEMS_MAX } from './scripts.ts'

const CUT = cutAt('0'.repeat(32), [])

function asked(stripe: number, entryBytesMax: number, positions: number[]): AskedStripe {
  const state: StripeState = { stripe, cut: CUT, epoch: '00'.repeat(8) }
  const facts = { state, revision: state.epoch, leafEpochs: new Map<number, string>(), entryBytesMax }
  return { stripe, belief: new Belief(facts), positions }
}

/** Goal: every id is asked for once, in calls that have a bound in ids and in bytes. Method: random questions. */
it.each([false, true])('asks for every id once, in calls with an end (cluster: %s) [P73]', (isCluster) => {
  const random = seededRandom(seed('read plan'))
  for (let round = 0; round < 40; round++) {
    let next = 0
    const stripes = Array.from({ length: random.below(20) }, (_, stripe) => {
      const positions = Array.from({ length: 1 + random.below(random.pick([2, 10, 40, 700])) }, () => next++)
      return asked(stripe, random.pick([16_384, 16_384, 100_000, 4_000_000, 600_000_000]), positions)
    })
    const windows = planReads(stripes, isCluster)
    const calls = windows.flat()
    const positions = calls.flatMap((call) => call.stripes.flatMap((part) => part.positions))
    expect(positions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: next }, (_, index) => index))
    for (const call of calls) {
      const ids = call.stripes.reduce((sum, part) => sum + part.positions.length, 0)
      const bytes = call.stripes.reduce(
        (sum, part) => sum + part.positions.length * part.belief.facts.entryBytesMax,
        0,
      )
      expect(ids).toBeGreaterThan(0)
      expect(ids).toBeLessThanOrEqual(CALL_ITEMS_MAX)
      if (ids > 1) expect(bytes).toBeLessThanOrEqual(READ_CALL_BYTES_MAX)
      if (isCluster) expect(call.stripes).toHaveLength(1)
    }
    for (const window of windows) {
      const bytes = window.map((call) =>
        call.stripes.reduce((sum, part) => sum + part.positions.length * part.belief.facts.entryBytesMax, 0),
      )
      if (window.length > 1)
        expect(bytes.reduce((a, b) => a + b)).toBeLessThanOrEqual(4 * READ_CALL_BYTES_MAX)
    }
  }
})

import { describe, expect, it } from 'vitest'
import { randomSeed, simulate } from './simulation.ts'

/**
 * Goal: whatever happens (killed processes, power cuts, an archive or a cache that fails, loses answers or comes
 * back older), nothing acknowledged is lost, no reader sees less than it was promised, and at the end every copy
 * proves the same state.
 *
 * Method: random scripts over two engines, one archive and one cache in memory, simulated disks and a fake clock,
 * against a model that knows only what was submitted and acknowledged.
 */
describe('simulation', () => {
  const first = randomSeed()
  console.log(`seeds ${first} to ${first + 39} (repeat one with SE_SEED=N)`)
  for (let index = 0; index < (process.env.SE_SEED === undefined ? 40 : 1); index++) {
    it(`[W1] [W2] [W3] [W4] [W5] [R1] [R2] [R3] [R5] [R6] holds over a random script, seed ${first + index}`, async () => {
      const outcome = await simulate({ seed: first + index, steps: 150 })
      expect(outcome.acknowledged).toBeGreaterThan(0)
    }, 60_000)
  }
})

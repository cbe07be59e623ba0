import { describe, expect, it } from 'vitest'
import { randomSeed, simulate } from './simulation.ts'

/**
 * Goal: whatever happens, nothing acknowledged is lost, no reader sees less than it was promised, and at the end every
 * copy proves the same state.
 *
 * Method: random scripts over one to three engines, one archive and one cache in memory, simulated disks and a fake clock,
 * against a model that knows only what was submitted and acknowledged. What happens: killed processes, power cuts, a
 * failing disk, full logs; an archive that is slow, fails, loses answers, refuses data, collects, prunes or goes back to a
 * backup; a cache that is lost, evicts, hangs or comes back older; clocks that are wrong by up to 0.9 s.
 */
describe('simulation', () => {
  const first = randomSeed()
  console.log(`seeds ${first} to ${first + 39} (repeat one with SE_SEED=N)`)
  for (let index = 0; index < (process.env.SE_SEED === undefined ? 40 : 1); index++) {
    it(`[W1] [W2] [W3] [W4] [W5] [W6] [R1] [R2] [R3] [R5] [R6] [P63] [P64] [P65] holds over a random script, seed ${first + index}`, async () => {
      const outcome = await simulate({ seed: first + index, steps: 150 })
      expect(outcome.acknowledged).toBeGreaterThan(0)
    }, 60_000)
  }
})

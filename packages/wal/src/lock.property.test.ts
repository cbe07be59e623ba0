import { seededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { expect, it } from 'vitest'
import { runLockCase } from '../test/lock-contention.ts'

/** Goal: never two holders, in whatever order the calls of any number of contenders fall. Method: random orders, on a simulated disk. */

const CASES = 2000

it('never two holders, whoever comes, goes and dies in whatever order [P82]', async () => {
  let taken = 0
  const firstSeed = seed()
  for (let index = 0; index < CASES; index++) {
    const caseSeed = (firstSeed + index) % 2 ** 32
    try {
      taken += await runLockCase(seededRandom(caseSeed))
    } catch (error) {
      throw new Error(`SE_SEED=${caseSeed}`, { cause: error })
    }
  }
  expect(taken).toBeGreaterThan(CASES)
})

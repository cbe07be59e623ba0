import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CacheModel, type CacheMisuse } from './cache-model.ts'
import { memoryCacheHarness } from './memory-cache-harness.ts'
import { seededRandom } from './seeded-random.ts'

const SCHEDULES = 20_000
const STEPS = 60
/** For a machine that is busy with other tests. */
const WITHIN_MS = 240_000
const seed = Number(process.env['SE_SEED'] ?? randomInt(2 ** 32))

/**
 * Goal: the rules of the shared cache hold in any order of events, and the model would notice if they did not.
 * Method: random schedules against the cache in memory; the same with a rule broken on purpose.
 */
describe('cache rules', () => {
  it(
    `never answer older than the cut says, in ${SCHEDULES} schedules [P12] [P51] [R5]`,
    { timeout: WITHIN_MS },
    async () => {
      console.log(`cache rules: seed ${seed} (repeat with SE_SEED=${seed})`)
      const model = await CacheModel.create(memoryCacheHarness())
      const random = seededRandom(seed)
      for (let schedule = 0; schedule < SCHEDULES; schedule++) {
        const violation = await model.run({ random, stepCount: STEPS })
        expect(violation, `seed ${seed}, schedule ${schedule}`).toBeUndefined()
      }
    },
  )

  const misuses: readonly CacheMisuse[] = ['permits-read-late', 'writes-put-as-fills', 'advance-without-rows']
  it.each(misuses)(
    'are needed: with %s the model finds a violation',
    { timeout: WITHIN_MS },
    async (misuse) => {
      const model = await CacheModel.create(memoryCacheHarness())
      const random = seededRandom(seed)
      for (let schedule = 0; schedule < SCHEDULES; schedule++) {
        if ((await model.run({ random, stepCount: STEPS, misuse })) !== undefined) return
      }
      expect.unreachable(`no violation in ${SCHEDULES} schedules, seed ${seed}`)
    },
  )
})

/**
 * Goal: what the simulation proves of the archive in memory holds of a real one: several engines on one SQLite file, under everything
 * that the simulated world does to them.
 * Method: SQLite takes the place of the world's archive by the seam that users have. `npm run torture -- --only simulated-sqlite` goes on.
 */
import { simulate } from '@se/engine/testing'
import { describe, expect, it } from 'vitest'
import { sqliteTiers } from './simulated-sqlite.ts'

const RUNS = 12
const FIRST_SEED = 2_000_000

describe('the simulated world on SQLite', () => {
  const first = Number(process.env.SE_SEED ?? FIRST_SEED)
  console.log(`seeds ${first} to ${first + RUNS - 1} (repeat one with SE_SEED=N)`)
  const runs = process.env.SE_SEED === undefined ? RUNS : 1
  const total = { held: 0, acknowledged: 0, reads: 0 }
  for (let index = 0; index < runs; index++) {
    it(`holds over a random script, seed ${first + index} [W2, W3, R5]`, async () => {
      const { acknowledged, reads } = await simulate({ seed: first + index, steps: 120, tiers: sqliteTiers })
      total.held++
      total.acknowledged += acknowledged
      total.reads += reads
    }, 120_000)
  }

  // A single script may be one in which nobody reads. An engine that answers nothing would hold over each of them.
  it('has acknowledged writes and answered reads, over all scripts together', ({ skip }) => {
    // Some were chosen (SE_SEED, -t), or one has failed, which is reported by itself.
    if (total.held < RUNS) skip()
    expect(total.acknowledged).toBeGreaterThan(0)
    expect(total.reads).toBeGreaterThan(0)
  })
})

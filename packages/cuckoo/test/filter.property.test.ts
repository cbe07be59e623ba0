/**
 * Goal: the filter never denies a key it holds [P22, P23], whatever was added, deleted, grown, shrunk, saved and restored.
 * Method: random scripts against an exact multiset, 10⁷ operations (9 s on a quiet core); the torture run does 10⁹ of the same.
 */
import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { runFilterScript } from './filter-model.ts'

const OPERATIONS = 10_000_000

describe('CuckooFilter', () => {
  it(
    'agrees with an exact multiset over ten million random operations [P22][P23][P24]',
    { timeout: 240_000 },
    () => {
      const seed = Number(process.env.SE_SEED ?? randomInt(2 ** 32))
      console.log(`seed ${seed} (repeat with SE_SEED=${seed})`)
      const result = runFilterScript({ seed, operations: OPERATIONS })
      console.log(JSON.stringify(result))
      // The script did what it is for.
      expect(result.restores).toBeGreaterThan(50)
      expect(result.shrinks).toBeGreaterThan(300)
      expect(result.sizeMax).toBeGreaterThan(100_000)
      expect(result.stashMax).toBeGreaterThan(0)
      // 250,000 keys in 2^(31 + 5) places: a chance of 4·10⁻⁶, and at most 3·10⁶ lookups of absent keys.
      expect(result.falsePositives).toBeLessThan(60)
    },
  )
})

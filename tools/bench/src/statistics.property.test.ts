/**
 * Goal: the figures a verdict rests on are what they claim to be.
 * Method: known answers, and samples drawn from distributions whose true median is known.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bootstrapInterval, median, ratioOfPairs } from './statistics.ts'

const seed = process.env.SE_SEED === undefined ? Date.now() >>> 0 : Number(process.env.SE_SEED)
console.log(`seed ${seed} (repeat with SE_SEED=${seed})`)

describe('median', () => {
  it('is the middle of an odd number, and the mean of the middle two of an even one', () => {
    expect(median([3])).toBe(3)
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([10, 9, 100, 2])).toBe(9.5)
  })

  it('refuses an empty list, because there is no median of nothing', () => {
    expect(() => median([])).toThrow(RangeError)
  })

  it('has at most half of the values on either side, whatever the values', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), (values) => {
        const middle = median(values)
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2)
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2)
      }),
      { seed },
    )
  })
})

describe('bootstrap interval', () => {
  it('is a point for samples that do not vary', () => {
    expect(bootstrapInterval([2, 2, 2, 2])).toEqual({ low: 2, high: 2 })
  })

  it('gives the same interval for the same samples, so that a verdict can be repeated', () => {
    const samples = [1.1, 0.9, 1.4, 1, 1.2, 0.8, 1.05]
    expect(bootstrapInterval(samples)).toEqual(bootstrapInterval(samples))
  })

  it('covers the true median in about 95 of 100 experiments', () => {
    // 15 samples of a uniform distribution around 1; binomial: fewer than 170 of 200 has a chance below 1e-6 at 94 %.
    let state = seed
    const next = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
    let covered = 0
    let widths = 0
    for (let experiment = 0; experiment < 200; experiment++) {
      const samples = Array.from({ length: 15 }, () => 0.5 + next())
      const { low, high } = bootstrapInterval(samples, experiment)
      if (low <= 1 && 1 <= high) covered++
      widths += high - low
    }
    expect(covered).toBeGreaterThanOrEqual(170)
    // Nor by being wide: the sample median of 15 has a standard deviation of about 0.12 here, so 95 % are about 0.47 wide.
    expect(widths / 200).toBeLessThan(0.65)
  })
})

describe('ratio of pairs', () => {
  it('is taken pair by pair, so that a slow spell that hits both sides cancels', () => {
    const ours = [10, 10, 100, 100, 10]
    const theirs = [5, 5, 50, 50, 5]
    expect(ratioOfPairs(ours, theirs)).toEqual({ ratio: 2, low: 2, high: 2, pairCount: 5 })
  })

  it('refuses samples that are missing or not above 0', () => {
    expect(() => ratioOfPairs([1, 2], [1])).toThrow(RangeError)
    expect(() => ratioOfPairs([1], [0])).toThrow(RangeError)
    expect(() => ratioOfPairs([Number.NaN], [1])).toThrow(RangeError)
    expect(() => ratioOfPairs([], [])).toThrow(RangeError)
  })
})

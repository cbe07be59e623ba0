/** Resamples taken for an interval: its ends then move by about 1 % of its width from seed to seed. */
export const BOOTSTRAP_ROUNDS = 4_000

/** One fixed seed: the same samples always give the same verdict. */
export const BOOTSTRAP_SEED = 20_261_122

export interface Interval {
  readonly low: number
  readonly high: number
}

export interface Ratio extends Interval {
  /** Median over the pairs of ours divided by the peer's. */
  readonly ratio: number
  readonly pairCount: number
}

/**
 * The middle value; of an even number, the mean of the two in the middle.
 *
 * @throws RangeError for an empty list: there is no median of nothing
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median of an empty list')
  const sorted = Float64Array.from(values).sort()
  const half = sorted.length >> 1
  const upper = sorted[half]!
  return sorted.length % 2 === 1 ? upper : (sorted[half - 1]! + upper) / 2
}

/**
 * The 95 % interval of the median, by percentile bootstrap: resample with replacement, take each resample's median, cut off
 * 2.5 % at either end. It assumes nothing about how run times are distributed, which is the reason to use it.
 *
 * Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
 */
export function bootstrapInterval(values: readonly number[], seed = BOOTSTRAP_SEED): Interval {
  const next = uniform(seed)
  const medians = new Float64Array(BOOTSTRAP_ROUNDS)
  const resample = new Array<number>(values.length)
  for (let round = 0; round < BOOTSTRAP_ROUNDS; round++) {
    for (let index = 0; index < values.length; index++) {
      resample[index] = values[Math.floor(next() * values.length)]!
    }
    medians[round] = median(resample)
  }
  medians.sort()
  const cut = Math.floor(BOOTSTRAP_ROUNDS * 0.025)
  return { low: medians[cut]!, high: medians[BOOTSTRAP_ROUNDS - 1 - cut]! }
}

/**
 * Ours against a peer, pair by pair: what disturbs the machine for longer than a pair disturbs both, and cancels.
 *
 * @throws RangeError when the lists differ in length, are empty, or hold a value that is not above 0
 */
export function ratioOfPairs(ours: readonly number[], theirs: readonly number[]): Ratio {
  if (ours.length !== theirs.length) throw new RangeError(`${ours.length} samples against ${theirs.length}`)
  const ratios = ours.map((value, index) => {
    const other = theirs[index]!
    if (!(value > 0) || !(other > 0))
      throw new RangeError(`samples must be above 0: ${value} against ${other}`)
    return value / other
  })
  return { ratio: median(ratios), ...bootstrapInterval(ratios), pairCount: ratios.length }
}

/** Mulberry32. The bench depends on no package it may be asked to measure, so it has a generator of its own. */
function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

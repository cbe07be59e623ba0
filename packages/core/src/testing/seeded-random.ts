import type { Random } from '../random.ts'

/** Repeatable randomness for tests; the same seed gives the same run. */
export interface SeededRandom extends Random {
  readonly seed: number
  /** Uniform integer in [0, below). */
  below(below: number): number
  /** Whether an event of this probability happens. */
  chance(probability: number): boolean
  /** One element of a non-empty list. */
  pick<T>(list: readonly T[]): T
}

/**
 * Source: Mulberry32 by Tommy Ettinger (public domain); passes gjrand for the lengths tests need.
 *
 * @param seed u32
 */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return (value ^ (value >>> 14)) >>> 0
  }
  const random: SeededRandom = {
    seed: seed >>> 0,
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let index = 0; index < length; index++) bytes[index] = next() & 0xff
      return bytes
    },
    fraction: () => next() / 2 ** 32,
    below: (below) => Math.floor(random.fraction() * below),
    chance: (probability) => random.fraction() < probability,
    pick: (list) => list[random.below(list.length)]!,
  }
  return random
}

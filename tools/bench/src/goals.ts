import type { Ratio } from './statistics.ts'

/** Fewer pairs than this give an interval nobody should decide by. */
export const PAIRS_MIN = 15

export interface Goal {
  readonly case: string
  readonly unit: string
  readonly against: string
  readonly bound: { readonly atLeast: number } | { readonly atMost: number }
}

export type Verdict = 'holds' | 'falls short' | 'cannot say'

/** The goals file is not what its format says; the message names the entry and the field. */
export class GoalsInvalid extends Error {
  override readonly name = 'GoalsInvalid'
  readonly code = 'SE_BENCH_GOALS_INVALID'
}

/**
 * `holds` when the whole interval is on the goal's good side, `falls short` when the whole interval is on the other, else `cannot
 * say`: an interval with the goal inside it is compatible with both. Nothing can be said of fewer than 15 pairs.
 */
export function judge(goal: Goal, ratio: Ratio): Verdict {
  if (ratio.pairCount < PAIRS_MIN) return 'cannot say'
  const [worst, best, bound] =
    'atLeast' in goal.bound
      ? [ratio.low, ratio.high, goal.bound.atLeast]
      : [-ratio.high, -ratio.low, -goal.bound.atMost]
  if (worst >= bound) return 'holds'
  return best < bound ? 'falls short' : 'cannot say'
}

/** @throws GoalsInvalid naming the entry and the field */
export function parseGoals(text: string): Goal[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new GoalsInvalid('the goals file is not JSON', { cause })
  }
  const list = (parsed as { goals?: unknown } | null)?.goals
  if (!Array.isArray(list)) throw new GoalsInvalid('goals: must be a list')
  return list.map((entry: unknown, index) => {
    const fields = (entry ?? {}) as Record<string, unknown>
    const text = (field: string) => {
      const value = fields[field]
      if (typeof value !== 'string' || value === '') {
        throw new GoalsInvalid(`goals[${index}].${field}: must be a text that is not empty`)
      }
      return value
    }
    const { atLeast, atMost } = fields
    const isPositive = (value: unknown): value is number =>
      typeof value === 'number' && Number.isFinite(value) && value > 0
    if ((atLeast === undefined) === (atMost === undefined)) {
      throw new GoalsInvalid(`goals[${index}]: must have either atLeast or atMost`)
    }
    if (!isPositive(atLeast ?? atMost)) {
      throw new GoalsInvalid(
        `goals[${index}].${atLeast === undefined ? 'atMost' : 'atLeast'}: must be a number above 0`,
      )
    }
    const bound = isPositive(atLeast) ? { atLeast } : { atMost: atMost as number }
    return { case: text('case'), unit: text('unit'), against: text('against'), bound }
  })
}

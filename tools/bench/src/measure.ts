import type { ComparedCase, PreparedCase } from './case.ts'
import { PAIRS_MIN } from './goals.ts'
import { median, ratioOfPairs, type Ratio } from './statistics.ts'

/** A result as written by `--json`; `ours` and the values of `against` are medians. */
export interface CaseResult {
  readonly case: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly ours: number
  readonly against: Readonly<Record<string, number>>
  /** By peer: median of the pairs' ratios, with its 95 % interval. */
  readonly ratios: Readonly<Record<string, Ratio>>
  readonly notes: readonly string[]
}

/**
 * Takes one untimed round to warm up, then the pairs. Every other round goes through the contestants backwards, so that none
 * always runs after the same other one.
 *
 * @param deadlineMs on `now`'s clock; no round is begun after it, except that one is always taken
 * @throws RangeError when a sample is not a number above 0
 * @throws AggregateError when a sample fails and the teardown then too: both failures
 */
export async function measureCase(
  definition: ComparedCase,
  deadlineMs: number,
  now: () => number,
): Promise<CaseResult> {
  const prepared = await definition.setup()
  let result: CaseResult
  try {
    result = await measurePrepared(definition, prepared, deadlineMs, now)
  } catch (error) {
    try {
      await prepared.teardown?.()
    } catch (after) {
      const message = `${definition.case}: a sample failed, and the teardown too`
      throw new AggregateError([error, after], message, { cause: after })
    }
    throw error
  }
  await prepared.teardown?.()
  return result
}

async function measurePrepared(
  definition: ComparedCase,
  prepared: PreparedCase,
  deadlineMs: number,
  now: () => number,
): Promise<CaseResult> {
  const pairs = Math.max(PAIRS_MIN, definition.pairs ?? PAIRS_MIN)
  const contestants = [
    { name: 'ours', sample: () => prepared.ours(), values: [] as number[] },
    ...Object.entries(prepared.against).map(([name, sample]) => ({ name, sample, values: [] as number[] })),
  ]
  for (const contestant of contestants) await contestant.sample()
  for (let round = 0; round < pairs; round++) {
    if (round > 0 && now() > deadlineMs) break
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const value = await contestant.sample()
      if (!Number.isFinite(value) || value <= 0) {
        throw new RangeError(`${definition.case}: ${contestant.name} returned ${value}, not a number above 0`)
      }
      contestant.values.push(value)
    }
  }
  const [ours, ...others] = contestants
  const notes = [...(prepared.notes?.() ?? [])]
  const taken = ours!.values.length
  if (taken < pairs) notes.push(`stopped by the time limit after ${taken} of ${pairs} pairs`)
  return {
    case: definition.case,
    unit: definition.unit,
    better: definition.better,
    ours: median(ours!.values),
    against: Object.fromEntries(others.map((other) => [other.name, median(other.values)])),
    ratios: Object.fromEntries(others.map((other) => [other.name, ratioOfPairs(ours!.values, other.values)])),
    notes,
  }
}

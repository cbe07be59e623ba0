/**
 * 10⁹ random operations against an exact multiset, or as many as there is time for: `npm run torture -- --only cuckoo --minutes 60`.
 *
 * One run is one seed and 10⁷ operations, so that what fails is repeated in seconds.
 */
import { runFilterScript } from '../test/filter-model.ts'

const OPERATIONS_A_SEED = 10_000_000
/** The goal; reached after some twenty minutes on one idle core. */
const OPERATIONS_GOAL = 1e9

export const area = 'cuckoo'

let total = 0

export function run(options: { seed: number; log: (line: string) => void }): Promise<void> {
  const result = runFilterScript({ seed: options.seed, operations: OPERATIONS_A_SEED })
  const before = total
  total += OPERATIONS_A_SEED
  const isGoalReached = before < OPERATIONS_GOAL && total >= OPERATIONS_GOAL
  options.log(
    `seed ${options.seed}: at most ${result.sizeMax} copies, ${result.restores} restores; ${total} operations in all${isGoalReached ? ', the goal is reached' : ''}`,
  )
  return Promise.resolve()
}

import { simulate } from '@se/engine/testing'
import { sqliteTiers } from '../src/simulated-sqlite.ts'

export const area = 'simulated-sqlite'

/** The simulated world on a real SQLite file, with as many seeds as the time allows. */
export async function run({
  seed,
  log,
}: {
  readonly deadline: number
  readonly seed: number
  readonly log: (line: string) => void
}): Promise<void> {
  const { acknowledged, reads } = await simulate({ seed, steps: 300, tiers: sqliteTiers })
  log(`${acknowledged} writes acknowledged, ${reads} answers checked`)
}

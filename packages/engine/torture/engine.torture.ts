import { simulate, SimulationFailed } from '../src/testing/index.ts'

export const area = 'engine'
const STEPS = 400

/** The simulation of `npm test`, with longer scripts and as many seeds as the time allows. */
export async function run({
  seed,
  log,
}: {
  readonly deadline: number
  readonly seed: number
  readonly log: (line: string) => void
}): Promise<void> {
  try {
    const { acknowledged, reads } = await simulate({ seed, steps: STEPS })
    log(`${acknowledged} writes acknowledged, ${reads} answers checked`)
  } catch (error) {
    if (error instanceof SimulationFailed)
      log(`as a story: npm run sim -- --seed ${seed} --steps ${STEPS} --show`)
    throw error
  }
}

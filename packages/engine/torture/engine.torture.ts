import { simulate } from '../src/testing/simulate.ts'

export const area = 'engine'

/** The simulation of `npm test`, with longer scripts and as many seeds as the time allows. */
export async function run(options: {
  readonly deadline: number
  readonly seed: number
  readonly log: (line: string) => void
}): Promise<void> {
  const { acknowledged, reads } = await simulate({ seed: options.seed, steps: 400 })
  options.log(`${acknowledged} writes acknowledged, ${reads} answers checked`)
}

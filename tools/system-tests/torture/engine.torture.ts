import { tortureSimulation } from '../src/simulation-torture.ts'

export const area = 'engine'

const STEPS = 400

/** The simulation of `npm test`, with longer scripts and as many seeds as the time allows. */
export const run = tortureSimulation(
  { steps: STEPS },
  (seed) => `as a story: npm run sim -- --seed ${seed} --steps ${STEPS} --show`,
)

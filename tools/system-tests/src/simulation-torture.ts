import { simulate, SimulationFailed, type SimulationOptions } from '@se/engine/testing'

/**
 * The `run` of a torture file that simulates one script a seed.
 *
 * @param hint what helps to look into a seed that has broken a promise
 */
export function tortureSimulation(
  options: Omit<SimulationOptions, 'seed'>,
  hint?: (seed: number) => string,
): (run: { readonly seed: number; readonly log: (line: string) => void }) => Promise<void> {
  return async ({ seed, log }) => {
    try {
      const { acknowledged, reads } = await simulate({ ...options, seed })
      log(`${acknowledged} writes acknowledged, ${reads} answers checked`)
    } catch (error) {
      if (error instanceof SimulationFailed && hint !== undefined) log(hint(seed))
      throw error
    }
  }
}

import { runTour } from './tour.ts'
import { parseSettings } from './settings.ts'
export async function main(argv: string[]) {
  void argv
  process.exitCode = await runTour(parseSettings(process.env, process.cwd()))
}

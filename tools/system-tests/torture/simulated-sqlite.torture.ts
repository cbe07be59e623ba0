import { sqliteTiers } from '../src/simulated-sqlite.ts'
import { tortureSimulation } from '../src/simulation-torture.ts'

export const area = 'simulated-sqlite'

/** The simulated world on a real SQLite file, with as many seeds as the time allows. */
export const run = tortureSimulation({ steps: 300, tiers: sqliteTiers })

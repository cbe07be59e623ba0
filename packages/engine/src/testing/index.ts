export { simulate, run, shrink, SimulationFailed } from './simulate.ts'

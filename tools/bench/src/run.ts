export { parseGoals, type Goal } from './goals.ts'
export { runBench, type BenchOptions, type BenchOutcome } from './run-bench.ts'

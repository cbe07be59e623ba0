import type { Exploration } from './explore/explore.ts'
import type { Run } from './runs.ts'

/** Whether a run found what it must find, and nothing else. */
export function isAsExpected({ breaks }: Run, { finding, isCut }: Exploration): boolean {
  return !isCut && finding?.violation === breaks
}

/** What was found, in a few words. */
export function resultOf({ finding, hopelessCount, isCut }: Exploration): string {
  if (isCut) return 'given up'
  if (finding === undefined) return 'holds'
  const states = hopelessCount > 0 ? ` in ${hopelessCount} states` : ''
  return `${finding.violation}${states}, after ${finding.trace.length} steps`
}

/** One line: name, states, what was found. */
export function lineOf(run: Run, exploration: Exploration): string {
  return `${run.name}: ${exploration.stateCount} states, ${resultOf(exploration)}`
}

/** The trace, a numbered line for each step. */
export function traceOf({ finding }: Exploration): string[] {
  return (finding?.trace ?? []).map((line, index) => `  ${String(index + 1).padStart(2)}  ${line}`)
}

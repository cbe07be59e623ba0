/** npm run model: the exhaustive model of the transaction, run by run. */
import { endOnMistake, readCommandLine, WrongCommandLine, type Program } from '@se/core/node'
import { explore } from './explore/explore.ts'
import { isAsExpected, lineOf, traceOf } from './report.ts'
import { ALL_RUNS, type Run } from './runs.ts'

const program = {
  name: 'npm run model --',
  summary:
    'Explores the archive’s transaction state by state: with all its rules, which must hold, and with each of them left out, which must break what the rule is for. docs/protocols/transaction.md says what is explored. Exit 1 when a run does not find what it must.',
  options: {
    run: { type: 'text', value: 'NAME', meaning: 'The runs whose name begins so. Default: the quick ones.' },
    all: { type: 'flag', meaning: 'The long ones as well.' },
    list: { type: 'flag', meaning: 'Prints the names of the runs, and explores nothing.' },
    trace: { type: 'flag', meaning: 'Prints the shortest way to what is found, a line a step.' },
    states: {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 100_000_000,
      meaning: 'Gives a run up after so many states. Default: 20,000,000.',
    },
  },
} as const satisfies Program

const { values } = readCommandLine(program, new URL('../../../package.json', import.meta.url))
const chosen = choose(ALL_RUNS)
if (values.list) for (const { name, isQuick } of chosen) console.log(isQuick ? name : `${name} (long)`)
else for (const run of chosen) tell(run)

function choose(runs: readonly Run[]): readonly Run[] {
  const { run: wanted, all, list } = values
  if (wanted === undefined) return runs.filter(({ isQuick }) => isQuick || all || list)
  const found = runs.filter(({ name }) => name.startsWith(wanted))
  if (found.length > 0) return found
  return endOnMistake(
    program,
    new WrongCommandLine(`--run: no run begins with '${wanted}'; --list tells the names`),
  )
}

function tell(run: Run): void {
  const startedMs = performance.now()
  const { states } = values
  const exploration = explore(run.world(), {
    only: run.only,
    ...(states === undefined ? {} : { statesMax: states }),
  })
  const seconds = (performance.now() - startedMs) / 1000
  const isExpected = isAsExpected(run, exploration)
  console.log(`${isExpected ? 'ok' : 'WRONG'}  ${lineOf(run, exploration)}, ${seconds.toFixed(1)} s`)
  if (values.trace || !isExpected) for (const line of traceOf(exploration)) console.log(line)
  if (!isExpected) process.exitCode = 1
}

/** npm run bench: what is fast, beside peers and limits. Fails (exit 1) only when a bench crashes. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseGoals, runBench } from '@se/bench/run'
import { endOnMistake, readCommandLine, WrongCommandLine, type Program } from '@se/core/node'
import { WORKSPACE_MANIFEST } from './manifest.ts'

const program = {
  name: 'npm run bench --',
  summary:
    'Runs the benches, each in a process of its own, and prints what they measured. A slow result is a result.',
  options: {
    only: { type: 'text', value: 'PREFIX', default: '', meaning: 'The cases whose names begin with it.' },
    json: { type: 'text', value: 'FILE', meaning: 'Writes the results there.' },
    goals: { type: 'text', value: 'FILE', meaning: 'Holds the results to these goals, and says which hold.' },
  },
} as const satisfies Program

const userPath = (file: string): string => path.resolve(process.env['INIT_CWD'] ?? process.cwd(), file)

const { only, json, goals } = readCommandLine(program, WORKSPACE_MANIFEST, ({ values }) => ({
  only: values.only,
  json: values.json === undefined ? undefined : userPath(values.json),
  goals: values.goals === undefined ? undefined : goalsIn(userPath(values.goals)),
}))
const { begun, names, crashes } = await runBench({ only, json, goals })
for (const crash of crashes) console.error(`crashed: ${crash}`)
if (begun === 0 && crashes.length === 0) {
  const areas = [...new Set(names.map((name) => name.split('.')[0]))]
  endOnMistake(
    program,
    new WrongCommandLine(`--only: no case begins with '${only}'; there are ${areas.join('., ')}.`),
  )
}
process.exitCode = crashes.length > 0 ? 1 : 0

function goalsIn(file: string) {
  try {
    return parseGoals(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new WrongCommandLine(`--goals: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * npm run torture
 *
 * A file exports `area: string` and `run({ deadline, seed, log }): Promise<void>`, where `deadline` is in Date.now() milliseconds and a
 * rejection is a failure. Prints the seeds reached; a failing one is printed with the command that repeats it, its area stops
 * there, and the exit code is 1 at the end.
 */
import { globSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { randomInt } from 'node:crypto'
import { endOnMistake, readCommandLine, WrongCommandLine, type Program } from '@se/core/node'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { workspaceRoot } from './run-process.ts'

export interface TortureRun {
  /** Date.now() milliseconds after which the run should come to its end. */
  readonly deadline: number
  /** u32; everything random in the run follows from it. */
  readonly seed: number
  log(line: string): void
}

interface TortureFile {
  readonly area: string
  run(options: TortureRun): Promise<void>
}

const program = {
  name: 'npm run torture --',
  summary:
    'Runs every *.torture.ts with one seed after the other until its share of the time is used, each at least once.',
  options: {
    only: { type: 'text', value: 'AREA', meaning: 'That area alone.' },
    minutes: {
      type: 'number',
      value: 'N',
      min: 0,
      max: 7 * 24 * 60,
      default: 10,
      meaning: 'How long, all areas together.',
    },
    seed: {
      type: 'integer',
      value: 'S',
      min: 0,
      max: 2 ** 32 - 1,
      meaning: 'The first seed; default: a random one.',
    },
  },
} as const satisfies Program
const {
  values: { only, minutes, seed: firstSeed = randomInt(2 ** 32) },
} = readCommandLine(program, WORKSPACE_MANIFEST)

const files = globSync('{apps,packages,tools}/*/torture/**/*.torture.ts', { cwd: workspaceRoot }).toSorted()
const loaded = await Promise.all(
  files.map(async (file) => {
    const { area, run } = (await import(
      pathToFileURL(path.join(workspaceRoot, file)).href
    )) as Partial<TortureFile>
    if (typeof area !== 'string' || typeof run !== 'function') {
      throw new TypeError(`${file}: must export area (a text) and run (a function)`)
    }
    return { area, run }
  }),
)
const selected = loaded.filter(({ area }) => only === undefined || area === only)
if (selected.length === 0) {
  const areas = loaded.map(({ area }) => area).join(', ')
  endOnMistake(program, new WrongCommandLine(`--only: no area ${only ?? ''}; there are: ${areas}`))
}

const failures: string[] = []
const shareMs = (minutes * 60_000) / selected.length
for (const { area, run } of selected) {
  const deadline = Date.now() + shareMs
  const log = (line: string) => console.log(`[${area}] ${line}`)
  let seed = firstSeed
  do {
    try {
      await run({ deadline, seed, log })
    } catch (error) {
      console.error(error)
      failures.push(
        `${area} with seed ${seed} (repeat: npm run torture -- --only ${area} --minutes 0 --seed ${seed})`,
      )
      break
    }
    seed = (seed + 1) >>> 0
  } while (Date.now() < deadline)
  log(`seeds ${firstSeed} to ${failures.at(-1)?.startsWith(`${area} `) === true ? seed : (seed - 1) >>> 0}`)
}
for (const failure of failures) console.error(`failed: ${failure}`)
process.exitCode = failures.length > 0 ? 1 : 0

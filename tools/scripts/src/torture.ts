/**
 * npm run torture [-- --only AREA] [--minutes N] [--seed S]
 *
 * Runs every `*.torture.ts` of apps/*\/torture, packages/*\/torture and tools/*\/torture with one seed after the other until its share
 * of the time is used, each at least once. A file exports `area: string` and `run({ deadline, seed, log }): Promise<void>`, where
 * `deadline` is in Date.now() milliseconds and a rejection is a failure. Prints the seeds reached; a failing one is printed with the
 * command that repeats it, its area stops there, and the exit code is 1 at the end.
 */
import { globSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { randomInt } from 'node:crypto'
import { numberOption } from './number-option.ts'
import { readCommandLine } from './read-command-line.ts'
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

const usage = 'npm run torture [-- --only AREA] [--minutes N] [--seed S]'
const { only, minutes, firstSeed } = readCommandLine(usage, () => {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, minutes: { type: 'string' }, seed: { type: 'string' } },
  })
  const firstSeed = numberOption('seed', values.seed, randomInt(2 ** 32), { min: 0, max: 2 ** 32 - 1 })
  if (!Number.isInteger(firstSeed)) throw new RangeError('--seed: must be a whole number')
  const minutes = numberOption('minutes', values.minutes, 10, { min: 0, max: 7 * 24 * 60 })
  return { only: values.only, minutes, firstSeed }
})

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
const selected = readCommandLine(usage, () => {
  const some = loaded.filter(({ area }) => only === undefined || area === only)
  if (some.length > 0) return some
  throw new RangeError(
    `--only: no area ${only ?? ''}; there are: ${loaded.map(({ area }) => area).join(', ')}`,
  )
})

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

/** npm run sim: the simulated world of the engine, seed after seed, or one script as a story. */
import { randomInt } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { InvalidInput } from '@se/core'
import { endOnMistake, readCommandLine, WrongCommandLine } from '@se/core/node'
import {
  decodeScript,
  describeAction,
  encodeScript,
  run,
  shrink,
  SimulationFailed,
  tellStory,
  writeScript,
  type Script,
} from '@se/engine/testing'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { workspaceRoot } from './run-process.ts'
import {
  fileOfShortest,
  meaningOf,
  planSim,
  repeatFile,
  repeatSeed,
  SIM_PROGRAM,
  summaryOf,
  type SimPlan,
} from './sim-plan.ts'

const plan = readCommandLine(SIM_PROGRAM, WORKSPACE_MANIFEST, planSim)
/** Seeds that broke a rule. */
const broken = new Map<string, number[]>()
const startedMs = performance.now()
let runs = 0

process.on('SIGINT', () => {
  console.log('interrupted')
  summarize()
  process.exit(130)
})

let example: SimulationFailed | undefined
let saved: Script | undefined
for (const { script, repeat } of scriptsOf(plan)) {
  const failure = await runOne(script, repeat)
  example ??= failure
  saved ??= failure?.script ?? (isAlone(plan) ? script : undefined)
}
if (plan.shrink && example !== undefined) saved = await shorten(example)
if (plan.save !== undefined && saved !== undefined) save(saved, plan.save)
summarize()
process.exitCode = broken.size > 0 ? 1 : 0

function isAlone({ source }: SimPlan): boolean {
  return source.kind === 'file' || source.count === 1
}

/** Each with the command that repeats it. */
function* scriptsOf({ source }: SimPlan): Generator<{ readonly script: Script; readonly repeat: string }> {
  if (source.kind === 'file') {
    yield { script: readScript(source.file), repeat: repeatFile(source.file) }
    return
  }
  const { seed: first = randomInt(2 ** 32), count, steps, switches } = source
  console.log(count === 1 ? `seed ${first}` : `seeds ${first} to ${(first + count - 1) % 2 ** 32}`)
  for (let index = 0; index < count; index++) {
    const seed = (first + index) % 2 ** 32
    yield { script: writeScript({ seed, steps, switches }), repeat: repeatSeed(seed, steps, switches) }
  }
}

async function runOne(script: Script, repeat: string): Promise<SimulationFailed | undefined> {
  if (plan.show) console.log(`\nseed ${script.seed}: ${JSON.stringify(script.variant)}`)
  try {
    const { acknowledged, reads, story } = await run(script)
    if (plan.show) console.log(tellStory(story))
    if (plan.show || isAlone(plan))
      console.log(`all promises were kept: ${acknowledged} writes acknowledged, ${reads} answers judged`)
    return undefined
  } catch (error) {
    if (error instanceof InvalidInput) endOnMistake(SIM_PROGRAM, new WrongCommandLine(error.message))
    if (!(error instanceof SimulationFailed)) throw error
    if (plan.show) console.log(tellStory(error.story))
    tell(error, repeat)
    return error
  } finally {
    runs++
  }
}

function tell({ rule, script: { seed }, cause }: SimulationFailed, repeat: string): void {
  broken.set(rule, [...(broken.get(rule) ?? []), seed])
  const meaning = meaningOf(rule)
  console.log(
    `seed ${seed} breaks a promise: ${meaning === undefined ? 'an error of another kind' : `${rule}: ${meaning}`}`,
  )
  console.log(
    `  ${meaning === undefined ? ((cause as Error).stack ?? String(cause)) : (cause as Error).message}`,
  )
  console.log(`  repeat: ${repeat}`)
}

async function shorten({ script, rule }: SimulationFailed): Promise<Script> {
  const shortest = await shrink(script, rule, {}, (tries, left) => {
    if (tries % 25 === 0) process.stderr.write(`shrinking: ${tries} tries, ${left} actions left\n`)
  })
  console.log(`${shortest.actions.length} of ${script.actions.length} actions break the same promise:`)
  console.log(shortest.actions.map((action) => `  ${describeAction(action)}`).join('\n'))
  if (plan.save === undefined) {
    const file = path.join(workspaceRoot, fileOfShortest(script.seed, rule))
    mkdirSync(path.dirname(file), { recursive: true })
    save(shortest, file)
  }
  return shortest
}

/** What people type is meant from the folder they typed it in. */
function placeOf(file: string): string {
  return path.resolve(process.env.INIT_CWD ?? process.cwd(), file)
}

function readScript(file: string): Script {
  try {
    return decodeScript(readFileSync(placeOf(file), 'utf8'))
  } catch (error) {
    const isMistake = error instanceof InvalidInput || (error as NodeJS.ErrnoException).syscall !== undefined
    if (!isMistake) throw error
    return endOnMistake(SIM_PROGRAM, new WrongCommandLine(`--replay ${file}: ${(error as Error).message}`))
  }
}

function save(script: Script, file: string): void {
  const place = placeOf(file)
  try {
    writeFileSync(place, encodeScript(script))
  } catch (error) {
    endOnMistake(SIM_PROGRAM, new WrongCommandLine(`--save ${file}: ${(error as Error).message}`))
  }
  console.log(`saved: ${place}`)
  console.log(`  repeat: ${repeatFile(place)}`)
}

function summarize(): void {
  for (const line of summaryOf(broken)) console.log(line)
  console.log(`${runs} ${runs === 1 ? 'run' : 'runs'}, ${Math.round(performance.now() - startedMs)} ms`)
}

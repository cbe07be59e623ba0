/**
 * npx node --conditions=@se/source packages/engine/src/testing/hunt.ts FIRST COUNT [STEPS] [SWITCH,SWITCH…] [shrink]
 *
 * Runs seed after seed, and says which rules break how often, and at which seed first. `shrink`: also prints the shortest script
 * that breaks the rule of the first seed.
 */
import { describeAction } from './actions.ts'
import { SWITCHES, writeScript, type Switch } from './script.ts'
import { run, shrink, SimulationFailed } from './simulate.ts'

const [first = '1', count = '100', steps = '150', named = 'all', mode = ''] = process.argv.slice(2)
const switches = named === 'all' ? SWITCHES : (named.split(',') as Switch[])
const broken = new Map<string, number[]>()
const startedMs = performance.now()
let example: SimulationFailed | undefined
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  try {
    await run(writeScript(seed, Number(steps), new Set(switches)))
  } catch (error) {
    if (!(error instanceof SimulationFailed)) throw error
    example ??= error
    console.log(`${seed} ${String(error.cause).slice(0, 200)}`)
    broken.set(error.rule, [...(broken.get(error.rule) ?? []), seed])
  }
}
for (const [rule, seeds] of broken)
  console.log(`${seeds.length} × ${rule}: seeds ${seeds.slice(0, 8).join(', ')}`)
console.log(`${count} runs, ${Math.round(performance.now() - startedMs)} ms`)
if (mode === 'show') console.log(example?.message, example?.cause)
if (mode === 'shrink' && example !== undefined) {
  const seed = broken.get(example.rule)![0]!
  const shortest = await shrink(writeScript(seed, Number(steps), new Set(switches)), example.rule)
  console.log(shortest.actions.map(describeAction).join('\n'))
  await run(shortest).catch((error: unknown) => console.log((error as Error).message))
}

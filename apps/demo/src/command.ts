import type { Settings } from '@se/compose'
import type { EngineConfig } from '@se/engine'
import { Checks } from './checks.ts'
import { createDemoEngine, type DemoEngine } from './demo-engine.ts'
import { formatCount } from './format.ts'
import { noteRun } from './last-run.ts'
import { createOutput, type Output } from './output.ts'
import { openPlace, type Place } from './place.ts'
import { stopEngine } from './sections/stop.ts'

/** What every command works with. */
export interface CommandContext {
  readonly place: Place
  readonly out: Output
  readonly checks: Checks
  /**
   * Hands over an engine that has not been started, and stops it afterwards in any case.
   *
   * @param options `isNoted`: the next start is held to what this engine leaves (default true)
   */
  withEngine(
    options: Pick<EngineConfig, 'memory' | 'filter'> & { readonly isNoted?: boolean },
    work: (demo: DemoEngine) => Promise<void>,
  ): Promise<void>
}

/** Runs the work of a command on its place, cleans up, and tells how the checks went. @returns the exit code: 1 when one failed */
export async function runCommand(
  settings: Settings,
  work: (context: CommandContext) => Promise<void>,
  afterwards: (place: Place, out: Output) => void = () => {},
): Promise<0 | 1> {
  const out = createOutput()
  const checks = new Checks((failure) => out.problem(failure))
  const place = await openPlace(settings)
  let isLogEmpty = true
  try {
    await work({
      place,
      out,
      checks,
      async withEngine({ isNoted = true, ...options }, use) {
        const demo = await createDemoEngine(place, options)
        const { engine } = demo
        try {
          await use(demo)
          const remember = isNoted ? await noteRun(engine, place) : undefined
          out.section('Stop')
          const stop = await stopEngine(demo, out, checks)
          isLogEmpty = stop.itemsLeftInLog === 0 && stop.problems.length === 0
          if (checks.failures.length === 0) await remember?.()
        } catch (error) {
          const wasStarted = engine.status().cut !== undefined
          const stop = await engine.stop()
          isLogEmpty = !wasStarted || (stop.itemsLeftInLog === 0 && stop.problems.length === 0)
          throw error
        }
      },
    })
  } finally {
    out.section('Clean up')
    for (const line of await place.close(isLogEmpty)) out.line(line)
  }
  afterwards(place, out)
  return conclude(out, checks)
}

function conclude(out: Output, { failures, count }: Checks): 0 | 1 {
  if (failures.length === 0) {
    out.section(`Done: all ${formatCount(count)} checks hold`)
    return 0
  }
  out.section(`${formatCount(failures.length)} of ${formatCount(count)} checks failed`)
  for (const failure of failures) out.line(failure)
  return 1
}

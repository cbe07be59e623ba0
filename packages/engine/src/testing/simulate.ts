import { InvalidInput, readFields, refuseInput, type FieldTable } from '@se/core'
import { Anomaly } from './anomaly.ts'
import { readScript } from './script/script-text.ts'
import { SCRIPT_FIELDS, writeScript, type Script, type Switch } from './script/script.ts'
import { tellStory, type StoryLine } from './story.ts'
import { end } from './world/end.ts'
import { perform } from './world/perform.ts'
import { checkSubject, makeApplication, SUBJECT_FIELDS, type Subject } from './world/subject.ts'
import { World } from './world/world.ts'

/** Lines of the story that the message of a failure has. */
const LINES_SHOWN = 40

export interface SimulationOptions extends Subject {
  /** u32. */
  readonly seed: number
  /** Actions of the script, at least. */
  readonly steps: number
  /** Kinds of fault. Default: all. */
  readonly switches?: readonly Switch[] | undefined
}

export interface SimulationOutcome {
  /** Writes of the script. */
  readonly acknowledged: number
  /** Answers to reads, each of them judged. */
  readonly reads: number
  /** All that happened. */
  readonly story: readonly StoryLine[]
}

const SIMULATION_FIELDS = { ...SCRIPT_FIELDS, ...SUBJECT_FIELDS } satisfies FieldTable

/** A run that broke a promise: `rule` says which, `story` how, `cause` is the error, and `script` does it again. */
export class SimulationFailed extends Error {
  override readonly name = 'SimulationFailed'
  /** Of {@link RULES}; for the errors of an application their first line. The same for all runs that fail in this way. */
  readonly rule: string
  readonly script: Script
  readonly story: readonly StoryLine[]

  constructor(script: Script, story: readonly StoryLine[], cause: unknown) {
    const last = tellStory(story.slice(-LINES_SHOWN))
    super(
      `seed ${script.seed}, ${script.actions.length} actions, ${JSON.stringify(script.variant)}: ${String(cause)}; what happened:\n${last}`,
      { cause },
    )
    this.rule = cause instanceof Anomaly ? cause.rule : String(cause).split('\n')[0]!.slice(0, 80)
    this.script = script
    this.story = story
  }
}

/**
 * Writes the script of a seed, and runs it.
 *
 * @throws SimulationFailed
 * @throws InvalidInput naming an option that is wrong
 */
export async function simulate(options: SimulationOptions): Promise<SimulationOutcome> {
  const { seed, steps, switches } = readFields('', options, SIMULATION_FIELDS, refuseInput)
  const { tiers, application, config } = options
  const subject: Subject = { tiers, application, config }
  return run(writeScript({ seed, steps, switches, application: makeApplication(subject) }), subject)
}

/**
 * Does what a script says, and judges all that can be seen of it. The same script does the same again, to the last answer, as long
 * as tiers and application do.
 *
 * @throws SimulationFailed
 * @throws InvalidInput naming what is wrong in the script or the subject, and a call that the application does not have
 */
export async function run(given: Script, subject: Subject = {}): Promise<SimulationOutcome> {
  const script = readScript(given)
  checkSubject(subject)
  const world = new World(script, subject)
  checkCalls(script, world)
  const unhandled: unknown[] = []
  const listen = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', listen)
  try {
    await world.begin()
    for (const [index, action] of script.actions.entries()) {
      world.noteAction(action, index)
      await perform(world, action)
      if (world.broken !== undefined) throw world.broken
    }
    world.note('the script has ended: everything answers again')
    await end(world)
    if (world.broken !== undefined) throw world.broken
    const [rejected] = unhandled
    if (rejected !== undefined) throw new Anomaly('unhandled-rejection', String(rejected), rejected)
    await world.close()
    const { issued } = world.model
    return {
      acknowledged: issued.filter(({ acknowledgedOrder }) => acknowledgedOrder !== undefined).length,
      reads: world.reads,
      story: world.story,
    }
  } catch (error) {
    if (error !== world.broken) world.fail(error)
    // What broke counts, and not that its tiers cannot be let go of.
    await world.close().catch(() => {})
    throw new SimulationFailed(script, world.story, error)
  } finally {
    process.off('unhandledRejection', listen)
  }
}

function checkCalls({ actions }: Script, { application }: World): void {
  for (const [index, action] of actions.entries()) {
    if (action.do !== 'call' || Object.hasOwn(application?.actions ?? {}, action.name)) continue
    const names = Object.keys(application?.actions ?? {}).join(', ')
    throw new InvalidInput(
      `actions[${index}].name`,
      `the application has no '${action.name}'; ${names === '' ? 'there is none' : `there are ${names}`}`,
    )
  }
}

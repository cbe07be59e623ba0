import type { SeededRandom } from '@se/core/testing'
import type { EngineFace } from '../../index.ts'

/** What an action of an application has beside its engine. */
export interface ActionContext {
  /** Number of the process it runs in. */
  readonly process: number
  /** Adds a line to the story. */
  note(text: string): void
}

/** Something that an application does with an engine. */
export interface ApplicationAction {
  /** How often it is drawn: a write has weight 22, a read 16, a kill 3. */
  readonly weight: number
  /** Draws what it is given, from this randomness alone: it is kept in the script, as JSON. */
  draw(random: SeededRandom): unknown
  /**
   * Does it. Nobody waits: other actions overlap with it, and it never goes on where its process is killed.
   *
   * @param input what `draw` gave
   * @throws StorageError where the engine does; any other error fails the run
   */
  run(engine: EngineFace, input: never, context: ActionContext): Promise<unknown>
}

/**
 * Code that uses an engine, tried in the simulated world. Made anew for each run, so that it may count what was acknowledged to
 * it. Its items have ids of its own: those of the scripts, `user.0` to `item.11`, are written by others.
 */
export interface Application {
  readonly actions: Readonly<Record<string, ApplicationAction>>
  /**
   * Looks at everything in the end, when everything answers and everything is flushed.
   *
   * @param engines of all processes, by number. What one has set aside only it knows
   * @throws any error, which fails the run
   */
  check?(engines: readonly EngineFace[]): Promise<void>
}

export const APPLICATION = 'an application: `actions`, each with a weight above 0'

export function isApplication(given: unknown): given is Application {
  const actions: unknown = (given as Partial<Application> | null | undefined)?.actions
  if (typeof actions !== 'object' || actions === null) return false
  return Object.values(actions).every((action: Partial<ApplicationAction> | null) => {
    const weight = action?.weight
    return typeof weight === 'number' && weight > 0 && weight < Infinity
  })
}

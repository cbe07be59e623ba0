import type { Action } from './script/actions.ts'
import { readScript } from './script/script-text.ts'
import type { Script } from './script/script.ts'
import { run, SimulationFailed } from './simulate.ts'
import type { Subject } from './world/subject.ts'

/**
 * Tries shorter scripts until none is left that breaks the same rule: every action of what comes out is needed. Runs the script some
 * hundred times.
 *
 * @param given a script that breaks the rule
 * @param tried told after each try: how many there were, and how many actions are left
 * @throws InvalidInput naming what is wrong in the script or the subject
 */
export async function shrink(
  given: Script,
  rule: string,
  subject: Subject = {},
  tried: (tries: number, actions: number) => void = () => {},
): Promise<Script> {
  const script = readScript(given)
  let actions: readonly Action[] = script.actions
  let tries = 0
  const fails = async (some: readonly Action[]): Promise<boolean> => {
    try {
      await run({ ...script, actions: some }, subject)
      return false
    } catch (error) {
      if (!(error instanceof SimulationFailed)) throw error
      return error.rule === rule
    } finally {
      tried(++tries, actions.length)
    }
  }
  for (let size = Math.ceil(actions.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < actions.length;) {
      const shorter = [...actions.slice(0, at), ...actions.slice(at + size)]
      if (await fails(shorter)) actions = shorter
      else at += size
    }
  }
  return { ...script, actions }
}

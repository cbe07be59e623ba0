/**
 * Scripts as text, to be kept, sent and read: JSON with an action a line, so that two of them can be compared line by line.
 *
 * `encodeScript` and `decodeScript` are inverses. A script is checked field by field before it is written or run: one that was made by
 * hand, or by another version, is refused with the place where it is wrong, and never run in part.
 */
import { InvalidInput } from '@se/core'
import { readAction } from './action-fields.ts'
import { objectAt } from './object-at.ts'
import { STEPS_MAX, SWITCHES, type Script, type Switch } from './script.ts'
import { readVariant } from './variant.ts'

/** Says what the file is, and which meaning its words have. */
const FORMAT = 'se-simulation 1'

/**
 * The script as text; ends with a line break.
 *
 * @throws InvalidInput naming the field, and what it may be
 */
export function encodeScript(script: Script): string {
  const { seed, switches, variant, actions } = readScript(script)
  const head = { format: FORMAT, seed, switches, variant }
  const lines = actions.map((action) => `    ${JSON.stringify(action)}`)
  return `${JSON.stringify(head, undefined, 2).slice(0, -2)},\n  "actions": [\n${lines.join(',\n')}\n  ]\n}\n`
}

/**
 * @throws InvalidInput naming the field, and what it may be
 */
export function decodeScript(text: string): Script {
  const { format, ...script } = objectAt('script', parse(text))
  if (format !== FORMAT) {
    throw new InvalidInput('format', `must be '${FORMAT}', not ${JSON.stringify(format) ?? 'absent'}`)
  }
  return readScript(script)
}

/**
 * Checks what should be a script.
 *
 * @throws InvalidInput naming the field, and what it may be
 */
export function readScript(given: unknown): Script {
  const { seed, switches, variant, actions, ...rest } = objectAt('script', given)
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) {
    throw new InvalidInput(unknown, 'is not a field; there are seed, switches, variant, actions')
  }
  if (!Number.isInteger(seed) || (seed as number) < 0 || (seed as number) >= 2 ** 32) {
    throw new InvalidInput('seed', `must be an integer from 0 to ${2 ** 32 - 1}`)
  }
  const conditions = readVariant(objectAt('variant', variant))
  if (!Array.isArray(actions) || actions.length > STEPS_MAX) {
    throw new InvalidInput('actions', `must be a list of at most ${STEPS_MAX} actions`)
  }
  return {
    seed: seed as number,
    switches: readSwitches(switches),
    variant: conditions,
    actions: actions.map((action: unknown, index) =>
      readAction(`actions[${index}]`, action, conditions.processes),
    ),
  }
}

/**
 * @returns each once, in the order of the list
 * @throws InvalidInput naming one that does not exist, and those that do
 */
export function readSwitches(given: unknown): readonly Switch[] {
  if (!Array.isArray(given)) throw new InvalidInput('switches', 'must be a list of switches')
  const unknown: unknown = given.find((name) => !SWITCHES.includes(name as Switch))
  if (unknown === undefined) return SWITCHES.filter((name) => given.includes(name))
  throw new InvalidInput(
    'switches',
    `there is no ${JSON.stringify(unknown)}; there are ${SWITCHES.join(', ')}`,
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new InvalidInput('script', `is not JSON: ${(cause as Error).message}`)
  }
}

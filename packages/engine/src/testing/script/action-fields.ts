import {
  booleanField,
  checkId,
  InvalidInput,
  integerField,
  oneOfField,
  otherField,
  readFields,
  refuseInput,
  stringField,
  type Field,
} from '@se/core'
import type { Action, ActionOf } from './actions.ts'
import { objectAt } from './object-at.ts'

/** Processes of a world, at most. */
export const PROCESSES_MAX = 16
const DAY_MS = 86_400_000
const U32_MAX = 2 ** 32 - 1

const process = integerField({ min: 0, max: PROCESSES_MAX - 1, isRequired: true, meaning: 'Its number.' })
const cache = integerField({ min: 0, max: PROCESSES_MAX - 1, isRequired: true, meaning: 'Its number.' })
const id = otherField<string, { readonly meaning: string; readonly isRequired: true }>({
  what: 'an id',
  accepts: isId,
  isRequired: true,
  meaning: 'Of an item.',
})
const consistency = oneOfField({
  allowed: ['local', 'shared', 'source'],
  isRequired: true,
  meaning: 'What the read may answer from.',
})
const skewMs = integerField({
  min: -366 * DAY_MS,
  max: 366 * DAY_MS,
  isRequired: true,
  meaning: 'Beside the clock of the world, ms.',
})

/** What an action says beside what it does. */
type FieldsOf<Name extends Action['do']> = {
  readonly [Key in Exclude<keyof ActionOf<Name>, 'do'>]: Field<ActionOf<Name>[Key]>
}

/** The fields of each action, with their ranges: what a saved script is checked against. */
const ACTION_FIELDS: { readonly [Name in Action['do']]: FieldsOf<Name> } = {
  write: {
    process,
    id,
    value: integerField({ min: 0, max: Number.MAX_SAFE_INTEGER, meaning: 'Unique; without it: a delete.' }),
    level: oneOfField({
      allowed: ['memory', 'log', 'archive'],
      isRequired: true,
      meaning: 'What it is acknowledged at.',
    }),
    isLarge: flag('Whether it fills a good part of memory.'),
  },
  read: { process, id, consistency },
  'read-many': {
    process,
    ids: otherField<readonly string[], { readonly meaning: string; readonly isRequired: true }>({
      what: 'a list of 1 to 1000 ids',
      accepts: (given) =>
        Array.isArray(given) && given.length > 0 && given.length <= 1_000 && given.every(isId),
      isRequired: true,
      meaning: 'All at once.',
    }),
  },
  'read-everything': { process, consistency },
  flush: { process },
  'retry-parked': { process, widen: flag('Whether the archive takes more, or less again, from now on.') },
  verify: { process, repair: flag('Whether it mends what it finds.') },
  call: {
    process,
    name: stringField({ isRequired: true, meaning: 'Of an action of the application.' }),
    input: otherField<unknown>({ what: 'JSON', accepts: () => true, meaning: 'What it is given.' }),
  },
  pass: { ms: count(DAY_MS, 'How long, ms.') },
  turns: { count: count(10_000, 'How many.') },
  calm: {},
  freeze: { process },
  thaw: { process, timersFirst: flag('Whether timers that came due are seen before answers that arrived.') },
  kill: { process, power: integerField({ min: 0, max: U32_MAX, meaning: 'Seed of what the disk keeps.' }) },
  start: { process },
  restart: { process },
  'fail-disk': { process },
  'set-clock': { process, skewMs },
  reach: { process, isReachable: flag('Whether the archive answers it.') },
  'fail-commit': {
    process,
    when: oneOfField({ allowed: ['before', 'after-commit'], isRequired: true, meaning: 'When they fail.' }),
    count: count(1_000, 'How many commits.'),
  },
  collect: { ageMs: count(366 * DAY_MS, 'What is older goes, ms.') },
  'back-up': {},
  restore: {
    back: integerField({
      min: 0,
      max: 1_000,
      isRequired: true,
      meaning: 'Backups to go back; 0: the newest.',
    }),
  },
  'set-archive-clock': { skewMs },
  'cache-answers': { cache, isAvailable: flag('Whether it does.') },
  evict: { cache, id },
  'drop-meta': { cache, id },
  empty: { cache },
  dump: { cache },
  'set-back': { cache, isSeen: flag('Whether all lose their connection meanwhile.') },
  'lose-puts': {
    process,
    count: count(1_000, 'How many puts.'),
    how: oneOfField({ allowed: ['forgotten', 'unanswered'], isRequired: true, meaning: 'What gets lost.' }),
  },
  'flip-stamp': {
    cache,
    id,
    bit: integerField({ min: 0, max: 52, isRequired: true, meaning: 'Of the time of the stamp.' }),
  },
}

/**
 * Checks what should be an action.
 *
 * @param path where it stands, for messages
 * @param processes of its world: there are as many caches
 * @throws InvalidInput naming the field, and what it may be
 */
export function readAction(path: string, given: unknown, processes: number): Action {
  const { do: name, ...fields } = objectAt(path, given)
  if (typeof name !== 'string' || !Object.hasOwn(ACTION_FIELDS, name)) {
    const names = Object.keys(ACTION_FIELDS).join(', ')
    throw new InvalidInput(`${path}.do`, `must be one of ${names}, not ${JSON.stringify(name) ?? 'absent'}`)
  }
  const action = {
    do: name,
    ...readFields(path, fields, ACTION_FIELDS[name as Action['do']], refuseInput),
  } as Action
  for (const key of ['process', 'cache'] as const) {
    const number: unknown = (action as Partial<Record<typeof key, number>>)[key]
    if (typeof number !== 'number' || number < processes) continue
    throw new InvalidInput(
      `${path}.${key}`,
      `must be below ${processes}, the processes of the script, not ${number}`,
    )
  }
  return action
}

function flag(meaning: string): Field<boolean> {
  return booleanField({ isRequired: true, meaning })
}

/** From 0. */
function count(max: number, meaning: string): Field<number> {
  return integerField({ min: 0, max, isRequired: true, meaning })
}

function isId(given: unknown): boolean {
  try {
    checkId(given)
    return true
  } catch {
    return false
  }
}

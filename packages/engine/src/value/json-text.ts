import { inspect } from 'node:util'
import { InvalidInput } from '@se/core'
import { plainForm } from './plain-form.ts'

/** Members within members, at most: other readers of JSON have such a limit too. */
export const DEPTH_MAX = 1_000

/**
 * The JSON text of a value, which gives that value back [P76]: what JSON would lose or change is refused, with its path.
 *
 * As JSON does: `undefined` members are left out, `toJSON` (of a Date, say) is asked, of an instance of a class the own
 * fields are kept, and -0 is 0.
 *
 * @param bytesMax a value with more members than this is refused unwritten: each takes a byte
 * @throws InvalidInput with `details.path`: `value.users[3].born`
 */
export function jsonText(value: unknown, bytesMax: number): string {
  const limits = { depthMax: DEPTH_MAX, membersMax: bytesMax }
  const kept = isSurelyKept(value, bytesMax) ? value : plainForm(value, limits)
  try {
    return JSON.stringify(kept)
  } catch (cause) {
    // Longer than a string can be, or deeper than what is left of the caller's stack.
    throw new InvalidInput('value', `cannot be written as JSON: ${(cause as Error).message}`, {
      path: 'value',
    })
  }
}

/**
 * Whether JSON surely keeps a value; `false` where it takes a closer look. Nearly all values are such, so this is quick: it
 * costs about half of what `JSON.stringify` does. A replacer that looks at each member costs ten times as much.
 */
function isSurelyKept(value: unknown, membersMax: number): boolean {
  try {
    return isPlain(value, 0, { membersLeft: membersMax })
  } catch {
    // A getter threw, or a proxy was revoked: the closer look says which.
    return false
  }
}

interface Budget {
  membersLeft: number
}

function isPlain(value: unknown, depth: number, budget: Budget): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      if (value === null) return true
      if (depth >= DEPTH_MAX) return false
      return Array.isArray(value) ? isPlainList(value, depth, budget) : isPlainObject(value, depth, budget)
    default:
      return false
  }
}

function isPlainList(list: readonly unknown[], depth: number, budget: Budget): boolean {
  const { length } = list
  budget.membersLeft -= length
  if (budget.membersLeft < 0 || Object.getPrototypeOf(list) !== Array.prototype || hasNames(list))
    return false
  for (let index = 0; index < length; index++) {
    // A hole is `undefined` too.
    const member = list[index]
    if (typeof member !== 'string' && !isPlain(member, depth + 1, budget)) return false
  }
  return true
}

function isPlainObject(object: object, depth: number, budget: Budget): boolean {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return isValidDate(object, prototype)
  if (Object.getOwnPropertySymbols(object).length > 0) return false
  for (const name in object) {
    if (--budget.membersLeft < 0) return false
    const member = (object as Record<string, unknown>)[name]
    if (typeof member === 'string' || member === undefined) continue
    if (!isPlain(member, depth + 1, budget)) return false
  }
  return true
}

function isValidDate(object: object, prototype: unknown): boolean {
  return prototype === Date.prototype && Number.isFinite((object as Date).getTime())
}

/** Above this many members `inspect` is the cheaper way to see that a list has nothing beside them. */
const KEYS_MAX = 32
const INSPECT_NAMES = { maxArrayLength: 0, depth: 0, customInspect: false } as const

/**
 * Whether a list has members that are not in its order, as the result of `'a'.match(/a/)` has: JSON leaves them out.
 *
 * The keys of 1,000 numbers cost as much as their JSON text; `inspect` without the members looks at the other keys alone.
 * Should it show a list in another way one day, the closer look decides.
 */
function hasNames(list: readonly unknown[]): boolean {
  if (list.length > KEYS_MAX) return inspect(list, INSPECT_NAMES) !== `[ ... ${list.length} more items ]`
  return Object.keys(list).length !== list.length || Object.getOwnPropertySymbols(list).length > 0
}

import { isBoxedPrimitive, isNativeError } from 'node:util/types'

type Advice = readonly (readonly [method: string | symbol, advice: string])[]

/** Methods of what is not there yet: a promise, a blob, a stream. */
const NOT_THERE_YET: Advice = [
  ['then', ': await it first'],
  ['arrayBuffer', ': store await it.arrayBuffer()'],
  [Symbol.asyncIterator, ', a stream: read it to its end, and store the bytes'],
  ['pipe', ', a stream: read it to its end, and store the bytes'],
  ['getReader', ', a stream: read it to its end, and store the bytes'],
]
/** Of collections that keep their members elsewhere than in fields. */
const COLLECTIONS: Advice = [
  ['entries', ': store Object.fromEntries(it) or [...it], or give a codec'],
  [Symbol.iterator, ': store [...it], or give a codec'],
]

/** Why no codec could store the value as it is now: what it stands for is not there yet. */
export function whyNotYet(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? adviceOn(value, NOT_THERE_YET) : undefined
}

/** Why JSON would lose the contents of an object, if that is known; `undefined`: its own fields are what it has. */
export function whyLost(object: object): string | undefined {
  if (isNativeError(object) || object instanceof Error) {
    return `is ${nameOf(object)}, of which JSON would keep little: store its message`
  }
  if (isBoxedPrimitive(object)) return `is ${nameOf(object)} object: store the plain value`
  return adviceOn(object, NOT_THERE_YET) ?? adviceOn(object, COLLECTIONS)
}

function adviceOn(object: object, table: Advice): string | undefined {
  for (const [method, advice] of table) {
    if (typeof (object as Record<string | symbol, unknown>)[method] !== 'function') continue
    return `is ${nameOf(object)}${advice}`
  }
  return undefined
}

/** `a Map`, `an Intl.Collator`. */
export function nameOf(object: object): string {
  const tag = Object.prototype.toString.call(object).slice('[object '.length, -1)
  const { constructor } = object as { constructor?: unknown }
  const name =
    tag === 'Object' && typeof constructor === 'function' && constructor.name !== '' ? constructor.name : tag
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
}

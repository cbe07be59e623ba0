import { createContext, runInContext } from 'node:vm'
import { InvalidInput } from '@se/core'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import { expect, it } from 'vitest'
import { jsonText } from './json-text.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)
const VALUES = 5_000
const BYTES_MAX = 1_000_000

/** A value with what a reader has to get of it, made together, so that neither is computed from the other. */
interface Made {
  readonly value: unknown
  readonly expected: unknown
}

class Order {
  [name: string]: unknown
}

/**
 * Goal: of any value, either the reader gets what was submitted, or the writer is told where it would be lost [P76].
 * Method: random values out of what JSON keeps, with or without something that it loses at a random place.
 */
it('[P76] gives a value back, or refuses it with the path to what would be lost', () => {
  console.info(`seed ${SEED}`)
  const random = seededRandom(SEED)
  const context = createContext({})
  const counts = { kept: 0, refused: 0 }
  for (let round = 0; round < VALUES; round++) {
    const lost = new Set<unknown>()
    const { value, expected } = make(random, 0, random.chance(0.5) ? 0 : 0.15, lost)
    if (lost.size === 0) {
      counts.kept++
      expect(JSON.parse(jsonText(value, BYTES_MAX))).toStrictEqual(expected)
      continue
    }
    counts.refused++
    const path = refusedPath(value)
    const found: unknown = runInContext(path, Object.assign(context, { value }))
    expect(lost.has(found), `${path} leads to ${String(found)}`).toBe(true)
  }
  expect(Math.min(counts.kept, counts.refused)).toBeGreaterThan(VALUES / 10)
})

function refusedPath(value: unknown): string {
  try {
    jsonText(value, BYTES_MAX)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInput)
    return String((error as InvalidInput).details.path)
  }
  throw new Error('was not refused')
}

/** @param lost what is put in that JSON loses */
function make(random: SeededRandom, depth: number, lossiness: number, lost: Set<unknown>): Made {
  if (random.chance(lossiness)) {
    const value = random.pick(LOSSY)()
    lost.add(value)
    return { value, expected: undefined }
  }
  if (depth > 4 || random.chance(0.3)) return random.pick(LEAVES)(random)
  const parts = Array.from({ length: random.pick([0, 1, 2, 3, 5, random.chance(0.1) ? 60 : 4]) }, () =>
    make(random, depth + 1, lossiness, lost),
  )
  if (random.chance(0.4)) {
    return { value: parts.map((part) => part.value), expected: parts.map((part) => part.expected) }
  }
  return makeObject(random, parts)
}

function makeObject(random: SeededRandom, parts: readonly Made[]): Made {
  const isInstance = parts.length > 0 && random.chance(0.2)
  const value = isInstance ? new Order() : random.chance(0.1) ? (Object.create(null) as object) : {}
  const expected = {}
  for (const [index, part] of parts.entries()) {
    const name = random.chance(0.8) ? `field${index}` : `${random.pick(ODD_NAMES)}${index}`
    define(value, name, part.value)
    define(expected, name, part.expected)
    if (random.chance(0.1)) define(value, `absent${index}`, undefined)
  }
  if (random.chance(0.03)) {
    const proto = { polluted: false }
    define(value, '__proto__', proto)
    define(expected, '__proto__', proto)
  }
  return { value, expected }
}

function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}

const ODD_NAMES = ['', ' ', 'a b', '"', '1', '-', 'ä', '😀', '\n', 'toString', 'constructor', 'length', ']']

const same = (value: unknown): Made => ({ value, expected: value })
const LEAVES: readonly ((random: SeededRandom) => Made)[] = [
  () => same(null),
  (random) => same(random.chance(0.5)),
  (random) => same(random.below(1_000_000)),
  (random) => same((random.fraction() - 0.5) * 10 ** random.below(300)),
  (random) => same(random.below(2) * 2 ** 53),
  (random) => same(String.fromCharCode(...Array.from(random.bytes(8)), 0xd800 + random.below(0x2000))),
  () => ({ value: -0, expected: 0 }),
  (random) => {
    const date = new Date(random.below(2 ** 31))
    return { value: date, expected: date.toISOString() }
  },
  (random) => {
    const text = `as text ${random.below(9)}`
    return { value: { toJSON: () => text, ignored: new Map() }, expected: text }
  },
]

class Hidden {
  readonly #secret = 1
  get secret() {
    return this.#secret
  }
}
const LOSSY: readonly (() => unknown)[] = [
  () => NaN,
  () => -Infinity,
  () => 5n,
  () => Symbol.iterator,
  () => () => {},
  () => new Map([[1, 1]]),
  () => new Set(),
  () => new WeakSet(),
  () => Promise.resolve(),
  () => /x/g,
  () => new Error('x'),
  () => new Hidden(),
  () => new Date(NaN),
  () => new Uint16Array(2),
  () => Buffer.from('x'),
  () => new SharedArrayBuffer(1),
  () => new DataView(new ArrayBuffer(1)),
  () => new Blob([]),
  () => new URLSearchParams('a'),
  () => Object(1) as unknown,
  () => Object('text') as unknown,
  () => new Intl.Collator(),
]

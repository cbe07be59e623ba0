import type { SeededRandom } from '@se/core/testing'

/** A value with what a reader has to get of it, made together, so that neither is computed from the other. */
export interface Made {
  readonly value: unknown
  readonly expected: unknown
}

class Order {
  [name: string]: unknown
}

/**
 * A random value out of what JSON keeps, with or without something that it loses at random places.
 *
 * @param lossiness chance of each member to be something that JSON loses
 * @param lost is told of each
 */
export function makeValue(random: SeededRandom, lossiness: number, lost: Set<unknown>, depth = 0): Made {
  if (random.chance(lossiness)) {
    const value = random.pick(LOSSY)()
    lost.add(value)
    return { value, expected: undefined }
  }
  if (depth > 4 || random.chance(0.3)) return random.pick(LEAVES)(random)
  const parts = Array.from({ length: random.pick([0, 1, 2, 3, 5, random.chance(0.1) ? 60 : 4]) }, () =>
    makeValue(random, lossiness, lost, depth + 1),
  )
  if (random.chance(0.4)) {
    return { value: parts.map((part) => part.value), expected: parts.map((part) => part.expected) }
  }
  return makeObject(random, parts)
}

function makePlain(random: SeededRandom): object {
  return random.chance(0.1) ? (Object.create(null) as object) : {}
}

function makeObject(random: SeededRandom, parts: readonly Made[]): Made {
  const value = parts.length > 0 && random.chance(0.2) ? new Order() : makePlain(random)
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

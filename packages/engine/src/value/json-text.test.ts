/**
 * Goal: what JSON would lose is refused with its path [P76], and what JSON keeps is not.
 * Method: a table of each. `details.path` is an expression of JavaScript, so it can be asked whether it leads anywhere.
 */
import { Readable, Writable } from 'node:stream'
import { runInNewContext } from 'node:vm'
import { InvalidInput } from '@se/core'
import { describe, expect, it } from 'vitest'
import { DEPTH_MAX, jsonText } from './json-text.ts'

const BYTES_MAX = 1_000_000

function refusal(value: unknown, bytesMax = BYTES_MAX): InvalidInput {
  try {
    jsonText(value, bytesMax)
  } catch (error) {
    if (error instanceof InvalidInput) return error
    throw error
  }
  throw new Error('was not refused')
}

class Secret {
  readonly #number = 42
  get number() {
    return this.#number
  }
}
class Point {
  x = 1
  y: number | undefined = undefined
  get sum() {
    return this.x
  }
}
const thrower = {
  get bad() {
    throw new RangeError('no')
  },
}
const sparse = [1, 2, 3]
delete sparse[1]
const named = Object.assign(['a'], { index: 0 })
const longNamed = Object.assign(new Array(100).fill(0), { 'meta data': 1 })
const revoked = Proxy.revocable({}, {})
revoked.revoke()
const cycle: { list: unknown[] } = { list: [] }
cycle.list.push({ back: cycle })
const pollutedPrototype = Object.create({ inherited: 1 }) as { own: number }
pollutedPrototype.own = 1

describe('jsonText', () => {
  it.each<[string, unknown, string, string]>([
    [
      'a Map',
      { m: new Map([[1, 2]]) },
      'value.m',
      'is a Map: store Object.fromEntries(it) or [...it], or give a codec',
    ],
    [
      'a Set',
      [new Set([1])],
      'value[0]',
      'is a Set: store Object.fromEntries(it) or [...it], or give a codec',
    ],
    ['a Promise', { user: Promise.resolve(1) }, 'value.user', 'is a Promise: await it first'],
    ['a Blob', { file: new Blob(['x']) }, 'value.file', 'is a Blob: store await it.arrayBuffer()'],
    ['a Response', new Response('x'), 'value', 'is a Response: store await it.arrayBuffer()'],
    [
      'a stream of Node',
      { s: Readable.from(['x']) },
      'value.s',
      'is a Readable, a stream: read it to its end, and store the bytes',
    ],
    [
      'a stream to write to',
      { s: new Writable() },
      'value.s',
      'is a Writable, a stream: read it to its end, and store the bytes',
    ],
    [
      'a web stream',
      { s: new ReadableStream() },
      'value.s',
      'is a ReadableStream, a stream: read it to its end, and store the bytes',
    ],
    ['NaN', { users: [{}, {}, {}, { born: NaN }] }, 'value.users[3].born', 'is NaN: JSON would make it null'],
    ['Infinity', [1, -Infinity], 'value[1]', 'is -Infinity: JSON would make it null'],
    ['undefined', undefined, 'value', 'is undefined: store null, or delete the id'],
    ['undefined in a list', { a: [1, undefined] }, 'value.a[1]', 'is undefined: JSON would make it null'],
    ['a hole', { a: sparse }, 'value.a[1]', 'is a hole: JSON would make it null'],
    ['a function', { f() {} }, 'value.f', 'is a function, which JSON does not have'],
    ['a class', [Secret], 'value[0]', 'is a function, which JSON does not have'],
    ['a symbol', { s: Symbol('x') }, 'value.s', 'is a symbol, which JSON does not have'],
    [
      'a symbol as a name',
      { a: { [Symbol('x')]: 1 } },
      'value.a[Symbol(x)]',
      'is under a symbol: JSON would leave it out',
    ],
    ['a BigInt', { n: 1n }, 'value.n', 'is a BigInt, which JSON does not have: store it as a string'],
    ['a BigInt alone', 1n, 'value', 'is a BigInt, which JSON does not have: store it as a string'],
    ['an invalid Date', { at: new Date(NaN) }, 'value.at', 'is an invalid Date: JSON would make it null'],
    [
      'an error',
      { e: new TypeError('x') },
      'value.e',
      'is an Error, of which JSON would keep little: store its message',
    ],
    [
      'an error with a code',
      Object.assign(new Error('x'), { code: 'E' }),
      'value',
      'is an Error, of which JSON would keep little: store its message',
    ],
    [
      'a RegExp',
      { re: /x/ },
      'value.re',
      'is a RegExp without fields of its own: JSON would make it {}; give it a toJSON',
    ],
    [
      'private fields',
      { s: new Secret() },
      'value.s',
      'is a Secret without fields of its own: JSON would make it {}; give it a toJSON',
    ],
    [
      'a WeakMap',
      { w: new WeakMap() },
      'value.w',
      'is a WeakMap without fields of its own: JSON would make it {}; give it a toJSON',
    ],
    [
      'a formatter',
      { f: new Intl.NumberFormat() },
      'value.f',
      'is an Intl.NumberFormat without fields of its own: JSON would make it {}; give it a toJSON',
    ],
    [
      'a query',
      new URLSearchParams('a=1'),
      'value',
      'is an URLSearchParams: store Object.fromEntries(it) or [...it], or give a codec',
    ],
    [
      'headers',
      { h: new Headers() },
      'value.h',
      'is a Headers: store Object.fromEntries(it) or [...it], or give a codec',
    ],
    ['a generator', { g: (function* () {})() }, 'value.g', 'is a Generator: store [...it], or give a codec'],
    [
      'arguments',
      { a: runInNewContext('(function () { return arguments })(1)') },
      'value.a',
      'is an Arguments: store [...it], or give a codec',
    ],
    ['a boxed number', { n: Object(1) }, 'value.n', 'is a Number object: store the plain value'],
    ['a boxed string', [Object('x')], 'value[0]', 'is a String object: store the plain value'],
    [
      'bytes within',
      { avatar: new Uint8Array(2) },
      'value.avatar',
      'is bytes: store bytes as the value itself, or as text (base64) within JSON',
    ],
    [
      'a Buffer within',
      { avatar: Buffer.from('x') },
      'value.avatar',
      'is bytes: store bytes as the value itself, or as text (base64) within JSON',
    ],
    [
      'an ArrayBuffer within',
      [new ArrayBuffer(2)],
      'value[0]',
      'is bytes: store bytes as the value itself, or as text (base64) within JSON',
    ],
    [
      'a DataView within',
      { d: new DataView(new ArrayBuffer(2)) },
      'value.d',
      'is bytes: store bytes as the value itself, or as text (base64) within JSON',
    ],
    [
      'names on a list',
      { match: named },
      'value.match.index',
      'is not in the order of its list: JSON would leave it out',
    ],
    [
      'the result of a match',
      'abc'.match(/b/),
      'value.index',
      'is not in the order of its list: JSON would leave it out',
    ],
    [
      'names on a long list',
      longNamed,
      'value["meta data"]',
      'is not in the order of its list: JSON would leave it out',
    ],
    ['a getter that throws', { a: thrower }, 'value.a.bad', 'cannot be read: RangeError'],
    ['a revoked proxy', { p: revoked.proxy }, 'value.p', 'cannot be read: TypeError'],
    [
      'a proxy of a Map',
      { p: new Proxy(new Map(), {}) },
      'value.p',
      'is a Map: store Object.fromEntries(it) or [...it], or give a codec',
    ],
    [
      'a toJSON that throws',
      {
        t: {
          toJSON() {
            throw new Error('x')
          },
        },
      },
      'value.t',
      'cannot be read: Error',
    ],
    ['a toJSON that gives nothing', { t: { toJSON() {} } }, 'value.t', 'has a toJSON that gives undefined'],
    [
      'a toJSON that gives what JSON loses',
      [{ toJSON: () => ({ n: NaN }) }],
      'value[0].n',
      'is NaN: JSON would make it null',
    ],
    ['a cycle', cycle, 'value.list[0].back', 'contains itself: it is value'],
    [
      'inherited data',
      { o: pollutedPrototype },
      'value.o.inherited',
      'is inherited: JSON would leave it out',
    ],
  ])('refuses %s', (_, value, path, what) => {
    const error = refusal(value)
    expect(error.message).toBe(`value: ${path} ${what}`)
    expect(error.field).toBe('value')
    expect(error.details.path).toBe(path)
  })

  it.each<[string, unknown, unknown?]>([
    ['null', null],
    ['text', 'ä\u2028\u0000"'],
    ['an unpaired surrogate, which JSON escapes', ['\ud800x']],
    ['numbers', [0, 1.5, -1e300, 5e-324, Number.MAX_SAFE_INTEGER]],
    ['nothing in many ways', [{}, [], '', null, false, 0]],
    ['members that are undefined, left out', { a: 1, b: undefined }, { a: 1 }],
    ['-0, as 0', [-0], [0]],
    ['a Date, as its text', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['a URL, as its text', { u: new URL('http://a.example/') }, { u: 'http://a.example/' }],
    ['an instance of a class, as its own fields', { p: new Point() }, { p: { x: 1 } }],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), { a: 1 }],
    ['an object of another realm', runInNewContext('({ a: [1, {}] })'), { a: [1, {}] }],
    ['a name that is special', JSON.parse('{ "__proto__": { "a": 1 }, "constructor": 2, "then": 3 }')],
    [
      'and next to what needs a closer look',
      [new Point(), JSON.parse('{ "__proto__": { "a": 1 } }')],
      [{ x: 1 }, JSON.parse('{ "__proto__": { "a": 1 } }')],
    ],
    ['a proxy of an object', new Proxy({ a: [1] }, {}), { a: [1] }],
    ['a proxy of a list', new Proxy([1, 2], {}), [1, 2]],
    ['a toJSON with the name it is under', { a: { toJSON: (name: string) => `is ${name}` } }, { a: 'is a' }],
    [
      'the same object twice',
      [new Point(), new Point()].map((point) => [point, point]),
      [1, 2].map(() => [{ x: 1 }, { x: 1 }]),
    ],
    ['a long list', Array.from({ length: 5_000 }, (_, index) => index)],
    ['a hidden field, left out', Object.defineProperty({ a: 1 }, '__ob__', { value: () => {} }), { a: 1 }],
  ])('keeps %s', (_, value, expected = value) => {
    const text = jsonText(value, BYTES_MAX)
    expect(JSON.parse(text)).toStrictEqual(expected)
    expect(text).toBe(JSON.stringify(value))
  })

  it('keeps a BigInt for whoever has said how', () => {
    const prototype = BigInt.prototype as { toJSON?: () => string }
    prototype.toJSON = function (this: bigint) {
      return `${this}n`
    }
    try {
      expect(jsonText({ n: 5n }, BYTES_MAX)).toBe('{"n":"5n"}')
    } finally {
      delete prototype.toJSON
    }
  })

  it('asks getters and toJSON once where it takes a closer look, so what was looked at is what is stored', () => {
    let asked = 0
    const value = {
      point: new Point(),
      get changing() {
        return ++asked === 1 ? 'first' : NaN
      },
    }
    // The quick look ends at the point.
    expect(JSON.parse(jsonText(value, BYTES_MAX))).toEqual({ point: { x: 1 }, changing: 'first' })
  })

  it('has a limit of depth, and cuts a long path in its message', () => {
    const nested = (depth: number) => {
      let value: unknown = 1
      for (let level = 0; level < depth; level++) value = { a: value }
      return value
    }
    expect(JSON.parse(jsonText(nested(DEPTH_MAX), BYTES_MAX))).toEqual(nested(DEPTH_MAX))
    for (const depth of [DEPTH_MAX + 1, 100_000]) {
      const error = refusal(nested(depth))
      expect(error.message).toContain(`is nested more than ${DEPTH_MAX} deep`)
      expect(error.details.path).toMatch(/^value(\.a){10} … (\.a){10}$/)
    }
  })

  it('does not write what cannot fit, also if it is small in memory', () => {
    let value: unknown = [1, 1]
    for (let doubling = 0; doubling < 60; doubling++) value = [value, value]
    expect(refusal(value, 1_000).message).toMatch(/has more than 1000 members/)
    expect(refusal(new Array(1_001).fill(0), 1_000).message).toMatch(/has more than 1000 members/)
  })
})

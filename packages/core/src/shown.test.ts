import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { INSPECT, inspectAs, showBytes, toPlain, type Inspector } from './shown.ts'

/** Goal: nobody has to guess what an object holds from its JSON or the console. Method: each kind of value that either loses. */

class Shown {
  [INSPECT](depth: number | null, options: object, inspector: Inspector): string {
    return inspectAs('Shown', { size: 2, inner: { deep: { deeper: {} } } }, depth, options, inspector)
  }

  readonly hidden = new Map([['a', 1n]])
}

describe('what objects show [P77]', () => {
  it('on the console: their fields under their name, as deep as asked', () => {
    expect(inspect(new Shown())).toBe('Shown { size: 2, inner: { deep: { deeper: {} } } }')
    expect(inspect({ a: { b: { c: new Shown() } } })).toContain('[Shown]')
    expect(inspect(new Shown(), { depth: 0 })).toBe('Shown { size: 2, inner: [Object] }')
  })

  it('in JSON: nothing is lost that JSON alone would lose or refuse', () => {
    const value = {
      sum: 2n ** 63n,
      map: new Map<unknown, unknown>([['redis', new Map([[1, 2n]])]]),
      set: new Set(['a']),
      bytes: Uint8Array.of(1, 2, 255),
      error: new TypeError('no'),
      date: new Date(0),
      list: [1, null, undefined, 'x'],
    }
    expect(JSON.parse(JSON.stringify(toPlain(value)))).toEqual({
      sum: '9223372036854775808',
      map: { redis: { 1: '2' } },
      set: ['a'],
      bytes: { length: 3, base64: 'AQL/' },
      error: { name: 'TypeError', message: 'no' },
      date: '1970-01-01T00:00:00.000Z',
      list: [1, null, null, 'x'],
    })
  })

  it('a value that contains itself ends', () => {
    const loop: { self?: unknown } = {}
    loop.self = loop
    expect(JSON.stringify(toPlain(loop))).toContain('…')
  })

  it('bytes of any length', () => {
    const bytes = new Uint8Array(100_000).map((_, index) => index)
    expect(Buffer.from(showBytes(bytes).base64, 'base64').equals(bytes)).toBe(true)
  })
})

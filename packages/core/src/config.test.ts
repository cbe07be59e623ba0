import { describe, expect, it } from 'vitest'
import { boolean, integer, number, oneOf, onlyFields, string } from './config.ts'

describe('configuration fields', () => {
  const limits = { default: 5, min: 1, max: 9 }

  it('take their default when absent', () => {
    expect(integer('a.b', undefined, limits)).toBe(5)
    expect(number('a.b', undefined, limits)).toBe(5)
    expect(boolean('a', undefined, true)).toBe(true)
    expect(oneOf('a', undefined, ['x', 'y'], 'y')).toBe('y')
    expect(string('a', undefined, 'x')).toBe('x')
  })

  it('refuse wrong values with the name of the field and the limits', () => {
    for (const value of [0, 10, 1.5, Number.NaN, '3' as unknown as number]) {
      expect(() => integer('flush.itemsMax', value, limits)).toThrow(
        /flush\.itemsMax: must be an integer from 1 to 9/,
      )
    }
    expect(() => number('a', Number.NaN, limits)).toThrow(/a: must be a number/)
    expect(() => oneOf('level', 'z' as 'x', ['x', 'y'], 'x')).toThrow(/level: must be one of x, y/)
    expect(() => string('directory', undefined)).toThrow(/directory: must be a non-empty string/)
    expect(() => string('directory', '')).toThrow(/directory: must be a non-empty string, not an empty one/)
    expect(() => boolean('a', 1 as unknown as boolean, true)).toThrow(/a: must be true or false/)
  })

  it('do not print a string that stands in the wrong field, because it may be a password', () => {
    expect(() => integer('port', 'hunter2' as unknown as number, limits)).toThrow(/not a string$/)
  })

  it('are refused when nobody reads them', () => {
    expect(() => onlyFields('flush', { itemMax: 1 }, ['itemsMax'])).toThrow(/flush\.itemMax: is not a field/)
  })

  it('are refused when what should hold them is no object', () => {
    for (const value of [undefined, null, 5, 'hunter2']) {
      expect(() => onlyFields('', value as unknown as object, ['url'])).toThrow(/^options: must be an object/)
      expect(() => onlyFields('flush', value as unknown as object, [])).toThrow(/^flush: must be an object/)
    }
  })
})

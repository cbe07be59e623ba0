import { describe, expect, it } from 'vitest'
import { bytesOf } from './bytes.ts'

const buffer = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15).buffer
const shared = new SharedArrayBuffer(4)
new Uint8Array(shared).set([9, 8, 7, 6])
const growable = new SharedArrayBuffer(2, { maxByteLength: 8 })
const resizable = new ArrayBuffer(4, { maxByteLength: 16 })

describe('bytesOf', () => {
  it.each<[string, unknown, number[]]>([
    ['a Buffer', Buffer.from(buffer, 1, 3), [1, 2, 3]],
    ['a Uint8Array', new Uint8Array(buffer, 2, 2), [2, 3]],
    ['a Uint8ClampedArray', new Uint8ClampedArray(buffer, 14), [14, 15]],
    ['an Int8Array', new Int8Array(buffer, 0, 1), [0]],
    ['a Uint16Array', new Uint16Array(buffer, 2, 2), [2, 3, 4, 5]],
    ['an Int32Array', new Int32Array(buffer, 12), [12, 13, 14, 15]],
    ['a Float32Array', new Float32Array(buffer, 4, 1), [4, 5, 6, 7]],
    ['a Float64Array', new Float64Array(buffer, 8), [8, 9, 10, 11, 12, 13, 14, 15]],
    ['a BigUint64Array', new BigUint64Array(buffer, 0, 1), [0, 1, 2, 3, 4, 5, 6, 7]],
    ['a DataView', new DataView(buffer, 3, 2), [3, 4]],
    ['an ArrayBuffer', buffer.slice(0, 3), [0, 1, 2]],
    ['a SharedArrayBuffer', shared, [9, 8, 7, 6]],
    ['a view of a SharedArrayBuffer', new Uint8Array(shared, 1, 2), [8, 7]],
    ['a growable one', growable, [0, 0]],
    ['a resizable one', resizable, [0, 0, 0, 0]],
    ['a view that follows a resizable one', new Uint8Array(resizable, 2), [0, 0]],
    ['nothing at all', new Float64Array(0), []],
    ['nothing at all, as a view', new DataView(new ArrayBuffer(0)), []],
    ['nothing at all, as a buffer', new ArrayBuffer(0), []],
  ])('takes %s for the bytes it shows [P76]', (_, value, bytes) => {
    expect([...bytesOf(value)!]).toEqual(bytes)
  })

  it('does not grow with the buffer that it was taken of [P75]', () => {
    const grown = new SharedArrayBuffer(2, { maxByteLength: 8 })
    const bytes = bytesOf(grown)!
    grown.grow(8)
    expect(bytes.length).toBe(2)
  })

  it.each([
    [1, 2],
    'text',
    { length: 1, 0: 1 },
    null,
    undefined,
    7,
    new Map(),
    new Proxy(new Uint8Array(1), {}),
  ])('leaves %j to the codec', (value) => {
    expect(bytesOf(value)).toBeUndefined()
  })

  const transferred = () => {
    const given = new ArrayBuffer(8)
    const views = [
      given,
      new Uint8Array(given),
      new Uint32Array(given),
      new DataView(given),
      Buffer.from(given),
    ]
    structuredClone(given, { transfer: [given] })
    return views
  }
  const cutOff = () => {
    const given = new ArrayBuffer(16, { maxByteLength: 16 })
    const views = [new Uint8Array(given, 8, 8), new Float64Array(given, 8), new DataView(given, 8, 8)]
    given.resize(4)
    return views
  }

  it.each([...transferred(), ...cutOff()].map((view) => [view.constructor.name, view]))(
    'refuses a %s whose bytes are gone, which would be stored as nothing [P76]',
    (_, view) => {
      expect(() => bytesOf(view)).toThrow(
        expect.objectContaining({ code: 'SE_INVALID_INPUT', field: 'value' }),
      )
    },
  )
})

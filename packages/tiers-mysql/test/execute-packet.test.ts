// Goal: the packet is the driver's, byte by byte. Method: the driver's own encoder is asked for the same values.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '@se/core/testing'
import type { SqlValue } from '../src/item-row.ts'
import { encodeExecute } from '../src/mysql/execute-packet.ts'
import { seed } from './contract-harness.ts'

const require = createRequire(import.meta.url)
/** The driver shows no way to its inside; a test may take one. */
const inside = (path: string) => require(join(dirname(require.resolve('mysql2')), 'lib', path)) as unknown

const Execute = inside('packets/execute.js') as new (
  id: number,
  parameters: readonly unknown[],
  charset: number,
  timezone: string,
  attributes: undefined,
  flags: number,
) => { toPacket(): { readonly buffer: Buffer } }
const { types } = inside('packets/typed_parameter.js') as {
  types: { LONGLONG: (value: number) => unknown }
}
const UTF8MB4_BIN = 46
const QUERY_ATTRIBUTES = 2 ** 27

function byDriver(id: number, values: readonly SqlValue[], hasAttributes: boolean): Buffer {
  const typed = values.map((value) => (Number.isSafeInteger(value) ? types.LONGLONG(value as number) : value))
  return new Execute(id, typed, UTF8MB4_BIN, 'Z', undefined, hasAttributes ? QUERY_ATTRIBUTES : 0).toPacket()
    .buffer
}

function expectSame(id: number, values: readonly SqlValue[]): void {
  for (const hasAttributes of [false, true]) {
    const [ours, theirs] = [encodeExecute(id, values, hasAttributes)!, byDriver(id, values, hasAttributes)]
    // The space in front is filled in when the packet is sent.
    expect(ours.subarray(4).equals(theirs.subarray(4)), JSON.stringify(values).slice(0, 200)).toBe(true)
  }
}

const LENGTHS = [0, 1, 83, 84, 250, 251, 252, 255, 256, 65_535, 65_536, 2 ** 24 - 1, 2 ** 24]

describe('an execution is encoded as the driver does it', () => {
  it.each<[string, readonly SqlValue[]]>([
    ['nothing', []],
    ['null', [null]],
    ['eight values, then nine', Array.from({ length: 8 }, () => null)],
    ['nine values', Array.from({ length: 9 }, (_, index) => (index % 2 === 0 ? null : index))],
    ['whole numbers', [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1]],
    ['other numbers', [0.5, -0.25, 1e300, Number.NaN, Infinity, 2 ** 53]],
    ['texts of all planes', ['', 'a', 'é', '\uffff', '\u{1f600}', 'x\u{1f600}y'.repeat(40)]],
    ['bytes', [Buffer.alloc(0), Buffer.from([0, 255]), Buffer.alloc(16, 7)]],
  ])('%s', (_title, values) => expectSame(2 ** 32 - 1, values))

  it.each(LENGTHS)('texts and bytes of %i bytes, and 251 values', (length) => {
    expectSame(7, ['x'.repeat(length), Buffer.alloc(length, 1), null, length])
    if (length < 300) expectSame(7, ['é'.repeat(length), ...Array.from({ length: 251 }, () => 1)])
  })

  it('whatever the values', () => {
    const random = seededRandom(seed)
    const kinds: readonly (() => SqlValue)[] = [
      () => null,
      () => random.below(2 ** 31) * random.below(2 ** 22) - random.below(2 ** 31),
      () => random.fraction(),
      () => random.pick(['x', 'é', '\u{1f600}']).repeat(random.below(300)),
      () => Buffer.alloc(random.below(300), random.below(256)),
    ]
    for (let round = 0; round < 300; round++) {
      const values = Array.from({ length: random.below(100) }, () => random.pick(kinds)())
      expectSame(random.below(2 ** 31), values)
    }
  })

  it.each([true, new Date(0), { a: 1 }, new Uint8Array(1), undefined, 1n])(
    '%s is left to the driver',
    (value) => {
      expect(encodeExecute(1, [1, value as unknown as SqlValue], false)).toBeUndefined()
    },
  )
})

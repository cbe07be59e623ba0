import { describe, expect, it } from 'vitest'
import { putU32, putU48, putU64, toHex, u32At, u48At, u64At } from './bytes.ts'
import { seededRandom } from './testing/index.ts'

/** Goal: the bytes are what the formats draw. Method: a table of edges, and DataView, which has the same numbers by another way. */

const BYTES = 12
const AT = 3

function written(put: (target: Uint8Array, at: number, value: number) => void, value: number): Uint8Array {
  const target = new Uint8Array(BYTES).fill(0xaa)
  put(target, AT, value)
  return target
}

function around(bytes: readonly number[]): Uint8Array {
  const expected = new Uint8Array(BYTES).fill(0xaa)
  expected.set(bytes, AT)
  return expected
}

// prettier-ignore
const EDGES: readonly [string, typeof putU32, typeof u32At, number, readonly number[]][] = [
  ['u32', putU32, u32At, 0,                       [0, 0, 0, 0]],
  ['u32', putU32, u32At, 0x01020304,              [1, 2, 3, 4]],
  ['u32', putU32, u32At, 0x80000000,              [0x80, 0, 0, 0]],
  ['u32', putU32, u32At, 2 ** 32 - 1,             [255, 255, 255, 255]],
  ['u48', putU48, u48At, 0,                       [0, 0, 0, 0, 0, 0]],
  ['u48', putU48, u48At, 2 ** 32 - 1,             [0, 0, 255, 255, 255, 255]],
  ['u48', putU48, u48At, 2 ** 32,                 [0, 1, 0, 0, 0, 0]],
  ['u48', putU48, u48At, 0x010203040506,          [1, 2, 3, 4, 5, 6]],
  ['u48', putU48, u48At, 2 ** 48 - 1,             [255, 255, 255, 255, 255, 255]],
  ['u64', putU64, u64At, 0,                       [0, 0, 0, 0, 0, 0, 0, 0]],
  ['u64', putU64, u64At, 2 ** 31,                 [0, 0, 0, 0, 0x80, 0, 0, 0]],
  ['u64', putU64, u64At, 2 ** 32 + 1,             [0, 0, 0, 1, 0, 0, 0, 1]],
  ['u64', putU64, u64At, Number.MAX_SAFE_INTEGER, [0, 0x1f, 255, 255, 255, 255, 255, 255]],
]

describe('big-endian numbers', () => {
  it.each(EDGES)('%s: row %#', (_, put, at, value, bytes) => {
    const target = written(put, value)
    expect(target).toEqual(around(bytes))
    expect(at(target, AT)).toBe(value)
  })

  it('takes more than a u32 mod 2^32, as a typed array does', () => {
    expect(written(putU32, 2 ** 32 + 7)).toEqual(written(putU32, 7))
    expect(written(putU32, -1)).toEqual(written(putU32, 2 ** 32 - 1))
  })

  it('agrees with DataView, and byte order is the order of the numbers', () => {
    const random = seededRandom(Number(process.env.SE_SEED ?? Date.now() % 2 ** 32))
    console.log(`seed ${random.seed} (repeat with SE_SEED=${random.seed})`)
    const values = Array.from({ length: 500 }, () => Math.floor(random.fraction() * 2 ** random.below(54)))
    for (const value of values) {
      const bytes = written(putU64, value)
      const view = new DataView(bytes.buffer)
      expect(Number(view.getBigUint64(AT))).toBe(value)
      expect(u64At(bytes, AT)).toBe(value)
    }
    const byBytes = values.toSorted((a, b) => Buffer.compare(written(putU64, a), written(putU64, b)))
    expect(byBytes).toEqual(values.toSorted((a, b) => a - b))
  })
})

it('bytes as text have two lower-case digits each, as Node writes them', () => {
  expect(toHex(new Uint8Array())).toBe('')
  expect(toHex(Uint8Array.of(0, 1, 15, 16, 171, 255))).toBe('00010f10abff')
  const bytes = seededRandom(4).bytes(300)
  expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
})

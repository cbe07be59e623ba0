/**
 * Goal: no two rows share an encoding, and nothing but the row and the key decides a digest. Method: random
 * rows made of few letters, so that fields collide whenever boundaries are not kept; both SHA-256s.
 */
import { createHash } from 'node:crypto'
import { InvalidInput } from '@se/core'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import { createRowDigester, DIGEST_BYTES, type DigestedRow } from '../src/index.ts'
import { describe, expect, it, vi } from 'vitest'
import { createRowEncoder } from '../src/row-digest.ts'
import * as node from '../src/sha256.node.ts'
import * as portable from '../src/sha256.ts'
import { testSeed } from './seed.ts'

const KEY = Uint8Array.from({ length: 16 }, (_, index) => index * 3)
const ROW: DigestedRow = {
  id: 'user.alice',
  stamp: { time: 3_686_400_000_000_001, instance: 7 },
  state: 'default',
  contentType: 'application/json',
  bytes: new TextEncoder().encode('{"name":"Alice"}'),
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('row digest', () => {
  const random = seededRandom(testSeed('row digest'))

  it('gives different rows different encodings, none the beginning of another [P36]', () => {
    const encoder = createRowEncoder(undefined)
    const rowByEncoding = new Map<string, string>()
    for (let round = 0; round < 6_000; round++) {
      const row = crowdedRow(random)
      const encoding = hex(encoder.encode(row))
      const text = JSON.stringify({ ...row, bytes: hex(row.bytes) })
      expect(rowByEncoding.get(encoding) ?? text).toBe(text)
      rowByEncoding.set(encoding, text)
    }
    expect(rowByEncoding.size).toBeGreaterThan(1_000)
    const sorted = [...rowByEncoding.keys()].sort()
    for (let index = 1; index < sorted.length; index++) {
      expect(sorted[index]!.startsWith(sorted[index - 1]!)).toBe(false)
    }
  })

  it('changes with each field, and with the key', () => {
    const digests = [
      ROW,
      { ...ROW, id: 'user.alicf' },
      { ...ROW, stamp: { ...ROW.stamp, time: ROW.stamp.time + 1 } },
      { ...ROW, stamp: { ...ROW.stamp, time: ROW.stamp.time + 2 ** 32 } },
      { ...ROW, stamp: { ...ROW.stamp, instance: 8 } },
      { ...ROW, state: 'defaulu' },
      { ...ROW, contentType: 'application/jsom' },
      { ...ROW, bytes: new TextEncoder().encode('{"name":"alice"}') },
    ].flatMap((row) => [undefined, KEY, KEY.map((byte) => byte + 1)].map((key) => digestOf(row, key)))
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('digests the value as bytes: JSON of equal meaning and other form is another value [P35]', () => {
    const forms = ['{"a":1,"b":2}', '{"b":2,"a":1}', '{"a": 1,"b":2}', '{"a":1.0,"b":2}']
    const digests = forms.map((form) => digestOf({ ...ROW, bytes: new TextEncoder().encode(form) }, KEY))
    expect(new Set(digests).size).toBe(forms.length)
  })

  it('is the first 16 bytes of SHA-256 of the encoding, in Node and in the portable form', () => {
    for (let round = 0; round < 150; round++) {
      const row = { ...crowdedRow(random), bytes: random.bytes(random.below(300)) }
      const encoding = createRowEncoder(KEY).encode(row)
      const whole = createHash('sha256').update(encoding).digest('hex')
      const expected = whole.slice(0, 32)
      for (const { sha256, digestInto } of [node, portable]) {
        expect(hex(createRowDigester(KEY, { sha256 }).digest(row))).toBe(expected)
        const digest = new Uint8Array(2 + 2 * random.below(16))
        digestInto(encoding, digest)
        expect(hex(digest)).toBe(whole.slice(0, digest.length * 2))
      }
      expect(digestOf(row, KEY)).toBe(expected)
    }
  })

  it('is made of the SHA-256 that is given', () => {
    const given = String.fromCharCode(...Array.from({ length: 32 }, (_, index) => 255 - index))
    const asked: string[] = []
    const sha256 = (bytes: Uint8Array) => {
      asked.push(hex(bytes))
      return given
    }
    expect(hex(createRowDigester(KEY, { sha256 }).digest(ROW))).toBe('fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0')
    expect(asked).toEqual([hex(createRowEncoder(KEY).encode(ROW))])
  })

  it('is the same on a Node older than 20.12, which has no `crypto.hash`', async () => {
    vi.resetModules()
    vi.doMock('node:crypto', async (original) => ({ ...(await original<object>()), hash: undefined }))
    const { sha256, digestInto } = await import('../src/sha256.node.ts')
    vi.doUnmock('node:crypto')
    expect(digestInto).not.toBe(node.digestInto)
    for (let length = 0; length < 200; length += 7) {
      const bytes = random.bytes(length)
      expect(sha256(bytes)).toBe(portable.sha256(bytes))
      const digest = new Uint8Array(DIGEST_BYTES)
      digestInto(bytes, digest)
      expect(hex(digest)).toBe(createHash('sha256').update(bytes).digest('hex').slice(0, 32))
    }
  })

  it('hands out digests that later ones do not change', () => {
    const digester = createRowDigester(KEY)
    const first = digester.digest(ROW)
    const before = hex(first)
    for (let round = 0; round < 100; round++) digester.digest({ ...ROW, id: `other.${round}` })
    expect(first.length).toBe(DIGEST_BYTES)
    expect(hex(first)).toBe(before)
  })

  it('does not depend on what one digester took before: lengths up and down', () => {
    const digester = createRowDigester(KEY)
    for (let round = 0; round < 120; round++) {
      const length = random.pick([0, 1, 100, 1_500, 2_048, 5_000, 64_000, 66_000, 140_000])
      const row = { ...ROW, id: `x.${round}`, bytes: random.bytes(length) }
      expect(hex(digester.digest(row))).toBe(digestOf(row, KEY))
    }
  })

  it('does not change when the caller changes the key afterwards', () => {
    const key = KEY.slice()
    const digester = createRowDigester(key)
    key.fill(0)
    expect(hex(digester.digest(ROW))).toBe(digestOf(ROW, KEY))
  })

  it.each([
    ['id', { id: 'x'.repeat(256) }, /id: .*255/],
    ['id of many bytes', { id: 'é'.repeat(128) }, /id: has 256 bytes of UTF-8, the limit is 255/],
    ['state', { state: 'x'.repeat(256) }, /state: .*255/],
    ['content type', { contentType: 'x'.repeat(256) }, /contentType: .*255/],
    ['unpaired surrogate', { id: 'a\ud800b' }, /id: .*surrogate/],
    ['unpaired surrogate beyond the limit', { id: '\udc00'.repeat(300) }, /id: .*surrogate/],
    ['negative time', { stamp: { time: -1, instance: 1 } }, /stamp/],
    ['fractional time', { stamp: { time: 0.5, instance: 1 } }, /stamp/],
    ['unsafe time', { stamp: { time: 2 ** 53, instance: 1 } }, /stamp/],
    ['no time', { stamp: { time: Number.NaN, instance: 1 } }, /stamp/],
    ['wide instance', { stamp: { time: 1, instance: 2 ** 32 } }, /stamp/],
    ['fractional instance', { stamp: { time: 1, instance: 1.5 } }, /stamp/],
    // Whatever is not bytes would be taken for zeros, or for the low bytes of its elements: equal digests of different values.
    ['text for a value', { bytes: 'ab' as unknown as Uint8Array }, /^bytes: must be a Uint8Array/],
    [
      'wider elements for a value',
      { bytes: Uint16Array.of(257) as unknown as Uint8Array },
      /^bytes: must be/,
    ],
    ['a list for a value', { bytes: [1, 2] as unknown as Uint8Array }, /^bytes: must be a Uint8Array/],
    ['a buffer for a value', { bytes: new ArrayBuffer(2) as unknown as Uint8Array }, /^bytes: must be/],
    ['no value', { bytes: null as unknown as Uint8Array }, /^bytes: must be a Uint8Array/],
    ['a number for an id', { id: 5 as unknown as string }, /^id: must be a string/],
    ['no state', { state: null as unknown as string }, /^state: must be a string/],
    ['no content type', { contentType: undefined as unknown as string }, /^contentType: must be a string/],
  ])('refuses what it cannot encode: %s', (_, change, message) => {
    const digester = createRowDigester(undefined)
    const attempt = () => digester.digest({ ...ROW, ...change })
    expect(attempt).toThrow(InvalidInput)
    expect(attempt).toThrow(message)
    expect(hex(digester.digest(ROW))).toBe(digestOf(ROW, undefined))
  })

  it.each([0, 1, 15, 33, 64])('refuses a key of %i bytes', (length) => {
    const attempt = () => createRowDigester(new Uint8Array(length))
    expect(attempt).toThrow(InvalidInput)
    expect(attempt).toThrow(/^key: .*16 to 32/)
  })

  it.each([
    ['text, which would be sixteen zeros', 'a secret of text'],
    ['a list', Array.from({ length: 16 }, () => 1)],
    ['wider elements', new Uint16Array(16).fill(257)],
    ['nothing where undefined is meant', null],
  ])('refuses a key that is no Uint8Array: %s', (_, key) => {
    const attempt = () => createRowDigester(key as unknown as Uint8Array)
    expect(attempt).toThrow(InvalidInput)
    expect(attempt).toThrow(/^key: must be a Uint8Array/)
  })

  it('reads a value that is a part of a larger buffer, and a Buffer', () => {
    const around = new Uint8Array(100).fill(9)
    around.set(ROW.bytes, 7)
    const part = around.subarray(7, 7 + ROW.bytes.length)
    expect(digestOf({ ...ROW, bytes: part }, KEY)).toBe(digestOf(ROW, KEY))
    expect(digestOf({ ...ROW, bytes: Buffer.from(part) }, KEY)).toBe(digestOf(ROW, KEY))
    const key = new Uint8Array(50)
    key.set(KEY, 3)
    expect(digestOf(ROW, key.subarray(3, 3 + KEY.length))).toBe(digestOf(ROW, KEY))
  })
})

function digestOf(row: DigestedRow, key: Uint8Array | undefined): string {
  return hex(createRowDigester(key).digest(row))
}

/** Rows of the letters a and \u0001, whose lengths look like letters and the other way round. */
function crowdedRow(random: SeededRandom): DigestedRow {
  const text = () =>
    Array.from({ length: random.below(3) }, () => random.pick(['a', '\u0001', '\u0000'])).join('')
  return {
    id: text(),
    stamp: { time: random.below(2), instance: random.below(2) },
    state: text(),
    contentType: text(),
    bytes: new TextEncoder().encode(text()),
  }
}

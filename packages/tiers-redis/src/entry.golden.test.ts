import { describe, expect, it } from 'vitest'
import {
  decodeEntry,
  encodeEntry,
  encodeTexts,
  entryBytes,
  isEntry,
  isIntact,
  type EntryFields,
} from './entry.ts'

const EPOCH = Buffer.from('0102030405060708', 'hex')
const ID_HASH = 0xfedcba98

function encode(fields: EntryFields): Buffer {
  const bytes = Buffer.alloc(entryBytes(fields))
  expect(encodeEntry(fields, EPOCH, ID_HASH, bytes, 0)).toBe(bytes.length)
  return bytes
}

const spelledOut: EntryFields = {
  stamp: { time: Number.MAX_SAFE_INTEGER, instance: 0xfffffffe },
  version: 258,
  createdAtMs: 0x010203040506,
  updatedAtMs: 2 ** 42 - 1,
  texts: encodeTexts('text/plain', 'héllo'),
  bytes: Uint8Array.of(0, 255, 1),
}

/** Goal: the bytes are those drawn in docs/formats/redis.md, and nothing else passes for an entry. */
describe('entry', () => {
  it('has the bytes that the format page draws', () => {
    expect(encode(spelledOut).toString('hex').match(/../g)!.join(' ')).toBe(
      [
        'e2 00', // format, flags
        '01 02 03 04 05 06 07 08', // epoch
        '00 1f ff ff ff ff ff ff ff ff ff fe', // stamp
        '00 00 01 02', // version
        '01 02 03 04 05 06', // created
        '03 ff ff ff ff ff', // updated
        '0a 06', // lengths
        '74 65 78 74 2f 70 6c 61 69 6e', // text/plain
        '68 c3 a9 6c 6c 6f', // héllo
        '00 ff 01',
        'f1 7e 88 68', // checksum, begun with the hash of the id
      ].join(' '),
    )
  })

  it.each([
    ['application/json', 'default', 5],
    ['application/octet-stream', 'default', 6],
    ['application/json', 'open', 1],
    ['application/octet-stream', '', 2],
    ['text/plain', 'default', 4],
    ['', '', 0],
  ])('says %j and %j with flags %i', (contentType, state, flags) => {
    const bytes = encode({ ...spelledOut, texts: encodeTexts(contentType, state) })
    expect(bytes[1]).toBe(flags)
    expect(decodeEntry('a', bytes)).toMatchObject({ contentType, state })
  })

  it('comes back as it went in [R7]', () => {
    expect(decodeEntry('an id', encode(spelledOut))).toEqual({
      id: 'an id',
      stamp: spelledOut.stamp,
      version: 258,
      createdAtMs: 0x010203040506,
      updatedAtMs: 2 ** 42 - 1,
      contentType: 'text/plain',
      state: 'héllo',
      bytes: Buffer.from([0, 255, 1]),
    })
  })

  it('keeps no view of what it was decoded from', () => {
    const bytes = encode(spelledOut)
    const item = decodeEntry('a', bytes)
    bytes.fill(0)
    expect([...item.bytes]).toEqual([0, 255, 1])
  })

  it('is refused when it ends early, has another format or a flag nobody knows', () => {
    const bytes = encode({ ...spelledOut, bytes: new Uint8Array(0) })
    for (let length = 0; length < bytes.length; length++)
      expect(isEntry(bytes.subarray(0, length))).toBe(false)
    expect(isEntry(bytes)).toBe(true)
    for (const [at, value] of [
      [0, 0xe1],
      [0, 0x7b],
      [1, 8],
      [1, 0x80],
    ] as const) {
      const other = Buffer.from(bytes)
      other[at] = value
      expect(isEntry(other)).toBe(false)
    }
  })

  it('with any bit changed, or under the key of another id, is not what was put [P86]', () => {
    for (const value of [new Uint8Array(0), Uint8Array.of(0, 255, 1), new Uint8Array(700).fill(9)]) {
      const bytes = encode({ ...spelledOut, bytes: value })
      expect(isIntact(bytes, ID_HASH)).toBe(true)
      expect(isIntact(bytes, ID_HASH + 1)).toBe(false)
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = Buffer.from(bytes)
        damaged[bit >>> 3]! ^= 1 << (bit & 7)
        if (isIntact(damaged, ID_HASH)) expect.unreachable(`bit ${bit} of ${bytes.length} bytes`)
      }
      for (let length = 44; length < bytes.length; length++) {
        if (isIntact(bytes.subarray(0, length), ID_HASH)) expect.unreachable(`length ${length}`)
      }
    }
  })
})

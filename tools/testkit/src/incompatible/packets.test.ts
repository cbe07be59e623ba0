// Goal: packets are found in any stream, and what is made of them is what a driver reads.
import { describe, expect, test } from 'vitest'
import { seededRandom } from '@se/core/testing'
import { seed } from '../seed.ts'
import {
  encodePacket,
  errorPayload,
  longestValueBytes,
  PacketReader,
  readPrepared,
  rewriteGreeting,
} from './packets.ts'

const MIB = 2 ** 20

describe('packets of a stream', () => {
  const payloads = [0, 1, 3, 4, 250, 70_000].map((length) => Buffer.alloc(length, length % 251))

  test('come back however the stream was split or joined', () => {
    const random = seededRandom(seed())
    const stream = Buffer.concat(payloads.map((payload, index) => encodePacket(payload, index)))
    for (let round = 0; round < 50; round++) {
      const reader = new PacketReader()
      const found = []
      for (let at = 0; at < stream.length;) {
        const bytes = 1 + random.below(random.pick([1, 4, 100, 80_000]))
        found.push(...reader.push(stream.subarray(at, at + bytes)))
        at += bytes
      }
      expect(found.map(({ sequence }) => sequence)).toEqual(payloads.map((_, index) => index))
      for (const [index, { payload }] of found.entries()) expect(payload.equals(payloads[index]!)).toBe(true)
    }
  })

  test.each([16 * MIB - 2, 16 * MIB - 1, 16 * MIB, 32 * MIB - 2, 33 * MIB])(
    'of %i bytes are sent in parts, the last of which is shorter',
    (bytes) => {
      const payload = Buffer.alloc(bytes, 7)
      payload[bytes - 1] = 1
      const stream = encodePacket(payload, 254)
      const partCount = Math.floor(bytes / (16 * MIB - 1)) + 1
      expect(stream.length).toBe(bytes + 4 * partCount)
      const reader = new PacketReader()
      expect(reader.push(stream.subarray(0, 9 * MIB))).toEqual([])
      const [packet, ...others] = [
        ...reader.push(stream.subarray(9 * MIB)),
        ...reader.push(encodePacket(Buffer.from('next'), 0)),
      ]
      expect(packet).toMatchObject({ sequence: 254, lastSequence: (254 + partCount - 1) % 256 })
      expect(packet!.payload.equals(payload)).toBe(true)
      expect(others.map(({ payload: next }) => String(next))).toEqual(['next'])
    },
  )
})

describe('packets of the server', () => {
  test('an error has its number, state and text', () => {
    const payload = errorPayload({ errno: 9007, sqlState: 'HY000', text: 'Write conflict' })
    expect(payload.toString('latin1')).toBe('\xff\x2f\x23#HY000Write conflict')
  })

  test('a greeting gets another version, and offers neither compression nor TLS nor lists without an end', () => {
    const after = Buffer.from([
      0,
      1,
      2,
      3,
      4,
      ...Buffer.from('salt1234'),
      0,
      0xff,
      0xff,
      33,
      2,
      0,
      0xff,
      0xff,
    ])
    const greeting = Buffer.concat([Buffer.from('\x0a10.11.6-MariaDB'), after])
    const changed = rewriteGreeting(greeting, '8.0.11-TiDB-v8.5.0')
    const flagsAt = after.length - 7
    const expected = Buffer.from(after)
    expected.writeUInt16LE(0xffff - 0x20 - 0x800, flagsAt)
    expected.writeUInt16LE(0xffff - 0x100, flagsAt + 5)
    expect(changed.equals(Buffer.concat([Buffer.from('\x0a8.0.11-TiDB-v8.5.0'), expected]))).toBe(true)
    const refusal = errorPayload({ errno: 1040, sqlState: '08004', text: 'Too many connections' })
    expect(rewriteGreeting(refusal, 'x')).toBe(refusal)
  })

  test('what was prepared has a number and a count of values; an error has none', () => {
    expect(readPrepared(Buffer.from([0, 5, 1, 0, 0, 2, 0, 3, 1, 0, 0, 0]))).toEqual({
      id: 261,
      columnCount: 2,
      parameterCount: 259,
    })
    expect(readPrepared(errorPayload({ errno: 1064, sqlState: '42000', text: 'no' }))).toBeUndefined()
  })
})

describe('the longest value of an execution', () => {
  const head = Buffer.from([0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0])
  const long = (bytes: number) => {
    const length = Buffer.alloc(4)
    length[0] = 0xfd
    length.writeUIntLE(bytes, 1, 3)
    return Buffer.concat([length, Buffer.alloc(bytes)])
  }

  test('is found behind numbers, nulls and times', () => {
    const types = [8, 6, 5, 253, 252, 12, 252].flatMap((type) => [type, 0])
    const payload = Buffer.concat([
      head,
      Buffer.from([0b10, 1, ...types]),
      Buffer.alloc(16),
      Buffer.from([2, 65, 66]),
      long(70_000),
      Buffer.from([4, 0, 0, 0, 0]),
      Buffer.from([0xfc, 44, 1]),
      Buffer.alloc(300),
    ])
    expect(longestValueBytes(payload, 7)).toBe(70_000)
  })

  test('is nothing without values, and all of an execution that cannot be read', () => {
    expect(longestValueBytes(head, 0)).toBe(0)
    expect(longestValueBytes(Buffer.concat([head, Buffer.from([0, 0]), Buffer.alloc(50)]), 1)).toBe(62)
  })
})

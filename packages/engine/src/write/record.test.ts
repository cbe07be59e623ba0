import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '@se/core/testing'
import { decodeRecord, encodeRecord } from './record.ts'

const stamp = { time: 3_686_400_000_000_123, instance: 7 }

describe('log record', () => {
  it('gives back what went in: JSON text, binary, nothing, a delete [R7, P5]', () => {
    const values = [
      '{"name":"Ålice","n":12345678901234567890}',
      Buffer.from([0, 255, 0, 128]),
      '',
      new Uint8Array(0),
      undefined,
    ]
    for (const value of values) {
      const { record, write } = encodeRecord({
        id: 'user.é',
        stamp,
        state: 'ok',
        contentType: 'text/plain',
        value,
      })
      const decoded = decodeRecord(record)
      expect({ ...decoded, bytes: decoded.bytes && Buffer.from(decoded.bytes) }).toEqual({
        id: 'user.é',
        stamp,
        state: 'ok',
        contentType: 'text/plain',
        bytes: value === undefined ? undefined : Buffer.from(value as string),
      })
      expect(write.bytes === undefined).toBe(value === undefined)
    }
  })

  it('copies binary values, so that the caller may reuse its buffer', () => {
    const buffer = Buffer.from('before')
    const { write } = encodeRecord({ id: 'a', stamp, state: '', contentType: '', value: buffer })
    buffer.fill('x')
    expect(Buffer.from(write.bytes!).toString()).toBe('before')
  })

  it('has the bytes of its format page', () => {
    const { record } = encodeRecord({
      id: 'id',
      stamp: { time: 2 ** 53 - 1, instance: 5 },
      state: 's',
      contentType: 'c',
      value: 'v',
    })
    expect(Buffer.from(record).toString('hex')).toBe(
      '0100' + '001fffffffffffff' + '00000005' + '020101' + '6964' + '73' + '63' + '76',
    )
  })

  it('refuses every truncation of a delete and of a head, and unknown formats and kinds', () => {
    const { record } = encodeRecord({
      id: 'user.alice',
      stamp,
      state: 'st',
      contentType: 'ct',
      value: undefined,
    })
    const refusal = expect.objectContaining({ code: 'SE_CORRUPT_DATA' })
    for (let length = 0; length < record.length; length++) {
      expect(() => decodeRecord(record.subarray(0, length))).toThrow(refusal)
    }
    expect(() => decodeRecord(Buffer.concat([record, Buffer.from('x')]))).toThrow(refusal)
    for (const [at, value] of [
      [0, 2],
      [1, 2],
      [14, 0],
    ] as const) {
      const changed = Buffer.from(record)
      changed[at] = value
      expect(() => decodeRecord(changed)).toThrow(refusal)
    }
  })

  it('never throws anything else on random bytes', () => {
    const random = seededRandom(Number(process.env.SE_SEED ?? Date.now() % 2 ** 32))
    console.log(`seed ${random.seed} (repeat with SE_SEED=${random.seed})`)
    for (let round = 0; round < 5_000; round++) {
      const bytes = random.bytes(random.below(60))
      if (random.chance(0.9)) bytes.set([1, random.below(2)].slice(0, bytes.length))
      try {
        const write = decodeRecord(bytes)
        expect(write.id.length).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toMatchObject({ code: 'SE_CORRUPT_DATA' })
      }
    }
  })
})

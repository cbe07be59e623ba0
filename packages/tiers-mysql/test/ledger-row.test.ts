import { describe, expect, it } from 'vitest'
import { compareIds, randomHex, type LedgerEntry, type LedgerRow } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { decodeLedgerRow, encodeLedgerRow, type LedgerColumns } from '../src/index.ts'
import { kindNumber } from '../src/ledger-row.ts'
import { seed } from './contract-harness.ts'

function columnsOf(row: LedgerRow, entries: Uint8Array = encodeLedgerRow(row)): LedgerColumns {
  const { instance, sequence, link, committedAtMs } = row
  return { instance, sequence, link, kind: kindNumber(row.kind), committed_at: committedAtMs, entries }
}

const digest = (byte: number) => new Uint8Array(16).fill(byte)

const sample: LedgerRow = {
  instance: 3,
  sequence: 2 ** 40 + 7,
  link: '00c0ffee12345678',
  kind: 'batch',
  committedAtMs: 1_800_000_000_000,
  entries: [
    {
      id: 'a',
      stamp: { time: 5, instance: 3 },
      previousStamp: undefined,
      digest: digest(1),
      previousDigest: undefined,
    },
    {
      id: 'ü',
      stamp: { time: 2 ** 52 + 1, instance: 2 ** 32 - 1 },
      previousStamp: { time: 4, instance: 1 },
      digest: undefined,
      previousDigest: digest(2),
    },
  ],
}

describe('ledger row', () => {
  it('has the bytes that docs/formats/ledger-row.md draws', () => {
    const bytes = Buffer.from(encodeLedgerRow(sample))
    const crc = bytes.subarray(-4).toString('hex')
    expect(bytes.toString('hex')).toBe(
      [
        '02 00 00000003 0000010000000007 000001a3185c5000 00c0ffee12345678 00000002',
        '02 01 61 0000000000000005 00000003 01010101010101010101010101010101',
        '05 02 c3bc 0010000000000001 ffffffff 0000000000000004 00000001 02020202020202020202020202020202',
        crc,
      ]
        .join('')
        .replaceAll(' ', ''),
    )
    // Computed by zlib of Python 3 over the bytes above.
    expect(crc).toBe('77d5cc06')
  })

  it('comes back as it was, whatever is in it', () => {
    const random = seededRandom(seed)
    for (let round = 0; round < 200; round++) {
      const stamp = () => ({ time: random.below(2 ** 52), instance: 1 + random.below(2 ** 32 - 1) })
      const maybe = <T>(value: T) => (random.chance(0.5) ? value : undefined)
      const entries = Array.from({ length: random.below(20) }, (_, index): LedgerEntry => ({
        id: `${'é'.repeat(random.below(120))}${index}`,
        stamp: stamp(),
        previousStamp: maybe(stamp()),
        digest: maybe(random.bytes(16)),
        previousDigest: maybe(random.bytes(16)),
      }))
      entries.sort((a, b) => compareIds(a.id, b.id))
      const row: LedgerRow = {
        instance: 1 + random.below(100),
        sequence: 1 + random.below(2 ** 50),
        link: randomHex(random, 8),
        kind: random.pick(['batch', 'correction']),
        committedAtMs: random.below(2 ** 42),
        entries,
      }
      expect(decodeLedgerRow(columnsOf(row))).toEqual(row)
    }
  })

  it('a retirement comes back as it was, and its bytes are as safe [P94]', () => {
    const row: LedgerRow = {
      ...sample,
      kind: 'retirement',
      entries: [],
      retired: [
        { instance: 1, sequence: 2 ** 50, link: 'fedcba9876543210' },
        { instance: 2 ** 32 - 1, sequence: 0, link: '0000000000000000' },
      ],
    }
    expect(decodeLedgerRow(columnsOf(row))).toEqual(row)
    const bytes = encodeLedgerRow(row)
    expect(bytes.subarray(34, -4).toString('hex')).toBe(
      '00000001' + '0004000000000000' + 'fedcba9876543210' + 'ffffffff' + '0000000000000000' + '0'.repeat(16),
    )
    const corrupt = expect.objectContaining({ code: 'SE_CORRUPT_DATA' })
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => decodeLedgerRow(columnsOf(row, flipped)), `bit ${bit}`).toThrow(corrupt)
    }
    expect(() => encodeLedgerRow({ ...row, kind: 'batch' })).toThrow('a retirement has retired instances')
    expect(() => encodeLedgerRow({ ...row, retired: [] })).toThrow('a retirement has retired instances')
  })

  it('any flipped bit, missing or additional byte is corrupt', () => {
    const bytes = encodeLedgerRow(sample)
    const corrupt = expect.objectContaining({ code: 'SE_CORRUPT_DATA' })
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => decodeLedgerRow(columnsOf(sample, flipped)), `bit ${bit}`).toThrow(corrupt)
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeLedgerRow(columnsOf(sample, bytes.subarray(0, length)))).toThrow(corrupt)
    }
    expect(() => decodeLedgerRow(columnsOf(sample, Buffer.concat([bytes, Buffer.of(0)])))).toThrow(corrupt)
  })

  it('a row whose bytes are those of another row is corrupt', () => {
    const corrupt = expect.objectContaining({ code: 'SE_CORRUPT_DATA' })
    const columns = columnsOf(sample)
    for (const other of [
      { instance: 4 },
      { sequence: 8 },
      { link: '0'.repeat(16) },
      { kind: 1 },
      { committed_at: 1 },
    ]) {
      expect(() => decodeLedgerRow({ ...columns, ...other })).toThrow(corrupt)
    }
  })
})

/** Goal: a meta is read whole or not at all: what is missing or damaged is no meta, and is made anew [P86]. */
import { encodeCut } from '@se/core'
import { cutAt } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { leafName } from './keys.ts'
import { KnownCuts } from './mark.ts'
import { decodeMeta, encodeBounds, encodeLeaves, ENTRY_BYTES_UNTOLD } from './meta.ts'

const EPOCH = Buffer.from('0102030405060708', 'hex')
const REVISION = Buffer.from('00000000000000ff', 'hex')
const CUT = cutAt('a'.repeat(32), [[1, 7]])
const text = Buffer.from(encodeCut(CUT))
const decode = (...fields: readonly (Buffer | null)[]) => decodeMeta(5, fields, new KnownCuts())

describe('decodeMeta', () => {
  it('gives the state of the stripe', () => {
    expect(decode(EPOCH, text, REVISION, null)).toEqual({
      state: { stripe: 5, cut: CUT, epoch: EPOCH.toString('hex') },
      revision: REVISION.toString('hex'),
      entryBytesMax: ENTRY_BYTES_UNTOLD,
    })
  })

  it.each([
    ['nothing', [null, null, null, null]],
    ['no epoch', [null, text, REVISION, null]],
    ['no cut', [EPOCH, null, REVISION, null]],
    ['no revision', [EPOCH, text, null, null]],
    ['an epoch that is too short', [EPOCH.subarray(1), text, REVISION, null]],
    ['a revision that is too long', [EPOCH, text, Buffer.concat([REVISION, REVISION]), null]],
    ['a cut cut short', [EPOCH, text.subarray(0, 20), REVISION, null]],
    ['an empty cut', [EPOCH, Buffer.alloc(0), REVISION, null]],
    ['bytes for a cut', [EPOCH, Buffer.from([0xff, 0xfe, 0]), REVISION, null]],
  ] as const)('takes %s for no meta', (_, fields) => {
    expect(decode(...fields)).toBeUndefined()
  })

  it.each([
    ['', ENTRY_BYTES_UNTOLD],
    ['1', ENTRY_BYTES_UNTOLD],
    [String(ENTRY_BYTES_UNTOLD + 1), ENTRY_BYTES_UNTOLD + 1],
    ['no number', ENTRY_BYTES_UNTOLD],
    ['Infinity', ENTRY_BYTES_UNTOLD],
  ])('reads the largest entry from "%s"', (bytesMax, expected) => {
    expect(decode(EPOCH, text, REVISION, Buffer.from(bytesMax))?.entryBytesMax).toBe(expected)
  })
})

it('writes bounds as the script reads them: a field of seven bytes, a stamp of twelve', () => {
  const bound = { time: 1, instance: 2 }
  const bytes = encodeBounds([
    { id: 'a', branch: 1, bucket: 0x0203, bound },
    { id: 'b', branch: 0, bucket: 0xffff, bound },
  ])
  expect(bytes.toString('latin1')).toBe(
    `t010203${'\0'.repeat(7)}\x01\0\0\0\x02` + `t00ffff${'\0'.repeat(7)}\x01\0\0\0\x02`,
  )
})

it('writes leaves by name and sums, and refuses sums of another length', () => {
  const leaf = { branch: 1, bucket: 2, sums: Buffer.alloc(28, 7) }
  expect(encodeLeaves([leaf], leafName)).toEqual(Buffer.concat([Buffer.from('010002'), leaf.sums]))
  expect(() => encodeLeaves([{ ...leaf, sums: Buffer.alloc(27) }], leafName)).toThrow('28 bytes')
})

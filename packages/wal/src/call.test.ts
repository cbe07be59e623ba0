import { describe, expect, it } from 'vitest'
import { payloadBytesOf, whyTooLarge, type Records } from './call.ts'
import { payloadBytesMaxOf } from './format.ts'
import { completeLimits } from './limits.ts'

/** Goal: what is no record is refused by name, and what can never be written by its figures. Method: tables of edges. */

const SEGMENT_BYTES = 4096
const LIMITS = completeLimits({
  segmentBytes: SEGMENT_BYTES,
  recordsMax: 500,
  groupBytesMax: 4096,
  spareSegmentsMax: 1,
  bytesMax: undefined,
  ageMsMax: undefined,
})
/** Longest payload of one record. */
const MAX = payloadBytesMaxOf(SEGMENT_BYTES)

describe('payloadBytesOf', () => {
  it.each<[string, Records, number]>([
    ['a record', new Uint8Array(5), 5],
    ['an empty record', new Uint8Array(0), 0],
    ['several records', [new Uint8Array(5), new Uint8Array(0), Buffer.alloc(2)], 7],
  ])('counts %s', (_, records, bytes) => {
    expect(payloadBytesOf(records)).toBe(bytes)
  })

  it.each<[string, unknown]>([
    ['a text', 'text'],
    ['nothing', undefined],
    ['no records', []],
    ['a text among records', [new Uint8Array(1), 'text']],
    ['something like an array', { length: 1, 0: new Uint8Array(1) }],
    ['another kind of view', new Uint16Array(1)],
  ])('refuses %s by the name of the field', (_, records) => {
    const refusal = expect.objectContaining({ code: 'SE_INVALID_INPUT', field: 'records' })
    expect(() => payloadBytesOf(records as Records)).toThrow(refusal)
  })
})

describe('whyTooLarge', () => {
  // prettier-ignore
  it.each([
    ['the longest record',                 1,   MAX,       false],
    ['a byte more',                        1,   MAX + 1,   true],
    ['two records, 4 bytes for the second', 2,  MAX - 4,   false],
    ['two records, a byte more',           2,   MAX - 3,   true],
    ['as many records as may be held',     500, 0,         false],
    ['one record more',                    501, 0,         true],
  ])('%s', (_, recordCount, payloadBytes, isTooLarge) => {
    const error = whyTooLarge(recordCount, payloadBytes, LIMITS)
    if (!isTooLarge) return expect(error).toBeUndefined()
    expect(error).toMatchObject({
      code: 'SE_LOG_RECORD_TOO_LARGE',
      details: { count: recordCount, payloadBytes, payloadBytesMax: MAX, recordsMax: 500 },
    })
    expect(error!.message).toContain(recordCount > 500 ? '500' : `${MAX - (recordCount - 1) * 4} bytes`)
  })
})

import { describe, expect, it } from 'vitest'
import { Bounds, type BoundsPorts } from './bounds.ts'
import { groupBytesOf } from './format.ts'

/** Goal: each bound refuses at its figure and not before, and the message has the figures. Method: a table; what is held is given. */

interface Held {
  readonly records?: number
  readonly bytes?: number
  readonly heldBytes?: number
  readonly queuedRecords?: number
  readonly queuedBytes?: number
  readonly oldestMs?: number
  readonly isDiskFull?: boolean
}

const NOW_MS = 100_000
const LIMITS = { recordsMax: 10, bytesMax: 10_000, ageMsMax: 1_000 }
const RECORD_BYTES = groupBytesOf(1, 100)

function boundsOf(held: Held, limits: BoundsPorts['limits'] = LIMITS): Bounds {
  return new Bounds({
    limits,
    clock: { nowMs: () => NOW_MS },
    progress: { recordCount: held.records ?? 0, bytes: held.bytes ?? 0, oldestMs: held.oldestMs },
    sealed: { heldBytes: held.heldBytes ?? 0 },
    supply: { isDiskFull: held.isDiskFull ?? false },
    queue: { recordCount: held.queuedRecords ?? 0, bytes: held.queuedBytes ?? 0 },
  })
}

describe('Bounds', () => {
  // prettier-ignore
  it.each<[string, Held, string | undefined]>([
    ['an empty log',                       {},                                                          undefined],
    ['one record below the bound',         { records: 9 },                                              undefined],
    ['as many records as may be',          { records: 10 },                                             'records'],
    ['queued records count',               { records: 5, queuedRecords: 5 },                            'records'],
    ['bytes that leave just room',         { bytes: 10_000 - RECORD_BYTES },                            undefined],
    ['one byte too many',                  { bytes: 10_001 - RECORD_BYTES },                            'bytes'],
    ['bytes kept though released count',   { bytes: 5_000, heldBytes: 5_001 - RECORD_BYTES },           'bytes'],
    ['queued bytes count',                 { bytes: 5_000, queuedBytes: 5_001 - RECORD_BYTES },         'bytes'],
    ['as old as may be',                   { records: 1, oldestMs: NOW_MS - 1_000 },                    undefined],
    ['a millisecond older',                { records: 1, oldestMs: NOW_MS - 1_001 },                    'age'],
    ['a full disk',                        { isDiskFull: true },                                        'disk'],
    ['everything at once: the disk first', { records: 10, bytes: 20_000, oldestMs: 0, isDiskFull: true }, 'disk'],
    ['records before bytes',               { records: 10, bytes: 20_000, oldestMs: 0 },                 'records'],
    ['bytes before age',                   { bytes: 20_000, oldestMs: 0 },                              'bytes'],
  ])('%s', (_, held, reason) => {
    expect(boundsOf(held).fullReason(1, 100)).toBe(reason)
  })

  it('has no bound on age unless one is given', () => {
    expect(boundsOf({ oldestMs: 0 }, { ...LIMITS, ageMsMax: Infinity }).fullReason(1, 100)).toBeUndefined()
  })

  it.each(['records', 'bytes', 'age', 'disk'] as const)(
    'names the figures of a log that is full by %s',
    (reason) => {
      const error = boundsOf({ records: 7, bytes: 300, heldBytes: 20 }).fullError(reason)
      expect(error).toMatchObject({
        code: 'SE_LOG_FULL',
        details: { reason, records: 7, recordsMax: 10, bytes: 320, bytesMax: 10_000 },
      })
      const said = {
        records: '7 of 10 records',
        bytes: '320 of 10000 bytes',
        age: '1000 ms',
        disk: 'disk is full',
      }
      expect(error.message).toContain(said[reason])
    },
  )
})

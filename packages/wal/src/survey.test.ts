import { describe, expect, it } from 'vitest'
import { encodeSegmentHeader, GROUP_CLOSES_LOG, SEGMENT_HEADER_BYTES } from './format.ts'
import { GroupEncoder } from './group.ts'
import { Surveyor, type Survey } from './survey.ts'

/** Goal: each thing that can be wrong with the files of a log has its finding, and where the good part ends. Method: files made by hand. */

const SEGMENT_BYTES = 4096
const LOG_ID = 'ab'.repeat(16)
const encoder = new GroupEncoder()

interface Written {
  readonly id: number
  readonly bytes: Uint8Array
  readonly nextSequence: number
  readonly crc: number
}

const START: Pick<Written, 'nextSequence' | 'crc'> = { nextSequence: 1, crc: 0 }

function header(id: number, isPrepared: boolean, after = START, logId = LOG_ID): Uint8Array {
  const [firstSequence, previousCrc] = isPrepared ? [0, 0] : [after.nextSequence, after.crc]
  return encodeSegmentHeader({
    segmentId: id,
    segmentBytes: SEGMENT_BYTES,
    logId,
    firstSequence,
    previousCrc,
    isPrepared,
  })
}

function fileOf(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_BYTES)
  bytes.set(Buffer.concat(parts))
  return bytes
}

/** A segment with one group, of so many records. */
function used(
  id: number,
  after = START,
  facts: {
    records?: number
    releasedThrough?: number
    flags?: number
    isPrepared?: boolean
    logId?: string
  } = {},
): Written {
  const { records = 2, releasedThrough = 0, flags = 0, isPrepared = false, logId = LOG_ID } = facts
  const payloads = Array.from({ length: records }, () => Buffer.from('record'))
  const { buffers, crc } = encoder.encode(payloads, records * 6, {
    segmentId: id,
    firstSequence: after.nextSequence,
    durableBytes: 0,
    releasedThrough,
    writtenMs: 0,
    previousCrc: after.crc,
    flags,
  })
  const bytes = fileOf(header(id, isPrepared, after, logId), ...buffers.map((buffer) => buffer.slice()))
  return { id, bytes, nextSequence: after.nextSequence + records, crc }
}

const prepared = (id: number) => ({ id, bytes: fileOf(header(id, true)) })

function survey(...files: readonly Pick<Written, 'id' | 'bytes'>[]): Survey {
  const surveyor = new Surveyor()
  for (const { id, bytes } of files) {
    if (surveyor.findGap(id) !== undefined) break
    surveyor.add(id, bytes)
    if (surveyor.finding !== undefined) break
  }
  return surveyor.finish()
}

/** The file with one bit flipped. */
function flipped(file: Written, offset: number): Written {
  const bytes = file.bytes.slice()
  bytes[offset]! ^= 1
  return { ...file, bytes }
}

const first = used(1)
const second = used(2, first)
const third = used(3, second)

describe('a whole log', () => {
  it('is nothing where there are no segments', () => {
    expect(survey()).toMatchObject({ segments: [], last: undefined, logId: undefined, finding: undefined })
  })

  it('goes on from segment to segment, and ends in the last that was used', () => {
    const found = survey(first, second, third, prepared(4))
    expect(found).toMatchObject({
      logId: LOG_ID,
      finding: undefined,
      segmentEnd: { kind: 'clean' },
      position: { nextSequence: 7, previousCrc: third.crc },
      last: { segmentId: 3, firstSequence: 5, lastSequence: 6, groupCount: 1 },
    })
    expect(found.lastBytes).toBe(third.bytes)
    expect(found.segments.map(({ segmentId }) => segmentId)).toEqual([1, 2, 3, 4])
  })

  it('may begin behind segments whose records were released', () => {
    const found = survey(used(2, first, { releasedThrough: 2 }))
    expect(found).toMatchObject({ finding: undefined, releasedThrough: 2, position: { nextSequence: 5 } })
  })

  it('takes release and end from its last group', () => {
    const closed = used(2, used(1, START, { releasedThrough: 0 }), {
      records: 0,
      releasedThrough: 2,
      flags: GROUP_CLOSES_LOG,
    })
    expect(survey(used(1), closed)).toMatchObject({ finding: undefined, releasedThrough: 2, isClosed: true })
    expect(survey(first)).toMatchObject({ isClosed: false })
  })

  it('goes on in a segment whose first write had only begun, and calls its remains torn', () => {
    const torn = flipped(used(2, first, { isPrepared: true }), SEGMENT_HEADER_BYTES + 100)
    expect(survey(first, torn)).toMatchObject({
      finding: undefined,
      last: { segmentId: 2, groupCount: 0 },
      segmentEnd: { kind: 'torn' },
      position: { nextSequence: 3, offset: SEGMENT_HEADER_BYTES },
    })
  })
})

describe('a finding', () => {
  // prettier-ignore
  it.each<[string, readonly Pick<Written, 'id' | 'bytes'>[], string, number | undefined, object]>([
    ['a segment is missing between two',        [first, third],                                     'SE_LOG_SEGMENT_MISSING', 1, { file: '0000000000000002.wal', lastGoodSequence: 2 }],
    ['the segment before a prepared one',       [prepared(5)],                                      'SE_LOG_SEGMENT_MISSING', undefined, { file: '0000000000000004.wal' }],
    ['a file of something else',                [first, { id: 2, bytes: fileOf(Buffer.from('%PDF')) }], 'SE_LOG_FORMAT_UNKNOWN', 1, { file: '0000000000000002.wal' }],
    ['a segment of another log',                [first, used(2, first, { logId: 'cd'.repeat(16) })], 'SE_LOG_FORMAT_UNKNOWN', 1, { file: '0000000000000002.wal' }],
    ['a damaged header',                        [first, flipped(second, 20)],                       'SE_LOG_DAMAGED', 1, { file: '0000000000000002.wal', offset: 0, lastGoodSequence: 2 }],
    ['the header of another segment',           [first, { id: 2, bytes: third.bytes }],             'SE_LOG_DAMAGED', 1, { file: '0000000000000002.wal', offset: 0 }],
    ['a group damaged before the next segment', [flipped(first, SEGMENT_HEADER_BYTES + 100), second], 'SE_LOG_DAMAGED', 1, { file: '0000000000000001.wal', offset: SEGMENT_HEADER_BYTES, lastGoodSequence: 0 }],
    ['a segment that goes on elsewhere',        [first, used(2, { ...first, nextSequence: 9 })],    'SE_LOG_DAMAGED', 1, { file: '0000000000000001.wal', lastGoodSequence: 2 }],
    ['a file cut short',                        [{ ...first, bytes: first.bytes.subarray(0, 4000) }], 'SE_LOG_DAMAGED', 1, { file: '0000000000000001.wal', offset: 4000 }],
  ])('%s', (_, files, code, segmentId, details) => {
    const { finding } = survey(...files)
    expect(finding).toMatchObject({ segmentId, isFrontMissing: false, error: { code, details } })
  })

  it('says so where the oldest segments are gone and their records were not released', () => {
    expect(survey(second, third).finding).toMatchObject({
      segmentId: undefined,
      isFrontMissing: true,
      error: {
        code: 'SE_LOG_SEGMENT_MISSING',
        details: { file: '0000000000000001.wal', lastGoodSequence: 0 },
      },
    })
  })

  it('is the first one', () => {
    expect(survey(flipped(first, 20), third).finding).toMatchObject({ error: { code: 'SE_LOG_DAMAGED' } })
  })
})

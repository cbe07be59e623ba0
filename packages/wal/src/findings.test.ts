import { describe, expect, it } from 'vitest'
import { bareFrontError, damageError, frontMissingError, gapError, judgeHeader } from './findings.ts'
import { decodeSegmentHeader, encodeSegmentHeader, type HeaderReading } from './format.ts'

/** Goal: each finding names the file that is wrong or missing, and says how far the log is good. Method: each is made once, and read. */

const LOG_ID = 'ab'.repeat(16)
const OTHER_ID = 'cd'.repeat(16)
const FILE = '0000000000000007.wal'

function headerOf(facts: { segmentId?: number; logId?: string } = {}): Uint8Array {
  const { segmentId = 7, logId = LOG_ID } = facts
  return encodeSegmentHeader({
    segmentId,
    segmentBytes: 4096,
    logId,
    firstSequence: 3,
    previousCrc: 5,
    isPrepared: false,
  })
}
const readingOf = (facts?: Parameters<typeof headerOf>[0]) => decodeSegmentHeader(headerOf(facts))

describe('a header is judged', () => {
  it('good, where it is of this log, and of the segment that the name of the file says', () => {
    const good = { kind: 'good', header: { segmentId: 7, logId: LOG_ID } }
    expect(judgeHeader(readingOf(), FILE, 7, LOG_ID)).toMatchObject(good)
  })

  it('good, of any log, where no segment stands before it: that one says which log it is', () => {
    expect(judgeHeader(readingOf({ logId: OTHER_ID }), FILE, 7, undefined).kind).toBe('good')
  })

  // prettier-ignore
  it.each<[string, HeaderReading, string]>([
    ['a file of something else', decodeSegmentHeader(new Uint8Array(4096)),      `${FILE} is no segment of a log`],
    ['a newer format',           { kind: 'newer', version: 9 },                  `${FILE} has format 9, newer than this version reads`],
    ['a segment of another log', readingOf({ logId: OTHER_ID }),                 `${FILE} belongs to another log than the segments before it`],
    // Of another log is said first: whose number it bears does not matter then.
    ['and of another number',    readingOf({ logId: OTHER_ID, segmentId: 8 }),   `${FILE} belongs to another log than the segments before it`],
  ])('unknown, never damaged, where it is not ours to judge: %s', (_, reading, message) => {
    const verdict = judgeHeader(reading, FILE, 7, LOG_ID)
    expect(verdict).toMatchObject({ kind: 'unknown', error: { code: 'SE_LOG_FORMAT_UNKNOWN', message } })
    expect(verdict).toHaveProperty('error.details.file', FILE)
  })

  it('unknown, with the version that is newer', () => {
    const { error } = judgeHeader({ kind: 'newer', version: 9 }, FILE, 7, LOG_ID) as { error: Error }
    expect(error).toMatchObject({ details: { file: FILE, version: 9 } })
  })

  it('damaged, where a bit of it has changed', () => {
    const bytes = headerOf()
    bytes[20]! ^= 1
    expect(judgeHeader(decodeSegmentHeader(bytes), FILE, 7, LOG_ID)).toEqual({
      kind: 'damaged',
      problem: 'the header of the segment is damaged',
    })
  })

  it('damaged, where it is the header of another segment', () => {
    expect(judgeHeader(readingOf({ segmentId: 8 }), FILE, 7, LOG_ID)).toEqual({
      kind: 'damaged',
      problem: 'the header is that of segment 8',
    })
  })
})

describe('a missing segment is named, with the last sequence that is good', () => {
  it('between two: the first one that is not there', () => {
    expect(gapError(3, 6, 40)).toMatchObject({
      code: 'SE_LOG_SEGMENT_MISSING',
      message:
        '0000000000000004.wal is missing: 0000000000000003.wal is there, and so is 0000000000000006.wal',
      details: { file: '0000000000000004.wal', lastGoodSequence: 40 },
    })
  })

  it('before one that was only prepared', () => {
    expect(bareFrontError(5, 12)).toMatchObject({
      code: 'SE_LOG_SEGMENT_MISSING',
      message: '0000000000000004.wal is missing: 0000000000000005.wal was prepared to follow it',
      details: { file: '0000000000000004.wal', lastGoodSequence: 12 },
    })
  })

  it('before the oldest one, with the records that went with it', () => {
    expect(frontMissingError(5, 31, 12)).toMatchObject({
      code: 'SE_LOG_SEGMENT_MISSING',
      message: '0000000000000004.wal is missing: records 13 to 30 were not released',
      details: { file: '0000000000000004.wal', lastGoodSequence: 12 },
    })
  })

  it('and never as segment 0, which no log has', () => {
    expect(frontMissingError(1, 31, 0).details).toMatchObject({ file: '0000000000000001.wal' })
  })
})

describe('damage says where it begins, and what is whole behind it', () => {
  const damage = { file: FILE, offset: 640, problem: 'a checksum differs', lastGoodSequence: 9 }

  it('by the nearest that follows', () => {
    const follows = [{ firstSequence: 11 }, { firstSequence: 20, file: '0000000000000008.wal' }]
    expect(damageError({ ...damage, follows })).toMatchObject({
      code: 'SE_LOG_DAMAGED',
      message: `${FILE} is damaged at byte 640: a checksum differs; what follows goes on at sequence 11`,
      details: { ...damage, follows },
    })
  })

  it('or says that nothing follows', () => {
    const { message } = damageError({ ...damage, follows: [] })
    expect(message).toBe(`${FILE} is damaged at byte 640: a checksum differs; nothing follows`)
  })
})

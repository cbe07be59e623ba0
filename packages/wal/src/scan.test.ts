import { describe, expect, it } from 'vitest'
import { GroupEncoder } from './group.ts'
import { SEGMENT_HEADER_BYTES } from './format.ts'
import { judgeEnd, scanGroups } from './scan.ts'

/** Goal: what each kind of end means. Method: segments put together by hand from encoded groups. */

const SEGMENT = 7
const encoder = new GroupEncoder()

interface Made {
  readonly bytes: Uint8Array
  readonly crc: number
}

function group(
  texts: string[],
  facts: { first: number; previousCrc: number; durableBytes: number; id?: number },
): Made {
  const payloads = texts.map((text) => Buffer.from(text))
  const { buffers, crc } = encoder.encode(
    payloads,
    payloads.reduce((sum, { length }) => sum + length, 0),
    {
      segmentId: facts.id ?? SEGMENT,
      firstSequence: facts.first,
      durableBytes: facts.durableBytes,
      releasedThrough: 0,
      writtenMs: 0,
      previousCrc: facts.previousCrc,
      flags: 0,
    },
  )
  return { bytes: new Uint8Array(Buffer.concat(buffers)), crc }
}

function segment(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(4096)
  bytes.set(Buffer.concat([new Uint8Array(SEGMENT_HEADER_BYTES), ...parts]))
  return bytes
}

const start = { offset: SEGMENT_HEADER_BYTES, nextSequence: 1, previousCrc: 0 }
const scan = (bytes: Uint8Array) => scanGroups(bytes, SEGMENT, start, () => {})

const first = group(['a', 'b'], { first: 1, previousCrc: 0, durableBytes: 0 })
const afterFirst = SEGMENT_HEADER_BYTES + first.bytes.length
const second = group(['c'], { first: 3, previousCrc: first.crc, durableBytes: afterFirst })

describe('scanGroups', () => {
  it('goes on over groups that follow each other', () => {
    expect(scan(segment(first.bytes, second.bytes))).toMatchObject({
      nextSequence: 4,
      previousCrc: second.crc,
    })
  })

  it('stops at a whole group of the right sequence whose chain leads elsewhere', () => {
    const stale = group(['c'], { first: 3, previousCrc: first.crc ^ 1, durableBytes: 0 })
    expect(scan(segment(first.bytes, stale.bytes))).toMatchObject({ offset: afterFirst, nextSequence: 3 })
  })

  it('stops at a group of an earlier use, and at one that skips a sequence', () => {
    const earlier = group(['c'], { first: 3, previousCrc: first.crc, durableBytes: 0, id: SEGMENT - 1 })
    const skipping = group(['d'], { first: 4, previousCrc: first.crc, durableBytes: 0 })
    for (const { bytes } of [earlier, skipping]) {
      expect(scan(segment(first.bytes, bytes))).toMatchObject({ offset: afterFirst })
    }
  })
})

describe('judgeEnd', () => {
  const judge = (...parts: Uint8Array[]) => judgeEnd(segment(first.bytes, ...parts), SEGMENT, afterFirst, 3)

  it('finds an end clean behind which are zeros, or groups of an earlier use', () => {
    const earlier = group(['c'], { first: 900, previousCrc: 0, durableBytes: 4000, id: SEGMENT - 1 })
    expect(judge().kind).toBe('clean')
    expect(judge(earlier.bytes).kind).toBe('clean')
  })

  it('finds an end torn when nobody says that it had been synced', () => {
    expect(judge(second.bytes.subarray(0, 64))).toMatchObject({ kind: 'torn' })
    expect(judge(second.bytes.slice().fill(0, 0, 64))).toMatchObject({ kind: 'torn' })
    const buffered = group(['d'], { first: 4, previousCrc: second.crc, durableBytes: afterFirst })
    expect(judge(second.bytes.slice().fill(0, 70, 90), buffered.bytes).kind).toBe('torn')
  })

  it('finds it damaged when a later group knows that it was synced, and says what follows [P10]', () => {
    const durableBytes = afterFirst + second.bytes.length
    const third = group(['d', 'e'], { first: 4, previousCrc: second.crc, durableBytes })
    expect(judge(second.bytes.slice().fill(0, 70, 90), third.bytes)).toMatchObject({
      kind: 'damaged',
      problem: 'the checksum of the group differs',
      follows: [
        { offset: afterFirst, isWhole: false },
        { offset: durableBytes, firstSequence: 4, recordCount: 2, isWhole: true },
      ],
    })
  })
})

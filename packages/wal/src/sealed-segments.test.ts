import { describe, expect, it } from 'vitest'
import { SealedSegments, type SealedSegment } from './sealed-segments.ts'

/** Goal: a segment goes when nothing keeps it any more, oldest first. Method: each thing that keeps one, alone; time is a number. */

const DELAY_MS = 100
const USED_BYTES = 1000

/** Segments from id 1 on with ten records each: 1 to 10, 11 to 20 … */
function segments(count: number): SealedSegment[] {
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    firstSequence: index * 10 + 1,
    lastSequence: index * 10 + 10,
    segmentBytes: 4096,
    usedBytes: USED_BYTES,
  }))
}

function sealedOf(count: number, delayMs = DELAY_MS): SealedSegments {
  return new SealedSegments(segments(count), delayMs)
}

describe('SealedSegments', () => {
  it('has nothing to free without segments', () => {
    expect(sealedOf(0).judgeOldest(0)).toEqual({ kind: 'keep' })
  })

  it.each([
    ['not released', 0, 0, 'keep'],
    ['all but one record released', 9, 1_000, 'keep'],
    ['released just now', 10, 0, 'later'],
    ['a millisecond before the delay is over', 10, DELAY_MS - 1, 'later'],
    ['when the delay is over', 10, DELAY_MS, 'free'],
    ['more than it has is released', 15, DELAY_MS, 'free'],
  ])('%s', (_, through, nowMs, kind) => {
    const sealed = sealedOf(2)
    sealed.release(through, 0)
    expect(sealed.judgeOldest(nowMs)).toMatchObject({
      kind,
      ...(kind === 'later' ? { delayMs: DELAY_MS - nowMs } : {}),
    })
    expect(sealed.heldCount).toBe(through >= 10 ? 1 : 0)
    expect(sealed.heldBytes).toBe(through >= 10 ? USED_BYTES : 0)
  })

  it('counts the delay from the release that let go of the last record, also if later ones come', () => {
    const sealed = sealedOf(1)
    sealed.release(10, 50)
    sealed.release(10, 90)
    expect(sealed.judgeOldest(149)).toEqual({ kind: 'later', delayMs: 1 })
    expect(sealed.judgeOldest(150).kind).toBe('free')
  })

  it.each([
    ['of the segment itself', 1, 'keep'],
    ['of a later one', 2, 'free'],
  ])('with a reader %s: %s', (_, segmentId, kind) => {
    const sealed = sealedOf(2, 0)
    sealed.release(20, 0)
    const reader = sealed.startReading(segmentId)
    expect(sealed.judgeOldest(0).kind).toBe(kind)
    reader.segmentId = 2
    expect(sealed.judgeOldest(0).kind).toBe('free')
    reader.segmentId = 1
    sealed.stopReading(reader)
    expect(sealed.judgeOldest(0).kind).toBe('free')
  })

  it('gives segments from the oldest on, and their bytes back', () => {
    const sealed = sealedOf(3, 0)
    sealed.release(20, 0)
    expect([sealed.count, sealed.heldCount, sealed.heldBytes]).toEqual([3, 2, 2 * USED_BYTES])
    expect(sealed.takeOldest().id).toBe(1)
    expect(sealed.takeOldest().id).toBe(2)
    expect([sealed.count, sealed.heldCount, sealed.heldBytes]).toEqual([1, 0, 0])
    expect(sealed.oldest?.id).toBe(3)
  })

  it.each([
    [1, 1],
    [10, 1],
    [11, 2],
    [30, 3],
    [31, undefined],
  ])('finds record %i in segment %s', (sequence, id) => {
    expect(sealedOf(3).find(sequence)?.id).toBe(id)
  })

  it('takes a segment without records, which goes with those before it', () => {
    const sealed = sealedOf(1, 0)
    sealed.seal({ id: 2, firstSequence: 11, lastSequence: 10, segmentBytes: 4096, usedBytes: 64 })
    sealed.release(10, 0)
    expect(sealed.heldCount).toBe(2)
    expect(sealed.find(11)).toBeUndefined()
  })

  it('stops at a gap in ids or records, and at freeing what is not released', () => {
    const violation = expect.objectContaining({ code: 'SE_INVARIANT' })
    const [first, second, third] = segments(3)
    expect(() => new SealedSegments([first!, third!], 0)).toThrow(violation)
    expect(() => new SealedSegments([second!, first!], 0)).toThrow(violation)
    expect(() => new SealedSegments([first!, { ...second!, id: 3 }], 0)).toThrow(violation)
    expect(() => new SealedSegments([first!, { ...second!, firstSequence: 12 }], 0)).toThrow(violation)
    expect(() => sealedOf(1).takeOldest()).toThrow(violation)
    expect(() => sealedOf(0).takeOldest()).toThrow(violation)
  })
})

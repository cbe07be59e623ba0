import { describe, expect, it } from 'vitest'
import { Backlog } from './backlog.ts'

/** Goal: bytes and age are right to one entry, and memory stays small. Method: groups whose bytes and times are given. */

const SEGMENT_BYTES = 16_000
/** Of one entry: a sixteenth of the segment. */
const ENTRY_BYTES = 1_000

/** Groups of one record each, a millisecond apart. */
function backlogOf(sizes: readonly number[], stepMs = 1): Backlog {
  const backlog = new Backlog(SEGMENT_BYTES)
  for (const [index, bytes] of sizes.entries()) backlog.add(index + 1, bytes, index * stepMs)
  return backlog
}

describe('Backlog', () => {
  it('holds nothing at first, and nothing once all is released', () => {
    const backlog = backlogOf([])
    expect([backlog.bytes, backlog.oldestMs]).toEqual([0, undefined])
    const full = backlogOf([100, 100])
    full.release(2)
    expect([full.bytes, full.oldestMs]).toEqual([0, undefined])
  })

  // prettier-ignore
  it.each([
    ['groups in one entry go together, with its last',  [400, 400],           1,     1, 800,  0],
    ['a group that does not fit begins another entry',  [400, 400, 400],      1,     2, 400,  2],
    ['a group larger than an entry has one alone',      [100, 5_000, 100],    1,     2, 100,  2],
    ['a group a second later begins another entry',     [100, 100, 100],  1_001,     1, 200,  1_001],
    ['and so does one after the clock went back',       [100, 100, 100], -1_001,     1, 200, -1_001],
    ['a release in the middle of an entry frees none',  [600, 300, 600],      1,     1, 1_500, 0],
  ])('%s', (_, sizes, stepMs, through, bytes, oldestMs) => {
    const backlog = backlogOf(sizes, stepMs)
    expect(backlog.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
    backlog.release(through)
    expect([backlog.bytes, backlog.oldestMs]).toEqual([bytes, oldestMs])
  })

  it('releases over many entries, however often', () => {
    const backlog = backlogOf(Array.from({ length: 5_000 }, () => ENTRY_BYTES))
    for (let through = 1; through <= 5_000; through++) {
      backlog.release(through)
      expect(backlog.bytes).toBe((5_000 - through) * ENTRY_BYTES)
    }
  })

  it('stops at a group that is not behind the one before', () => {
    expect(() => backlogOf([100]).add(1, 100, 0)).toThrow(expect.objectContaining({ code: 'SE_INVARIANT' }))
  })
})

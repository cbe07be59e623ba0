import { describe, expect, it } from 'vitest'
import { REPEAT_MS, Repeats } from './repeats.ts'

/** Goal: a line at first, then one a minute that says how many there were; nothing is counted twice or lost. */
describe('Repeats', () => {
  it('gives the first of a kind a line, and the next one only after a minute, with those between', () => {
    const repeats = new Repeats()
    expect(repeats.happened('a', 1_000)).toEqual({ isFirst: true, count: 1, sinceMs: 0 })
    expect(repeats.happened('a', 1_001)).toBeUndefined()
    expect(repeats.happened('b', 1_002)).toMatchObject({ isFirst: true })
    expect(repeats.happened('a', 1_000 + REPEAT_MS - 1)).toBeUndefined()
    expect(repeats.happened('a', 1_000 + REPEAT_MS)).toEqual({
      isFirst: false,
      count: 3,
      sinceMs: REPEAT_MS,
    })
    // The minute is that of the line, not of the series.
    expect(repeats.happened('a', 1_000 + 2 * REPEAT_MS - 1)).toBeUndefined()
    expect(repeats.happened('a', 1_000 + 2 * REPEAT_MS)).toEqual({
      isFirst: false,
      count: 2,
      sinceMs: 2 * REPEAT_MS,
    })
  })

  it('begins anew after more than a minute of quiet, and tells of those that had no line', () => {
    const repeats = new Repeats()
    repeats.happened('a', 0)
    repeats.happened('a', 10)
    repeats.happened('a', 20)
    expect(repeats.happened('a', 20 + REPEAT_MS + 1)).toEqual({ isFirst: true, count: 3, sinceMs: 0 })
    // Those are told of now.
    expect(repeats.happened('a', 20 + 2 * REPEAT_MS + 1)).toMatchObject({ isFirst: false, count: 1 })
  })

  it('keeps no more kinds in mind than it may: the one that is known longest goes first', () => {
    const repeats = new Repeats()
    for (let kind = 0; kind < 200; kind++) repeats.happened(`kind ${kind}`, 0)
    expect(repeats.happened('kind 0', 1)).toBeUndefined()
    repeats.happened('one more', 1)
    expect(repeats.happened('kind 1', 2)).toBeUndefined()
    expect(repeats.happened('kind 0', 2)).toMatchObject({ isFirst: true })
  })
})

import { describe, expect, it } from 'vitest'
import { Backlog } from './backlog.ts'
import { Progress } from './progress.ts'

/** Goal: what is written, durable and released never gets out of order. Method: a table of steps with the figures after each. */

function newProgress(lastSequence = 0, releasedThrough = 0): Progress {
  const backlog = new Backlog(4096)
  return new Progress({ lastSequence, releasedThrough, isClosed: false, backlog })
}

interface Step {
  readonly wrote?: number
  readonly release?: number
  readonly synced?: true
}

function take(progress: Progress, step: Step): void {
  if (step.release !== undefined) progress.release(step.release)
  if (step.wrote !== undefined) {
    const { releasedThrough } = progress
    progress.wrote({
      recordCount: step.wrote,
      groupBytes: 100,
      writtenMs: 1,
      releasedThrough,
      closesLog: false,
    })
  }
  if (step.synced) progress.synced()
}

describe('Progress', () => {
  // prettier-ignore
  it.each<[string, readonly Step[], readonly [last: number, durable: number, released: number, durableRelease: number]]>([
    ['nothing yet',                            [],                                                        [0, 0, 0, 0]],
    ['written',                                [{ wrote: 3 }],                                            [3, 0, 0, 0]],
    ['written and synced',                     [{ wrote: 3, synced: true }],                              [3, 3, 0, 0]],
    ['written behind what is synced',          [{ wrote: 3, synced: true }, { wrote: 2 }],                [5, 3, 0, 0]],
    ['a release that no group tells of',       [{ wrote: 3, synced: true }, { release: 2, synced: true }], [3, 3, 2, 0]],
    ['a release that a written group tells of', [{ wrote: 3, synced: true }, { release: 2, wrote: 0 }],   [3, 3, 2, 0]],
    ['a release that a durable group tells of', [{ wrote: 3 }, { release: 2, wrote: 0, synced: true }],   [3, 3, 2, 2]],
    ['a release that came behind that group',  [{ wrote: 3 }, { release: 1, wrote: 0, synced: true }, { release: 2 }], [3, 3, 2, 1]],
    ['a lower release than before',            [{ wrote: 3 }, { release: 2 }, { release: 1 }],            [3, 0, 2, 0]],
  ])('%s', (_, steps, figures) => {
    const progress = newProgress()
    for (const step of steps) take(progress, step)
    const { lastSequence, durableSequence, releasedThrough, durableRelease } = progress
    expect([lastSequence, durableSequence, releasedThrough, durableRelease]).toEqual(figures)
    expect(progress.recordCount).toBe(lastSequence - releasedThrough)
  })

  it('takes what recovery found for durable', () => {
    const progress = newProgress(9, 4)
    expect(progress).toMatchObject({
      lastSequence: 9,
      durableSequence: 9,
      releasedThrough: 4,
      durableRelease: 4,
    })
  })

  it('holds bytes and age of what is not released, control groups aside', () => {
    const progress = newProgress()
    expect([progress.bytes, progress.oldestMs]).toEqual([0, undefined])
    for (const [recordCount, writtenMs] of [
      [1, 5_000],
      [0, 6_000],
      [1, 7_000],
    ] as const) {
      progress.wrote({ recordCount, groupBytes: 200, writtenMs, releasedThrough: 0, closesLog: false })
    }
    expect([progress.bytes, progress.oldestMs]).toEqual([400, 5_000])
    expect(progress.release(1)).toBe(1)
    expect([progress.bytes, progress.oldestMs]).toEqual([200, 7_000])
    expect(progress.release(1)).toBe(0)
    expect(progress.release(2)).toBe(1)
    expect([progress.bytes, progress.oldestMs]).toEqual([0, undefined])
  })

  it('knows whether the last group closes the log', () => {
    const progress = newProgress()
    const group = { recordCount: 0, groupBytes: 96, writtenMs: 1, releasedThrough: 0 }
    progress.wrote({ ...group, closesLog: true })
    expect(progress.endsClosed).toBe(true)
    progress.wrote({ ...group, closesLog: false })
    expect(progress.endsClosed).toBe(false)
  })

  it('stops at a release of what was never written, or a group that tells of one that was not made', () => {
    const violation = expect.objectContaining({ code: 'SE_INVARIANT' })
    const group = { recordCount: 0, groupBytes: 96, writtenMs: 1, closesLog: false }
    expect(() => newProgress(3).release(4)).toThrow(violation)
    expect(() => newProgress(3, 4)).toThrow(violation)
    expect(() => newProgress(3, 1).wrote({ ...group, releasedThrough: 2 })).toThrow(violation)
    expect(() => newProgress(3, 1).wrote({ ...group, releasedThrough: 0 })).toThrow(violation)
  })
})

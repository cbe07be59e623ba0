import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { NoRoom } from './segment-files.ts'
import type { SegmentHandle } from './segment-handle.ts'
import { SegmentSupply, type SegmentStock } from './segment-supply.ts'

/** Goal: one segment is ready ahead, files are used again, and a full disk is told from a failing one. Method: files that only say what was asked. */

const SEGMENT_BYTES = 4096
const EMPTY: SegmentStock = { spares: [], next: undefined, nextId: 5 }

function world(stock: Partial<SegmentStock> = {}, spareSegmentsMax = 1) {
  const calls: string[] = []
  const events: string[] = []
  const clock = createFakeClock()
  const disk: { error: Error | undefined } = { error: undefined }
  const supply = new SegmentSupply(
    { ...EMPTY, ...stock },
    {
      files: {
        async prepare(id, spare) {
          calls.push(`prepare ${id} from ${spare ?? 'nothing'}`)
          await Promise.resolve()
          if (disk.error !== undefined) throw disk.error
          return { id } as unknown as SegmentHandle
        },
        free: (id) => Promise.resolve(`spare ${id}`),
        removeSpare: (name) => Promise.resolve(void calls.push(`remove ${name}`)),
      },
      limits: { segmentBytes: SEGMENT_BYTES, spareSegmentsMax },
      clock,
      life: {
        fail(operation) {
          events.push(`failed ${operation}`)
          return undefined as never
        },
      },
      events: {
        prepared: (wasDiskFull) => void events.push(`prepared, disk was full: ${wasDiskFull}`),
        diskFilled: () => void events.push('disk filled'),
      },
    },
  )
  return { supply, calls, events, clock, disk }
}

const sealed = (id: number, segmentBytes = SEGMENT_BYTES) => ({
  id,
  firstSequence: 1,
  lastSequence: 1,
  segmentBytes,
  usedBytes: 100,
})

describe('SegmentSupply', () => {
  it('prepares one at a time, from a spare where there is one, with ascending ids', async () => {
    const { supply, calls, events } = world({ spares: ['spare 1'] })
    supply.prepare()
    supply.prepare()
    expect((await supply.take())?.id).toBe(5)
    supply.prepare()
    expect((await supply.take())?.id).toBe(6)
    expect(calls).toEqual(['prepare 5 from spare 1', 'prepare 6 from nothing'])
    expect(events).toEqual(['prepared, disk was full: false', 'prepared, disk was full: false'])
    expect(await supply.take()).toBeUndefined()
  })

  it('gives first what an earlier run prepared', async () => {
    const next = { id: 4, segmentBytes: 8192, handle: {} as SegmentHandle }
    const { supply, calls } = world({ next })
    supply.prepare()
    expect(supply.spareCount).toBe(1)
    expect(await supply.take()).toBe(next)
    expect([supply.spareCount, calls]).toEqual([0, []])
  })

  it('keeps the spare and the id for the next attempt when the disk is full, and says when it is not any more', async () => {
    const { supply, calls, events, clock, disk } = world({ spares: ['spare 1'] })
    disk.error = new NoRoom('ENOSPC')
    supply.prepare()
    expect(await supply.take()).toBeUndefined()
    expect([supply.isDiskFull, supply.spareCount, events]).toEqual([true, 1, ['disk filled']])
    await clock.advance(700)
    expect(supply.sinceAttemptMs).toBe(700)
    disk.error = undefined
    supply.prepare()
    expect((await supply.take())?.id).toBe(5)
    expect(supply.isDiskFull).toBe(false)
    expect(events.at(-1)).toBe('prepared, disk was full: true')
    expect(calls).toEqual(['prepare 5 from spare 1', 'prepare 5 from spare 1'])
  })

  it('fails the log by any other error', async () => {
    const { supply, events, disk } = world()
    disk.error = new Error('EIO')
    supply.prepare()
    expect(await supply.take()).toBeUndefined()
    expect([supply.isDiskFull, events]).toEqual([false, ['failed prepare']])
  })

  // prettier-ignore
  it.each([
    ['as the next one, though no spares are kept', 0, SEGMENT_BYTES, [], 'prepare 5 from spare 1'],
    ['not if its size is another',                 1, 8192,          [], 'remove spare 1'],
    ['not if there are spares enough',             1, SEGMENT_BYTES, ['a', 'b'], 'remove spare 1'],
  ])('uses a freed file again: %s', async (_, spareSegmentsMax, segmentBytes, spares, call) => {
    const hasNext = spares.length > 0
    const next = hasNext ? { id: 4, segmentBytes: SEGMENT_BYTES, handle: {} as SegmentHandle } : undefined
    const { supply, calls } = world({ spares, next }, spareSegmentsMax)
    await supply.recycle(sealed(1, segmentBytes))
    expect(calls[0]).toBe(call)
  })

  it('prepares nothing once it is stopped, and waits for what is under way', async () => {
    const { supply, calls, events } = world()
    supply.prepare()
    await supply.stop()
    expect(events).toHaveLength(1)
    expect((await supply.take())?.id).toBe(5)
    supply.prepare()
    expect(await supply.take()).toBeUndefined()
    expect(calls).toHaveLength(1)
  })

  it('stops at an id that is not above that of the prepared segment', () => {
    const next = { id: 5, segmentBytes: SEGMENT_BYTES, handle: {} as SegmentHandle }
    expect(() => world({ next })).toThrow(expect.objectContaining({ code: 'SE_INVARIANT' }))
  })
})

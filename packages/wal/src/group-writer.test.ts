import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { Backlog } from './backlog.ts'
import { GROUP_CLOSES_LOG, groupBytesOf, SEGMENT_HEADER_BYTES, usableBytesOf } from './format.ts'
import { GroupWriter } from './group-writer.ts'
import { Progress } from './progress.ts'
import type { SegmentHandle } from './segment-handle.ts'

/** Goal: what is written when, and when it counts as durable. Method: a file and a supply that write down what they are asked. */

const SEGMENT_BYTES = 4096

function world(lastSequence = 0) {
  const calls: string[] = []
  const handle = (id: number) =>
    ({
      write: (buffers: readonly Uint8Array[], position: number) =>
        note(`write ${id} at ${position}: ${sizeOf(buffers)}`),
      writeThrough: (buffers: readonly Uint8Array[], position: number) =>
        note(`through ${id} at ${position}: ${sizeOf(buffers)}`),
      sync: () => note(`sync ${id}`),
      close: () => note(`close ${id}`),
    }) as unknown as SegmentHandle
  const note = (call: string) => Promise.resolve(void calls.push(call))
  const progress = new Progress({
    lastSequence,
    releasedThrough: 0,
    isClosed: false,
    backlog: new Backlog(SEGMENT_BYTES),
  })
  const next: { id: number | undefined } = { id: 8 }
  const state: { failure: undefined | Error } = { failure: undefined }
  const active = {
    id: 7,
    segmentBytes: SEGMENT_BYTES,
    handle: handle(7),
    firstSequence: lastSequence + 1,
    offset: SEGMENT_HEADER_BYTES,
    durableBytes: 0,
    previousCrc: 0,
  }
  const writer = new GroupWriter(active, {
    files: {
      header: (segmentId) => ({
        segmentId,
        segmentBytes: SEGMENT_BYTES,
        firstSequence: 1,
        logId: '00'.repeat(16),
        previousCrc: 0,
        isPrepared: false,
      }),
    },
    supply: {
      prepare: () => void calls.push('prepare'),
      take: () =>
        Promise.resolve(
          next.id === undefined
            ? undefined
            : { id: next.id, segmentBytes: SEGMENT_BYTES, handle: handle(next.id) },
        ),
    },
    sealed: {
      seal: ({ id, lastSequence: last }) => void calls.push(`seal ${id} through ${last}`),
      release: (through) => void calls.push(`released through ${through}`),
    },
    progress,
    lock: { look: () => note('look') },
    life: {
      get failure() {
        return state.failure as never
      },
    },
    clock: createFakeClock(),
  })
  const append = (payloadBytes: number, mustSync: boolean) =>
    writer.write([new Uint8Array(payloadBytes)], payloadBytes, 0, mustSync)
  return { writer, progress, calls, append, next, state }
}

function sizeOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0)
}

describe('writing', () => {
  it('writes the header of the segment with the first group, and each group behind the one before', async () => {
    const { calls, append, progress } = world()
    const groupBytes = await append(100, true)
    await append(100, true)
    expect(groupBytes).toBe(groupBytesOf(1, 100))
    const second = SEGMENT_HEADER_BYTES + groupBytes
    expect(calls).toEqual([`through 7 at 0: ${second}`, `through 7 at ${second}: ${groupBytes}`])
    expect(progress.lastSequence).toBe(2)
  })

  it('writes a durable group through only if nothing before it waits for a sync, or that would be lost', async () => {
    const { writer, calls, append, progress } = world()
    await append(8, false)
    await append(8, true)
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['write', 'write'])
    expect(progress.durableSequence).toBe(0)
    await writer.sync()
    expect([progress.durableSequence, calls.at(-1)]).toEqual([2, 'sync 7'])
    await append(8, true)
    await writer.sync()
    expect([progress.durableSequence, calls.at(-1)!.split(' ')[0]]).toEqual([3, 'through'])
  })

  it('tells of a release by a durable group of the active segment alone', async () => {
    const { writer, progress, append } = world()
    await append(8, true)
    await writer.sync()
    progress.release(1)
    expect(writer.isReleaseDurable(1)).toBe(false)
    await writer.write([], 0, 0, true)
    expect(writer.isReleaseDurable(1)).toBe(false)
    await writer.sync()
    expect(writer.isReleaseDurable(1)).toBe(true)
    await writer.rotate()
    expect(writer.isReleaseDurable(1)).toBe(false)
    expect(progress.endsClosed).toBe(false)
    await writer.write([], 0, GROUP_CLOSES_LOG, true)
    expect(progress.endsClosed).toBe(true)
  })

  it('keeps room for two control groups, and stops at a group that would end behind the segment', async () => {
    const { writer, append, calls } = world()
    const most = usableBytesOf(SEGMENT_BYTES) - groupBytesOf(1, 0) + 4
    const violation = expect.objectContaining({ code: 'SE_INVARIANT' })
    await expect(append(most + 1, true)).rejects.toEqual(violation)
    await append(most, true)
    expect(writer.recordRoomBytes).toBe(0)
    for (let count = 0; count < 2; count++) {
      expect(writer.hasControlRoom).toBe(true)
      await writer.write([], 0, 0, true)
    }
    expect(writer.hasControlRoom).toBe(false)
    await expect(writer.write([], 0, 0, true)).rejects.toEqual(violation)
    expect(calls).toHaveLength(3)
  })
})

describe('leaving a segment', () => {
  it('looks at the lock, makes all of it durable, takes the next, and closes the old file last', async () => {
    const { writer, calls, append } = world(20)
    await append(8, false)
    calls.length = 0
    expect(await writer.rotate()).toBe(true)
    expect(calls).toEqual([
      'look',
      'sync 7',
      'prepare',
      'seal 7 through 21',
      'released through 0',
      'close 7',
      'prepare',
    ])
    expect(writer.active).toMatchObject({ id: 8, firstSequence: 22 })
  })

  it('stays where it is when there is no next segment, and when the log has failed meanwhile', async () => {
    const { writer, calls, next, state } = world()
    next.id = undefined
    expect(await writer.rotate()).toBe(false)
    next.id = 8
    state.failure = new Error('EIO')
    expect(await writer.rotate()).toBe(false)
    expect(calls.filter((call) => call.startsWith('close') || call.startsWith('seal'))).toEqual(['close 8'])
    expect(writer.active.id).toBe(7)
  })
})

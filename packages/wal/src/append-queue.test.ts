import { describe, expect, it } from 'vitest'
import { AppendQueue, type Room } from './append-queue.ts'
import type { Call } from './call.ts'
import { CONTROL_GROUP_BYTES, groupBytesOf, LENGTH_BYTES } from './format.ts'

/** Goal: a group takes calls in order, as many as fit and no more. Method: tables of calls and rooms; calls that nobody answers. */

const NO_ANSWER = { isDurable: true, isUrgent: false, resolve: () => {}, reject: () => {} }
const GROUP_BYTES_MAX = 1000

function append(payloadBytes: number, recordCount = 1): Call {
  return { records: [], recordCount, payloadBytes, isControl: false, ...NO_ANSWER }
}

const sync: Call = { records: [], recordCount: 0, payloadBytes: 0, isControl: false, ...NO_ANSWER }
const control: Call = { ...sync, isControl: true }

function queueOf(...calls: readonly Call[]): AppendQueue {
  const queue = new AppendQueue(GROUP_BYTES_MAX)
  for (const call of calls) queue.add(call)
  return queue
}

const plenty: Room = { recordRoomBytes: 100_000, hasControlRoom: true }
const roomFor = (recordCount: number, payloadBytes: number): Room => ({
  recordRoomBytes: groupBytesOf(recordCount, payloadBytes),
  hasControlRoom: true,
})

describe('how many calls go into a group', () => {
  // prettier-ignore
  it.each<[string, readonly Call[], Room, number]>([
    ['none of none',                                       [],                                 plenty,             0],
    ['all that fit the usual group',                       [append(100), append(100), sync],   plenty,             3],
    ['as many as fit the usual group',                     [append(500), append(396), append(1), append(1)], plenty, 2],
    ['a first one that is larger than that, alone',        [append(5000), append(1)],          plenty,             1],
    ['none if the first finds no room',                    [append(101), append(1)],           roomFor(1, 100),    0],
    ['the first if it just finds room',                    [append(100), append(1)],           roomFor(1, 100),    1],
    ['all records of a call or none',                      [append(10), append(40, 3)],        roomFor(3, 50),     1],
    ['a sync where there is no room for anything',         [sync, sync],                       { recordRoomBytes: 0, hasControlRoom: false }, 2],
    ['control groups in the room that is kept for them',   [control, control],                 { recordRoomBytes: 0, hasControlRoom: true }, 2],
    ['no control group where that is used up',             [control],                          { recordRoomBytes: 0, hasControlRoom: false }, 0],
    ['what stands before such a control group',            [sync, control, sync],              { recordRoomBytes: 0, hasControlRoom: false }, 1],
    ['a control call with records, which need no room of its own', [append(10), control],      { recordRoomBytes: groupBytesOf(1, 10), hasControlRoom: false }, 2],
  ])('%s', (_, calls, room, count) => {
    expect(queueOf(...calls).countFitting(room)).toBe(count)
  })

  it('counts a control group as header and commit frame', () => {
    expect(groupBytesOf(0, 0)).toBe(CONTROL_GROUP_BYTES)
  })
})

describe('AppendQueue', () => {
  it('gives calls in order, and counts their records as queued until they are written', () => {
    const calls = [append(10), append(20, 2), append(30)]
    const queue = queueOf(...calls)
    expect([queue.length, queue.recordCount, queue.bytes]).toEqual([3, 4, 60 + 4 * LENGTH_BYTES])
    expect(queue.take(2)).toEqual(calls.slice(0, 2))
    expect([queue.length, queue.recordCount]).toEqual([1, 4])
    queue.noteWritten(3, 30)
    expect([queue.length, queue.recordCount, queue.bytes]).toEqual([1, 1, 30 + LENGTH_BYTES])
    expect(queue.take(1)).toEqual(calls.slice(2))
    queue.noteWritten(1, 30)
    expect([queue.length, queue.recordCount, queue.bytes]).toEqual([0, 0, 0])
  })

  it.each([
    [true, [control], [sync, control]],
    [false, [], [sync]],
  ])('turns away all records; with room for control groups: %s', (hasControlRoom, kept, rest) => {
    const [first, second] = [append(10), append(20, 2)]
    const queue = queueOf(first, sync, control, second)
    const turnedAway = queue.turnAway({ recordRoomBytes: 0, hasControlRoom })
    expect(turnedAway).toEqual({ withRecords: [first, second], controls: kept.length > 0 ? [] : [control] })
    expect([queue.recordCount, queue.bytes]).toEqual([0, 0])
    expect(queue.take(queue.length)).toEqual(rest)
  })

  it('forgets taken calls too when it is cleared', () => {
    const [first, second] = [append(10), append(20)]
    const queue = queueOf(first, second)
    queue.take(1)
    expect(queue.clear()).toEqual([second])
    expect([queue.length, queue.recordCount, queue.bytes]).toEqual([0, 0, 0])
  })

  it('stops when more is written than was queued', () => {
    expect(() => queueOf(append(10)).noteWritten(2, 10)).toThrow(
      expect.objectContaining({ code: 'SE_INVARIANT' }),
    )
  })
})

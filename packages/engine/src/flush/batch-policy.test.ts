import { describe, expect, it } from 'vitest'
import {
  dueCause,
  dueInMs,
  joinsBatch,
  sizeOfWrite,
  type BatchLimits,
  type QueueState,
} from './batch-policy.ts'

const limits: BatchLimits = { itemsMax: 1_000, bytesMax: 1024 * 1024, ageMsMax: 100 }
const queue = (state: Partial<QueueState>): QueueState => ({
  items: 1,
  bytes: 10,
  oldestAddedAtMs: 1_000,
  ...state,
})

describe('dueCause', () => {
  it('is due at 1,000 items, 1 MiB, or 100 ms after the first item', () => {
    expect(dueCause(queue({ items: 999 }), 1_099, limits)).toBeUndefined()
    expect(dueCause(queue({ items: 1_000 }), 1_000, limits)).toBe('items')
    expect(dueCause(queue({ bytes: 1024 * 1024 - 1 }), 1_099.9, limits)).toBeUndefined()
    expect(dueCause(queue({ bytes: 1024 * 1024 }), 1_000, limits)).toBe('bytes')
    expect(dueCause(queue({}), 1_100, limits)).toBe('age')
  })

  it('takes whatever waits when forced, though nothing is due [P2]', () => {
    expect(dueCause(queue({}), 1_000, limits, true)).toBe('forced')
    expect(
      dueCause(queue({ items: 0, bytes: 0, oldestAddedAtMs: undefined }), 9_999, limits, true),
    ).toBeUndefined()
  })
})

describe('dueInMs', () => {
  it('counts from the first item, and is 0 once due', () => {
    expect(dueInMs(queue({}), 1_000, limits)).toBe(100)
    expect(dueInMs(queue({}), 1_060, limits)).toBe(40)
    expect(dueInMs(queue({}), 5_000, limits)).toBe(0)
    expect(dueInMs(queue({ oldestAddedAtMs: undefined }), 5_000, limits)).toBeUndefined()
  })
})

describe('joinsBatch', () => {
  const small = { itemsMax: 2, bytesMax: 100 }

  it('takes what fits in items and bytes', () => {
    expect(joinsBatch(1, 40, 60, small)).toBe(true)
    expect(joinsBatch(1, 40, 61, small)).toBe(false)
    expect(joinsBatch(2, 2, 1, small)).toBe(false)
  })

  it('lets a larger item go alone, so that it cannot block the queue', () => {
    expect(joinsBatch(0, 0, 500, small)).toBe(true)
    expect(joinsBatch(1, 500, 1, small)).toBe(false)
  })
})

describe('sizeOfWrite', () => {
  it('counts text and value; a delete has no value', () => {
    const write = { id: 'abc', state: 'st', contentType: 't', bytes: new Uint8Array(10) }
    expect(sizeOfWrite(write)).toBe(16)
    expect(sizeOfWrite({ ...write, bytes: undefined })).toBe(6)
  })
})

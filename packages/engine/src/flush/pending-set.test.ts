import { ArchiveRefusedData, type ItemWrite, type WriteOutcome } from '@se/core'
import { describe, expect, it } from 'vitest'
import { sizeOfWrite } from './batch-policy.ts'
import { PendingSet, type SettledOutcome } from './pending-set.ts'

const LIMITS = { itemsMax: 1_000, bytesMax: 1024 * 1024 }
const WON: WriteOutcome & { kind: 'won' } = { kind: 'won', version: 1, createdAtMs: 0, wasLive: false }
const PARKED: SettledOutcome = { kind: 'parked', because: 'refused-data' }
const stamp = (time: number) => ({ time, instance: 1 })

function write(id: string, time: number, text: string | undefined = `${id}@${time}`): ItemWrite {
  return {
    id,
    stamp: stamp(time),
    state: '',
    contentType: '',
    bytes: text === undefined ? undefined : new TextEncoder().encode(text),
  }
}
const erase = (id: string, time: number): ItemWrite => ({ ...write(id, time), bytes: undefined })

function createSet() {
  const set = new PendingSet({ itemsMax: 100, bytesMax: 100_000, whenFull: 'refuse' })
  const heard: [string, SettledOutcome | Error][] = []
  let nowMs = 0
  return {
    set,
    heard,
    log: (item: ItemWrite, sequence: number) => set.add(item, sequence, nowMs++, { isVisible: true }),
    memory: (item: ItemWrite) => set.add(item, undefined, nowMs++, { isVisible: true }),
    archive: (item: ItemWrite) =>
      set.add(item, undefined, nowMs++, {
        isVisible: false,
        waiter: {
          resolve: (outcome) => void heard.push([`${item.id}@${item.stamp.time}`, outcome]),
          reject: (error) => void heard.push([`${item.id}@${item.stamp.time}`, error]),
        },
      }),
    take: (limits = LIMITS) => set.takeBatch(limits)!,
  }
}

describe('reading', () => {
  it('gives the newest visible write, in flight or not, deletes too [P13, P18]', () => {
    const { set, log, take } = createSet()
    expect(set.read('a')).toBeUndefined()
    log(write('a', 1), 1)
    expect(set.read('a')).toMatchObject({ stamp: { time: 1 } })
    const batch = take()
    expect(set.read('a')).toMatchObject({ stamp: { time: 1 } })
    log(erase('a', 2), 2)
    expect(set.read('a')).toMatchObject({ stamp: { time: 2 }, bytes: undefined })
    set.settle(batch, [WON])
    expect(set.read('a')).toMatchObject({ stamp: { time: 2 }, bytes: undefined })
    set.settle(take(), [WON])
    expect(set.read('a')).toBeUndefined()
  })

  it('keeps the newest stamp, in any order of arrival [W3]', () => {
    const { set, log, take } = createSet()
    log(write('a', 5), 1)
    log(write('a', 3), 2)
    expect(set.read('a')?.stamp.time).toBe(5)
    const batch = take()
    expect(batch.writes.map((each) => each.stamp.time)).toEqual([5])
    log(write('a', 4), 3)
    expect(set.read('a')?.stamp.time).toBe(5)
    set.settle(batch, [WON])
    expect(set.read('a')?.stamp.time).toBe(4)
  })

  it('does not show an `archive` write before it is committed [W1]', () => {
    const { set, log, archive, take } = createSet()
    archive(write('a', 2))
    expect(set.read('a')).toBeUndefined()
    expect([...set.entries()]).toEqual([])
    log(write('b', 1), 1)
    archive(write('b', 2))
    expect(set.read('b')?.stamp.time).toBe(1)
    const batch = take()
    expect(batch.writes.map((each) => [each.id, each.stamp.time])).toEqual([
      ['a', 2],
      ['b', 2],
    ])
    expect(set.read('a')).toBeUndefined()
    expect(set.read('b')?.stamp.time).toBe(1)
  })

  it('copies the entries of a range in the order of their bytes [P62]', () => {
    const { set, log, take, archive } = createSet()
    log(write('user.b', 1), 1)
    log(write('user.\u{10000}', 1), 2)
    log(write('user.\uffef', 1), 3)
    log(write('users', 1), 4)
    take()
    log(erase('user.a', 1), 5)
    archive(write('user.hidden', 1))
    const ids = (prefix: string, after?: string) => set.inPrefixRange(prefix, after).map((each) => each.id)
    expect(ids('user.')).toEqual(['user.a', 'user.b', 'user.\uffef', 'user.\u{10000}'])
    expect(ids('user.', 'user.b')).toEqual(['user.\uffef', 'user.\u{10000}'])
    expect(ids('')).toHaveLength(5)
    expect(ids('none')).toEqual([])
  })
})

describe('batches', () => {
  it('takes the oldest first, within the limits, with the newest write of each id', () => {
    const { set, log, take } = createSet()
    log(write('a', 1), 1)
    log(write('b', 2), 2)
    log(write('c', 3), 3)
    log(write('a', 4), 4)
    expect(set.queue).toMatchObject({ items: 3, oldestAddedAtMs: 0 })
    const batch = take({ itemsMax: 2, bytesMax: 1_000 })
    expect(batch.writes.map((each) => [each.id, each.stamp.time])).toEqual([
      ['a', 4],
      ['b', 2],
    ])
    expect(batch.bytes).toBe(sizeOfWrite(write('a', 4)) + sizeOfWrite(write('b', 2)))
    expect(set.queue).toMatchObject({ items: 1, bytes: sizeOfWrite(write('c', 3)), oldestAddedAtMs: 2 })
    expect(set.stats).toMatchObject({ items: 3, inFlightItems: 2 })
    expect(() => take()).toThrow(/one batch/)
  })

  it('gives the very same batch after a failure, whatever was written meanwhile [W5]', () => {
    const { set, log, take } = createSet()
    log(write('a', 1), 1)
    const batch = take()
    log(write('a', 2), 2)
    log(write('b', 3), 3)
    set.putBack(batch)
    const again = take()
    expect(again).toBe(batch)
    expect(again.writes).toEqual([write('a', 1)])
    expect(() => set.putBack({ ...batch })).toThrow(/in flight/)
    set.settle(again, [WON])
    expect(() => set.settle(again, [WON])).toThrow(/in flight/)
    expect(take().writes.map((each) => each.id)).toEqual(['a', 'b'])
  })

  it('removes the generation that was sent, not one that looks like it [P8]', () => {
    const { set, log, take } = createSet()
    log(write('a', 1, 'same'), 1)
    const batch = take()
    log(write('a', 2, 'same'), 2)
    set.settle(batch, [WON])
    expect(set.read('a')?.stamp.time).toBe(2)
    expect(set.stats.items).toBe(1)
  })

  it('gives nothing when nothing waits', () => {
    const { set } = createSet()
    expect(set.takeBatch(LIMITS)).toBeUndefined()
    expect(set.queue).toEqual({ items: 0, bytes: 0, oldestAddedAtMs: undefined })
  })

  it('wants an outcome for each write', () => {
    const { set, log, take } = createSet()
    log(write('a', 1), 1)
    log(write('b', 1), 2)
    const batch = take()
    expect(() => set.settle(batch, [WON])).toThrow(/each write/)
  })
})

describe('release [W2]', () => {
  it('holds the first record of the generation in flight and of the next [P59]', () => {
    const { set, log, take } = createSet()
    log(write('hot', 1), 1)
    log(write('hot', 2), 2)
    expect(set.releasable()).toBe(0)
    const batch = take()
    log(write('hot', 3), 3)
    log(write('other', 4), 4)
    log(write('hot', 5), 5)
    expect(set.releasable()).toBe(0)
    set.settle(batch, [WON])
    expect(set.releasable()).toBe(2)
    const second = take()
    log(write('hot', 6), 6)
    expect(set.releasable()).toBe(2)
    set.settle(second, [WON, WON])
    expect(set.releasable()).toBe(5)
    set.settle(take(), [WON])
    expect(set.releasable()).toBe(6)
  })

  it('keeps a record that a newer write without a record covers, until that one is in L3', () => {
    const { set, log, memory, take } = createSet()
    log(write('a', 1), 1)
    memory(write('a', 2))
    expect(set.releasable()).toBe(0)
    set.settle(take(), [WON])
    expect(set.releasable()).toBe(1)
  })

  it('keeps a lower record that came after a write without one', () => {
    const { set, log, memory } = createSet()
    memory(write('a', 9))
    log(write('b', 1), 1)
    log(write('a', 2), 2)
    const batch = set.takeBatch({ itemsMax: 1, bytesMax: 1_000 })!
    expect(batch.writes[0]?.id).toBe('a')
    set.settle(batch, [WON])
    expect(set.releasable()).toBe(0)
    set.settle(set.takeBatch(LIMITS)!, [WON])
    expect(set.releasable()).toBe(2)
  })

  it('never passes a record that has been appended and not added yet', () => {
    const { set, log, take } = createSet()
    log(write('b', 2), 2)
    set.settle(take(), [WON])
    expect(set.releasable()).toBe(0)
    log(write('a', 1), 1)
    expect(set.releasable()).toBe(0)
    set.settle(take(), [WON])
    expect(set.releasable()).toBe(2)
    log(write('c', 4), 4)
    set.settle(take(), [WON])
    set.skip(3)
    expect(set.releasable()).toBe(4)
  })

  it('begins where the log begins', () => {
    const { set, log, take } = createSet()
    set.expectLogFrom(501)
    log(write('a', 1), 501)
    expect(set.releasable()).toBe(500)
    set.settle(take(), [WON])
    expect(set.releasable()).toBe(501)
    expect(() => set.expectLogFrom(1)).toThrow(/before the first write/)
  })
})

describe('waiters of `archive` writes', () => {
  it('hear their own outcome', () => {
    const { set, archive, take, heard } = createSet()
    archive(write('a', 1))
    archive(write('b', 1))
    const batch = take()
    expect(heard).toEqual([])
    set.settle(batch, [WON, { kind: 'superseded', by: stamp(9), isFromFuture: false }])
    expect(heard).toEqual([
      ['a@1', WON],
      ['b@1', { kind: 'superseded', by: stamp(9), isFromFuture: false }],
    ])
  })

  it('hear that a later write took their place, once that one is stored', () => {
    const { set, archive, log, take, heard } = createSet()
    archive(write('a', 1))
    log(write('a', 2), 1)
    set.settle(take(), [WON])
    expect(heard).toEqual([['a@1', { kind: 'superseded', by: stamp(2), isFromFuture: false }]])
  })

  it('are not told of success when the write that took their place was not stored', () => {
    const { set, archive, log, take, heard } = createSet()
    archive(write('a', 1))
    log(write('a', 2), 1)
    set.settle(take(), [PARKED])
    expect(heard).toEqual([
      [
        'a@1',
        expect.objectContaining({
          kind: 'rejected',
          error: expect.objectContaining({ code: 'SE_TIER_UNAVAILABLE' }),
        }),
      ],
    ])
  })

  it('are told when the engine gives up; what was acknowledged stays', () => {
    const { set, archive, log, take, heard } = createSet()
    log(write('a', 1), 1)
    archive(write('a', 2))
    archive(write('b', 1))
    take({ itemsMax: 1, bytesMax: 1_000 })
    archive(write('c', 1))
    log(write('d', 1), 2)
    archive(write('d', 2))
    const error = new Error('stopped')
    set.abandon(error)
    expect(heard.map(([id, told]) => [id, told === error])).toEqual([
      ['a@2', true],
      ['b@1', true],
      ['c@1', true],
      ['d@2', true],
    ])
    expect([...set.entries()].map(({ write: { id, stamp: at } }) => `${id}@${at.time}`).sort()).toEqual([
      'a@1',
      'd@1',
    ])
    expect(set.queue).toMatchObject({ items: 1, bytes: sizeOfWrite(write('d', 1)) })
    expect(set.releasable()).toBe(0)
  })
})

describe('writes the archive does not take', () => {
  it('brings back the acknowledged write that a refused, never visible one had covered', () => {
    const { set, archive, log, take, heard } = createSet()
    log(write('a', 1), 1)
    archive(write('a', 2))
    log(write('z', 3), 2)
    const batch = take({ itemsMax: 1, bytesMax: 1_000 })
    expect(batch.writes.map((each) => each.stamp.time)).toEqual([2])
    const error = new ArchiveRefusedData('value too long')
    set.settle(batch, [{ kind: 'rejected', error }])
    expect(heard).toEqual([['a@2', { kind: 'rejected', error }]])
    expect(set.read('a')?.stamp.time).toBe(1)
    expect(set.releasable()).toBe(0)
    const next = take()
    expect(next.writes.map((each) => [each.id, each.stamp.time])).toEqual([
      ['a', 1],
      ['z', 3],
    ])
    set.settle(next, [WON, WON])
    expect(set.releasable()).toBe(2)
    expect(set.stats).toEqual({ items: 0, bytes: 0, inFlightItems: 0 })
    expect(set.space.used).toEqual({ items: 0, bytes: 0 })
  })

  it('joins what it brings back with what was written since', () => {
    const { set, archive, log, take } = createSet()
    log(write('a', 1), 1)
    archive(write('a', 2))
    const batch = take()
    log(write('b', 3), 2)
    log(write('a', 4), 3)
    set.settle(batch, [PARKED])
    expect(set.read('a')?.stamp.time).toBe(4)
    expect(set.releasable()).toBe(0)
    const next = take()
    expect(next.writes.map((each) => [each.id, each.stamp.time])).toEqual([
      ['a', 4],
      ['b', 3],
    ])
    set.settle(next, [WON, WON])
    expect(set.releasable()).toBe(3)
    expect(set.space.used).toEqual({ items: 0, bytes: 0 })
  })

  it('lets a parked write go with its records: the parking file has it [W6]', () => {
    const { set, log, take } = createSet()
    log(write('a', 1), 1)
    set.settle(take(), [PARKED])
    expect(set.read('a')).toBeUndefined()
    expect(set.releasable()).toBe(1)
  })
})

describe('supersede [R5]', () => {
  it('drops what waits and is older as a whole, and tells who waited', () => {
    const { set, log, archive, heard } = createSet()
    log(write('a', 1), 1)
    archive(write('a', 2))
    expect(set.supersede('a', stamp(2))).toBe(0)
    expect(set.read('a')).toBeUndefined()
    expect(set.supersede('a', stamp(3))).toBe(1)
    expect(heard).toEqual([['a@2', { kind: 'superseded', by: stamp(3), isFromFuture: false }]])
    expect(set.releasable()).toBe(1)
    expect(set.space.used).toEqual({ items: 0, bytes: 0 })
    expect(set.supersede('b', stamp(3))).toBe(0)
  })

  it('hides what is in flight and older, and lets the archive settle it', () => {
    const { set, log, take } = createSet()
    log(write('a', 1), 1)
    const batch = take()
    log(write('b', 1), 2)
    expect(set.supersede('a', stamp(3))).toBe(0)
    expect(set.supersede('b', stamp(1))).toBe(0)
    expect(set.read('a')).toBeUndefined()
    expect(set.read('b')).toBeDefined()
    expect(set.releasable()).toBe(0)
    set.settle(batch, [{ kind: 'superseded', by: stamp(3), isFromFuture: false }])
    expect(set.releasable()).toBe(1)
  })
})

describe('figures', () => {
  it('counts space from admission to the end of the write [W8]', () => {
    const { set, take } = createSet()
    const item = write('a', 1)
    const bytes = sizeOfWrite(item)
    expect(set.admit(bytes)).toBeUndefined()
    expect(set.admit(bytes)).toBeUndefined()
    expect(set.space.used).toEqual({ items: 2, bytes: bytes * 2 })
    set.cancelAdmission(bytes)
    set.add(item, 1, 0, { isVisible: true, isAdmitted: true })
    expect(set.space.used).toEqual({ items: 1, bytes })
    // A coalesced write needs no space any more.
    set.add(write('a', 2), 2, 0, { isVisible: true })
    expect(set.space.used).toEqual({ items: 1, bytes })
    set.settle(take(), [WON])
    expect(set.space.used).toEqual({ items: 0, bytes: 0 })
  })

  it('knows the age of the oldest write, in flight or not', () => {
    const { set, take } = createSet()
    expect(set.oldestAgeMs(50)).toBe(0)
    set.add(write('a', 1), 1, 100, { isVisible: true })
    set.add(write('a', 2), 2, 140, { isVisible: true })
    const batch = take()
    set.add(write('a', 3), 3, 150, { isVisible: true })
    expect(set.oldestAgeMs(200)).toBe(100)
    set.settle(batch, [WON])
    expect(set.oldestAgeMs(200)).toBe(50)
  })

  it('tells when all that was there at a moment is settled, while more is written', () => {
    const { set, log, take } = createSet()
    log(write('a', 1), 1)
    log(write('b', 2), 2)
    const mark = set.lastOrder
    const first = take({ itemsMax: 1, bytesMax: 1_000 })
    log(write('a', 3), 3)
    set.settle(first, [WON])
    expect(set.settledThrough).toBeLessThan(mark)
    set.settle(take({ itemsMax: 1, bytesMax: 1_000 }), [WON])
    expect(set.settledThrough).toBeGreaterThanOrEqual(mark)
    expect(set.stats.items).toBe(1)
  })
})

it('[W6] [R2] a write that was found in the log again is read, and is not the newest for sure', () => {
  const { set, log, take } = createSet()
  const older = write('a', 5)
  log(older, 1)
  log(write('a', 7), 2)
  const batch = take()
  set.settle(batch, [PARKED], new Map([[0, { write: older, logSequence: 1 }]]))
  expect(set.read('a')).toBe(older)
  expect(set.isSure('a')).toBe(false)
  // Also once it is written again, as what is sent may not be what is read.
  log(write('a', 8), 3)
  expect(set.isSure('a')).toBe(false)
  set.settle(take(), [WON])
  log(write('a', 9), 4)
  expect(set.isSure('a')).toBe(true)
})

import { ArchiveRefusedData, type ItemWrite, type WriteOutcome } from '@se/core'
import { describe, expect, it } from 'vitest'
import { sizeOfWrite } from './batch-policy.ts'
import { FlushQueue } from './flush-queue.ts'
import type { SettledOutcome } from './outcomes.ts'

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

function createQueue() {
  const queue = new FlushQueue({ itemsMax: 100, bytesMax: 100_000, whenFull: 'refuse' })
  const { pending, commits, lowWaterMark } = queue
  const heard: [string, SettledOutcome | Error][] = []
  let nowMs = 0
  return {
    queue,
    pending,
    commits,
    heard,
    releasable: () => lowWaterMark.releasable(),
    log: (item: ItemWrite, sequence: number) => pending.add(item, sequence, nowMs++),
    memory: (item: ItemWrite) => pending.add(item, undefined, nowMs++),
    archive: (item: ItemWrite) =>
      commits.add(item, nowMs++, {
        waiter: {
          resolve: (outcome) => void heard.push([`${item.id}@${item.stamp.time}`, outcome]),
          reject: (error) => void heard.push([`${item.id}@${item.stamp.time}`, error]),
        },
      }),
    take: (limits = LIMITS) => queue.takeBatch(limits)!,
  }
}

describe('reading', () => {
  it('gives the newest visible write, in flight or not, deletes too [P13, P18]', () => {
    const { queue, pending, log, take } = createQueue()
    expect(pending.read('a')).toBeUndefined()
    log(write('a', 1), 1)
    expect(pending.read('a')).toMatchObject({ stamp: { time: 1 } })
    const batch = take()
    expect(pending.read('a')).toMatchObject({ stamp: { time: 1 } })
    log(erase('a', 2), 2)
    expect(pending.read('a')).toMatchObject({ stamp: { time: 2 }, bytes: undefined })
    queue.settle(batch, [WON])
    expect(pending.read('a')).toMatchObject({ stamp: { time: 2 }, bytes: undefined })
    queue.settle(take(), [WON])
    expect(pending.read('a')).toBeUndefined()
  })

  it('keeps the newest stamp, in any order of arrival [W3]', () => {
    const { queue, pending, log, take } = createQueue()
    log(write('a', 5), 1)
    log(write('a', 3), 2)
    expect(pending.read('a')?.stamp.time).toBe(5)
    const batch = take()
    expect(batch.writes.map((each) => each.stamp.time)).toEqual([5])
    log(write('a', 4), 3)
    expect(pending.read('a')?.stamp.time).toBe(5)
    queue.settle(batch, [WON])
    expect(pending.read('a')?.stamp.time).toBe(4)
  })

  it('does not show an `archive` write before it is committed [W1]', () => {
    const { pending, log, archive, take } = createQueue()
    archive(write('a', 2))
    expect(pending.read('a')).toBeUndefined()
    expect([...pending.entries()]).toEqual([])
    log(write('b', 1), 1)
    archive(write('b', 2))
    expect(pending.read('b')?.stamp.time).toBe(1)
    const batch = take()
    expect(batch.writes.map((each) => [each.id, each.stamp.time])).toEqual([
      ['a', 2],
      ['b', 2],
    ])
    expect(pending.read('a')).toBeUndefined()
    expect(pending.read('b')?.stamp.time).toBe(1)
  })
})

describe('batches', () => {
  it('takes the oldest first, within the limits, with the newest write of each id', () => {
    const { queue, log, take } = createQueue()
    log(write('a', 1), 1)
    log(write('b', 2), 2)
    log(write('c', 3), 3)
    log(write('a', 4), 4)
    expect(queue.queue).toMatchObject({ items: 3, oldestAddedAtMs: 0 })
    const batch = take({ itemsMax: 2, bytesMax: 1_000 })
    expect(batch.writes.map((each) => [each.id, each.stamp.time])).toEqual([
      ['a', 4],
      ['b', 2],
    ])
    expect(batch.bytes).toBe(sizeOfWrite(write('a', 4)) + sizeOfWrite(write('b', 2)))
    expect(queue.queue).toMatchObject({ items: 1, bytes: sizeOfWrite(write('c', 3)), oldestAddedAtMs: 2 })
    expect([queue.count, queue.pending.queuedCount]).toEqual([3, 1])
    expect(() => take()).toThrow(/one batch/)
  })

  it('gives the very same batch after a failure, whatever was written meanwhile [W5]', () => {
    const { queue, log, take } = createQueue()
    log(write('a', 1), 1)
    const batch = take()
    log(write('a', 2), 2)
    log(write('b', 3), 3)
    queue.putBack(batch)
    const again = take()
    expect(again).toBe(batch)
    expect(again.writes).toEqual([write('a', 1)])
    expect(() => queue.putBack({ ...batch })).toThrow(/in flight/)
    queue.settle(again, [WON])
    expect(() => queue.settle(again, [WON])).toThrow(/in flight/)
    expect(take().writes.map((each) => each.id)).toEqual(['a', 'b'])
  })

  it('removes the generation that was sent, not one that looks like it [P8]', () => {
    const { queue, pending, log, take } = createQueue()
    log(write('a', 1, 'same'), 1)
    const batch = take()
    log(write('a', 2, 'same'), 2)
    queue.settle(batch, [WON])
    expect(pending.read('a')?.stamp.time).toBe(2)
    expect(queue.count).toBe(1)
  })

  it('gives nothing when nothing waits', () => {
    const { queue } = createQueue()
    expect(queue.takeBatch(LIMITS)).toBeUndefined()
    expect(queue.queue).toEqual({ items: 0, bytes: 0, oldestAddedAtMs: undefined })
  })

  it('wants an outcome for each write', () => {
    const { queue, log, take } = createQueue()
    log(write('a', 1), 1)
    log(write('b', 1), 2)
    const batch = take()
    expect(() => queue.settle(batch, [WON])).toThrow(/each write/)
  })
})

describe('release [W2]', () => {
  it('holds the first record of the generation in flight and of the next [P59]', () => {
    const { queue, releasable, log, take } = createQueue()
    log(write('hot', 1), 1)
    log(write('hot', 2), 2)
    expect(releasable()).toBe(0)
    const batch = take()
    log(write('hot', 3), 3)
    log(write('other', 4), 4)
    log(write('hot', 5), 5)
    expect(releasable()).toBe(0)
    queue.settle(batch, [WON])
    expect(releasable()).toBe(2)
    const second = take()
    log(write('hot', 6), 6)
    expect(releasable()).toBe(2)
    queue.settle(second, [WON, WON])
    expect(releasable()).toBe(5)
    queue.settle(take(), [WON])
    expect(releasable()).toBe(6)
  })

  it('keeps a record that a newer write without a record covers, until that one is in L3', () => {
    const { queue, releasable, log, memory, take } = createQueue()
    log(write('a', 1), 1)
    memory(write('a', 2))
    expect(releasable()).toBe(0)
    queue.settle(take(), [WON])
    expect(releasable()).toBe(1)
  })

  it('keeps a lower record that came after a write without one', () => {
    const { queue, releasable, log, memory } = createQueue()
    memory(write('a', 9))
    log(write('b', 1), 1)
    log(write('a', 2), 2)
    const batch = queue.takeBatch({ itemsMax: 1, bytesMax: 1_000 })!
    expect(batch.writes[0]?.id).toBe('a')
    queue.settle(batch, [WON])
    expect(releasable()).toBe(0)
    queue.settle(queue.takeBatch(LIMITS)!, [WON])
    expect(releasable()).toBe(2)
  })

  it('never passes a record that has been appended and not added yet', () => {
    const { queue, releasable, log, take } = createQueue()
    log(write('b', 2), 2)
    queue.settle(take(), [WON])
    expect(releasable()).toBe(0)
    log(write('a', 1), 1)
    expect(releasable()).toBe(0)
    queue.settle(take(), [WON])
    expect(releasable()).toBe(2)
    log(write('c', 4), 4)
    queue.settle(take(), [WON])
    queue.lowWaterMark.report(3)
    expect(releasable()).toBe(4)
  })

  it('begins where the log begins', () => {
    const { queue, releasable, log, take } = createQueue()
    queue.lowWaterMark.expectLogFrom(501)
    log(write('a', 1), 501)
    expect(releasable()).toBe(500)
    queue.settle(take(), [WON])
    expect(releasable()).toBe(501)
    expect(() => queue.lowWaterMark.expectLogFrom(1)).toThrow(/before the first write/)
  })
})

describe('waiters of `archive` writes', () => {
  it('hear their own outcome', () => {
    const { queue, archive, take, heard } = createQueue()
    archive(write('a', 1))
    archive(write('b', 1))
    const batch = take()
    expect(heard).toEqual([])
    queue.settle(batch, [WON, { kind: 'superseded', by: stamp(9), isFromFuture: false }])
    expect(heard).toEqual([
      ['a@1', WON],
      ['b@1', { kind: 'superseded', by: stamp(9), isFromFuture: false }],
    ])
  })

  it('hear that a later write took their place, once that one is stored', () => {
    const { queue, archive, log, take, heard } = createQueue()
    archive(write('a', 1))
    log(write('a', 2), 1)
    const batch = take()
    expect(batch.writes.map((each) => each.stamp.time)).toEqual([2])
    queue.supersede('a', stamp(2))
    queue.settle(batch, [WON])
    expect(heard).toEqual([['a@1', { kind: 'superseded', by: stamp(2), isFromFuture: false }]])
    expect(queue.count).toBe(0)
  })

  it('are sent after all when the write that would have taken their place was not stored', () => {
    const { queue, archive, log, take, heard } = createQueue()
    archive(write('a', 1))
    log(write('a', 2), 1)
    queue.settle(take(), [PARKED])
    expect(heard).toEqual([])
    const next = take()
    expect(next.writes.map((each) => each.stamp.time)).toEqual([1])
    queue.settle(next, [WON])
    expect(heard).toEqual([['a@1', WON]])
  })

  it('have each an outcome of their own, the newest first [W3]', () => {
    const { queue, archive, take, heard } = createQueue()
    archive(write('a', 1))
    archive(write('a', 2))
    const batch = take()
    expect(batch.writes.map((each) => each.stamp.time)).toEqual([2])
    const error = new ArchiveRefusedData('value too long')
    queue.settle(batch, [{ kind: 'rejected', error }])
    queue.settle(take(), [WON])
    expect(heard).toEqual([
      ['a@2', { kind: 'rejected', error }],
      ['a@1', WON],
    ])
  })

  it('know what was heard of their ids on the way, stamped anew or not [R2]', () => {
    const { queue, commits, archive, take } = createQueue()
    archive(write('a', 5))
    archive(write('b', 5))
    const batch = take()
    const overtaken = () => batch.outgoing.map(({ isOvertaken }) => isOvertaken)
    commits.overtake('a', stamp(4))
    expect(overtaken()).toEqual([false, false])
    commits.overtake('a', stamp(7))
    expect(overtaken()).toEqual([true, false])
    queue.settle(batch, [
      { kind: 'restamped', write: write('a', 9), logSequence: undefined },
      { kind: 'set-back' },
    ])
    const again = take()
    expect(again.outgoing.map(({ write: { stamp: at }, isOvertaken }) => [at.time, isOvertaken])).toEqual([
      [9, false],
      [5, false],
    ])
    commits.overtakeAll()
    expect(again.outgoing.every(({ isOvertaken }) => isOvertaken)).toBe(true)
  })

  it('keep the record of one that was parked before and is sent again, until it is settled [W6]', () => {
    const { queue, commits, releasable, take } = createQueue()
    const waiter = { resolve: () => {}, reject: () => {} }
    commits.add(write('a', 1), 0, { waiter, logSequence: 1, isAcknowledged: true })
    expect(releasable()).toBe(0)
    const batch = take()
    expect(batch.outgoing[0]).toMatchObject({ isPending: false, isAcknowledged: true })
    queue.settle(batch, [PARKED])
    expect(releasable()).toBe(1)
  })

  it('are told when the engine gives up; what was acknowledged stays', () => {
    const { queue, pending, releasable, archive, log, take, heard } = createQueue()
    log(write('a', 1), 1)
    archive(write('a', 2))
    archive(write('b', 1))
    take({ itemsMax: 1, bytesMax: 1_000 })
    archive(write('c', 1))
    log(write('d', 1), 2)
    archive(write('d', 2))
    const error = new Error('stopped')
    queue.abandon(error)
    expect(heard.map(([id, told]) => [id, told === error])).toEqual([
      ['a@2', true],
      ['b@1', true],
      ['c@1', true],
      ['d@2', true],
    ])
    expect([...pending.entries()].map(({ write: { id, stamp: at } }) => `${id}@${at.time}`).sort()).toEqual([
      'a@1',
      'd@1',
    ])
    expect(queue.queue).toMatchObject({ items: 2, bytes: sizeOfWrite(write('a', 1)) * 2 })
    expect(releasable()).toBe(0)
  })
})

describe('writes the archive does not take', () => {
  it('looks in the log behind a parked write too: a clock that went back gives a later one an older stamp [W2, W6, P67]', () => {
    const { queue, log, take } = createQueue()
    log(write('a', 9), 1)
    log(write('a', 5), 2)
    expect(queue.coveredFrom(take(), 0)).toBe(1)
  })

  it('brings back the acknowledged write that a refused, never visible one had covered', () => {
    const { queue, pending, releasable, archive, log, take, heard } = createQueue()
    log(write('a', 1), 1)
    archive(write('a', 2))
    log(write('z', 3), 2)
    const batch = take({ itemsMax: 1, bytesMax: 1_000 })
    expect(batch.writes.map((each) => each.stamp.time)).toEqual([2])
    const error = new ArchiveRefusedData('value too long')
    queue.settle(batch, [{ kind: 'rejected', error }])
    expect(heard).toEqual([['a@2', { kind: 'rejected', error }]])
    expect(pending.read('a')?.stamp.time).toBe(1)
    expect(releasable()).toBe(0)
    const next = take()
    expect(next.writes.map((each) => [each.id, each.stamp.time])).toEqual([
      ['a', 1],
      ['z', 3],
    ])
    queue.settle(next, [WON, WON])
    expect(releasable()).toBe(2)
    expect(queue.count).toBe(0)
    expect(queue.budget.used).toEqual({ items: 0, bytes: 0 })
  })

  it('joins what it brings back with what was written since', () => {
    const { queue, pending, releasable, archive, log, take } = createQueue()
    log(write('a', 1), 1)
    archive(write('a', 2))
    const batch = take()
    log(write('b', 3), 2)
    log(write('a', 4), 3)
    queue.settle(batch, [PARKED])
    expect(pending.read('a')?.stamp.time).toBe(4)
    expect(releasable()).toBe(0)
    const next = take()
    expect(next.writes.map((each) => [each.id, each.stamp.time])).toEqual([
      ['a', 4],
      ['b', 3],
    ])
    queue.settle(next, [WON, WON])
    expect(releasable()).toBe(3)
    expect(queue.budget.used).toEqual({ items: 0, bytes: 0 })
  })

  it('lets a parked write go with its records: the parking file has it [W6]', () => {
    const { queue, pending, releasable, log, take } = createQueue()
    log(write('a', 1), 1)
    queue.settle(take(), [PARKED])
    expect(pending.read('a')).toBeUndefined()
    expect(releasable()).toBe(1)
  })
})

describe('supersede [R5]', () => {
  it('drops what waits and is older, and tells the caller that waits', () => {
    const { queue, pending, releasable, log, archive, heard } = createQueue()
    log(write('a', 1), 1)
    archive(write('a', 2))
    expect(queue.supersede('a', stamp(1))).toBe(0)
    expect(queue.supersede('a', stamp(2))).toBe(1)
    expect(pending.read('a')).toBeUndefined()
    expect(heard).toEqual([])
    expect(queue.supersede('a', stamp(3))).toBe(1)
    expect(heard).toEqual([['a@2', { kind: 'superseded', by: stamp(3), isFromFuture: false }]])
    expect(releasable()).toBe(1)
    expect(queue.budget.used).toEqual({ items: 0, bytes: 0 })
    expect(queue.supersede('b', stamp(3))).toBe(0)
  })

  it('hides what is in flight and older, and lets the archive settle it', () => {
    const { queue, pending, releasable, log, take } = createQueue()
    log(write('a', 1), 1)
    const batch = take()
    log(write('b', 1), 2)
    expect(queue.supersede('a', stamp(3))).toBe(0)
    expect(queue.supersede('b', stamp(1))).toBe(0)
    expect(pending.read('a')).toBeUndefined()
    expect(pending.read('b')).toBeDefined()
    expect(releasable()).toBe(0)
    queue.settle(batch, [{ kind: 'superseded', by: stamp(3), isFromFuture: false }])
    expect(releasable()).toBe(1)
  })
})

describe('figures', () => {
  it('counts space from admission to the end of the write [W8]', () => {
    const { queue, pending, take } = createQueue()
    const item = write('a', 1)
    const bytes = sizeOfWrite(item)
    expect(queue.budget.admit(bytes)).toBeUndefined()
    expect(queue.budget.admit(bytes)).toBeUndefined()
    expect(queue.budget.used).toEqual({ items: 2, bytes: bytes * 2 })
    queue.budget.giveBack(bytes)
    pending.add(item, 1, 0, { isAdmitted: true })
    expect(queue.budget.used).toEqual({ items: 1, bytes })
    // A coalesced write needs no space any more.
    pending.add(write('a', 2), 2, 0)
    expect(queue.budget.used).toEqual({ items: 1, bytes })
    queue.settle(take(), [WON])
    expect(queue.budget.used).toEqual({ items: 0, bytes: 0 })
  })

  it('knows the age of the oldest write, in flight or not', () => {
    const { queue, pending, take } = createQueue()
    expect(queue.oldestAgeMs(50)).toBe(0)
    pending.add(write('a', 1), 1, 100)
    pending.add(write('a', 2), 2, 140)
    const batch = take()
    pending.add(write('a', 3), 3, 150)
    expect(queue.oldestAgeMs(200)).toBe(100)
    queue.settle(batch, [WON])
    expect(queue.oldestAgeMs(200)).toBe(50)
  })

  it('tells when all that was there at a moment is settled, while more is written', () => {
    const { queue, log, take } = createQueue()
    log(write('a', 1), 1)
    log(write('b', 2), 2)
    const mark = queue.lastOrder
    const first = take({ itemsMax: 1, bytesMax: 1_000 })
    log(write('a', 3), 3)
    queue.settle(first, [WON])
    expect(queue.settledThrough).toBeLessThan(mark)
    queue.settle(take({ itemsMax: 1, bytesMax: 1_000 }), [WON])
    expect(queue.settledThrough).toBeGreaterThanOrEqual(mark)
    expect(queue.count).toBe(1)
  })
})

it('reads a write that was found in the log again, which is not the newest for sure [W6] [R2]', () => {
  const { queue, pending, log, take } = createQueue()
  const older = write('a', 5)
  log(older, 1)
  log(write('a', 7), 2)
  const batch = take()
  queue.settle(batch, [PARKED], new Map([[0, { write: older, logSequence: 1 }]]))
  expect(pending.read('a')).toBe(older)
  expect(pending.isSure('a')).toBe(false)
  // Also once it is written again, as what is sent may not be what is read.
  log(write('a', 8), 3)
  expect(pending.isSure('a')).toBe(false)
  queue.settle(take(), [WON])
  log(write('a', 9), 4)
  expect(pending.isSure('a')).toBe(true)
})

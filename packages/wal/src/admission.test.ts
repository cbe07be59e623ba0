import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { Admission } from './admission.ts'
import type { Call } from './call.ts'
import { completeLimits } from './limits.ts'
import type { LogState } from './log-types.ts'
import type { FullReason } from './observer.ts'

/** Goal: who is taken in, who waits and who is refused, and in which order. Method: bounds that say what the test says. */

const WAIT_MS = 500
const limits = completeLimits({
  segmentBytes: 4096,
  recordsMax: 100,
  groupBytesMax: 4096,
  spareSegmentsMax: 1,
  bytesMax: undefined,
  ageMsMax: undefined,
})

function world(onFull: 'wait' | 'refuse') {
  const clock = createFakeClock()
  const now: { reason: FullReason | undefined; state: LogState } = { reason: undefined, state: 'open' }
  const calls: Call[] = []
  const taken: string[] = []
  const told: string[] = []
  let attempts = 0
  const admission = new Admission({
    options: { limits, onFull, waitMs: WAIT_MS },
    clock,
    observer: { full: ({ reason, refused }) => void told.push(`${reason} ${refused ? 'refused' : 'waits'}`) },
    life: {
      get state() {
        return now.state
      },
      get isOpen() {
        return now.state === 'open'
      },
      whyNot: () => ({ code: 'NOT_OPEN' }) as never,
    },
    bounds: {
      fullReason: () => now.reason,
      fullError: (reason) => ({ code: 'FULL', reason }) as never,
    },
    supply: { sinceAttemptMs: Infinity, prepare: () => void attempts++ },
    commit: {
      enqueue(call) {
        calls.push(call)
        if (call.records instanceof Uint8Array) taken.push(nameOf(call))
      },
    },
  })
  const outcomes: string[] = []
  const submit = (name: string, urgent = false) => {
    admission
      .submit(Buffer.from(name), true, { urgent })
      .catch((error: { code: string; reason?: string }) => {
        outcomes.push(`${name}: ${error.code} ${error.reason ?? ''}`.trim())
      })
  }
  return { admission, clock, now, calls, taken, told, outcomes, submit, attempts: () => attempts }
}

const nameOf = (call: Call) => Buffer.from(call.records as Uint8Array).toString()

function callNamed(name: string, outcomes: string[], isUrgent = false): Call {
  return {
    records: Buffer.from(name),
    recordCount: 1,
    payloadBytes: 1,
    isDurable: true,
    isControl: false,
    isUrgent,
    resolve: () => {},
    reject: (error) => void outcomes.push(`${name}: ${(error as { code: string }).code}`),
  }
}

describe('with room', () => {
  it('takes calls in, in their order', () => {
    const { submit, taken, told } = world('refuse')
    for (const name of ['a', 'b', 'c']) submit(name)
    expect([taken, told]).toEqual([['a', 'b', 'c'], []])
  })

  it('keeps the list of records as it was, not the bytes', () => {
    const { admission, calls } = world('refuse')
    const records = [Buffer.from('a'), Buffer.from('b')]
    void admission.submit(records, true, undefined)
    records.pop()
    expect(calls[0]).toMatchObject({ recordCount: 2, payloadBytes: 2 })
    expect(calls[0]!.records).toHaveLength(2)
  })
})

describe('without room', () => {
  it('refuses at once where it is told to, with the reason', async () => {
    const { submit, now, outcomes, told, taken } = world('refuse')
    now.reason = 'bytes'
    submit('a')
    await Promise.resolve()
    expect([outcomes, told, taken]).toEqual([['a: FULL bytes'], ['bytes refused'], []])
  })

  it('lets calls wait, takes them in by their order when room is made, and none overtakes them', () => {
    const { admission, submit, now, told, taken } = world('wait')
    now.reason = 'records'
    submit('a')
    now.reason = undefined
    submit('b')
    expect([taken, admission.waitingCount, told]).toEqual([[], 2, ['records waits', 'records waits']])
    admission.admitWaiting()
    expect([taken, admission.waitingCount]).toEqual([['a', 'b'], 0])
  })

  it('lets an urgent call pass', () => {
    const { submit, now, taken } = world('wait')
    now.reason = 'records'
    submit('a')
    submit('urgent', true)
    expect(taken).toEqual(['urgent'])
  })

  it('refuses a call that has waited for its time, with the reason why it waited', async () => {
    const { submit, now, clock, outcomes } = world('wait')
    now.reason = 'age'
    submit('a')
    await clock.advance(WAIT_MS - 1)
    expect(outcomes).toEqual([])
    await clock.advance(1)
    expect(outcomes).toEqual(['a: FULL age'])
  })

  it('tries a full disk again as long as a call waits for it', async () => {
    const { admission, submit, now, clock, attempts } = world('wait')
    now.reason = 'disk'
    submit('a')
    expect(attempts()).toBe(1)
    await clock.advance(WAIT_MS - 1)
    now.reason = undefined
    admission.admitWaiting()
    expect(clock.timerCount).toBe(1)
    await clock.advance(10_000)
    expect([attempts(), clock.timerCount]).toEqual([1, 0])
  })
})

describe('calls that come back for want of a segment', () => {
  it.each([
    ['open', ['b: FULL'], 2],
    ['closing', ['a: FULL', 'b: FULL', 'c: FULL'], 0],
    ['failed', ['a: NOT_OPEN', 'b: NOT_OPEN', 'c: NOT_OPEN'], 0],
  ] as const)('while the log is %s', (state, refused, waitingCount) => {
    const { admission, now } = world('wait')
    const outcomes: string[] = []
    now.state = state
    admission.takeBack([callNamed('a', outcomes), callNamed('b', outcomes, true), callNamed('c', outcomes)])
    expect([outcomes, admission.waitingCount]).toEqual([refused, waitingCount])
  })

  it('go before those that wait already', () => {
    const { admission, now, submit, taken } = world('wait')
    now.reason = 'disk'
    submit('later')
    admission.takeBack([callNamed('first', []), callNamed('second', [])])
    now.reason = undefined
    admission.admitWaiting()
    expect(taken).toEqual(['first', 'second', 'later'])
  })
})

describe('a log that is not open', () => {
  it('takes nothing in, also from those that wait, and leaves no timer behind', async () => {
    const { admission, now, submit, clock, taken, outcomes } = world('wait')
    now.reason = 'disk'
    submit('a')
    now.reason = undefined
    now.state = 'closing'
    admission.admitWaiting()
    submit('b')
    await Promise.resolve()
    expect([taken, outcomes]).toEqual([[], ['b: NOT_OPEN']])
    expect(admission.stop().map(nameOf)).toEqual(['a'])
    expect([admission.waitingCount, clock.timerCount]).toEqual([0, 0])
  })
})

import { describe, expect, it } from 'vitest'
import { LogFailed, LogLockLost } from './errors.ts'
import { LogLife } from './log-life.ts'

/** Goal: the states of a log are those drawn, and the first failure is the one all callers are told. Method: each step from each state. */

const PROGRESS = { lastSequence: 7, durableSequence: 5 }

function newLife(): { life: LogLife; told: [LogFailed, string, unknown][] } {
  const told: [LogFailed, string, unknown][] = []
  return { life: new LogLife(PROGRESS, (...all) => void told.push(all)), told }
}

const STEPS = {
  fail: (life: LogLife) => void life.fail('write', new Error('EIO')),
  beginClosing: (life: LogLife) => life.beginClosing(),
  end: (life: LogLife) => life.end(),
}

describe('LogLife', () => {
  // prettier-ignore
  it.each([
    [[],                                'open',    true,  undefined],
    [['beginClosing'],                  'closing', false, 'SE_LOG_CLOSED'],
    [['beginClosing', 'end'],           'closed',  false, 'SE_LOG_CLOSED'],
    [['fail'],                          'failed',  false, 'SE_LOG_FAILED'],
    [['fail', 'beginClosing'],          'failed',  false, 'SE_LOG_FAILED'],
    [['fail', 'beginClosing', 'end'],   'closed',  false, 'SE_LOG_FAILED'],
    [['beginClosing', 'fail'],          'closing', false, 'SE_LOG_FAILED'],
    [['beginClosing', 'fail', 'end'],   'closed',  false, 'SE_LOG_FAILED'],
  ] as const)('%j -> %s', (steps, state, isOpen, code) => {
    const { life } = newLife()
    for (const step of steps) STEPS[step](life)
    expect([life.state, life.isOpen, life.isClosed]).toEqual([state, isOpen, state === 'closed'])
    if (code !== undefined) expect(life.whyNot()).toMatchObject({ code })
    expect(life.failure !== undefined).toBe(code === 'SE_LOG_FAILED')
  })

  it('keeps the first failure with how far the log had come, and tells of it once', () => {
    const { life, told } = newLife()
    const cause = new Error('EIO')
    const first = life.fail('write', cause)
    expect(first).toMatchObject({ cause, details: { operation: 'write', ...PROGRESS } })
    expect(life.fail('close', new Error('later'))).toBe(first)
    expect(life.whyNot()).toBe(first)
    expect(told).toEqual([[first, 'write', cause]])
  })

  it('fails by the very error of a lost lock, which says more', () => {
    const { life } = newLife()
    const lost = new LogLockLost('taken over')
    expect(life.fail('lock', lost)).toBe(lost)
    expect(newLife().life.fail('lock', new Error('EIO'))).toBeInstanceOf(LogFailed)
  })
})

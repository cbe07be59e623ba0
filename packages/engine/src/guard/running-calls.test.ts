import { describe, expect, it } from 'vitest'
import { RunningCalls, type Joins } from './running-calls.ts'

/** A method whose calls end when the test says so, and how often it was called. */
function begin(joins: Joins) {
  const ends: ((value: unknown) => void)[] = []
  const running = new RunningCalls()
  const method = running.joining(
    'm',
    () => new Promise<never>((resolve) => ends.push(resolve as never)),
    joins,
  )
  const call = (argument?: unknown): Promise<unknown> => method(argument)
  return { running, call, ends }
}

describe('RunningCalls', () => {
  it('lets calls that join nothing run side by side', async () => {
    const { running, call, ends } = begin('never')
    const calls = [call(), call()]
    expect(ends).toHaveLength(2)
    expect(running.has('m')).toBe(false)
    ends[1]!('second')
    ends[0]!('first')
    expect(await Promise.all(calls)).toEqual(['first', 'second'])
  })

  it('gives a call the result of the one that still runs, and sends the next one after its end [P61]', async () => {
    const { running, call, ends } = begin('always')
    const calls = [call(), call()]
    expect(ends).toHaveLength(1)
    expect(running.has('m')).toBe(true)
    ends[0]!('the one')
    expect(await Promise.all(calls)).toEqual(['the one', 'the one'])
    expect(running.has('m')).toBe(false)
    void call()
    expect(ends).toHaveLength(2)
  })

  it('refuses to send another call while one runs whose fate is unknown, and compares with that one [W5]', async () => {
    const { call, ends } = begin(((a: number, b: number) => a === b) as Joins)
    const first = call(7)
    const again = call(7)
    expect(() => call(8)).toThrow('while the fate of a call is unknown, no other one is sent')
    // A refused call does not take the place of the one that runs.
    expect(() => call(8)).toThrow()
    expect(ends).toHaveLength(1)
    ends[0]!('done')
    expect(await Promise.all([first, again])).toEqual(['done', 'done'])
    void call(8)
    expect(ends).toHaveLength(2)
  })

  it('sends a call at once when what runs counts no more', () => {
    const { running, call, ends } = begin('always')
    void call()
    running.forget()
    expect(running.has('m')).toBe(false)
    void call()
    expect(ends).toHaveLength(2)
  })
})

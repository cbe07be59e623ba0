import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { WaitingLine } from './waiting-line.ts'

/** Goal: first come, first served, and none waits longer than its time. Method: names in a line, and a clock that is moved. */

const WAIT_MS = 100

function world() {
  const clock = createFakeClock()
  const expired: string[] = []
  const line = new WaitingLine<string>(clock, WAIT_MS, (over) => {
    for (const { entry, reason } of over) expired.push(`${entry} ${reason}`)
  })
  const admit = (count: number) => {
    const taken: string[] = []
    line.admit(
      () => taken.length < count,
      (entry) => void taken.push(entry),
    )
    return taken
  }
  return { clock, line, expired, admit }
}

describe('WaitingLine', () => {
  it('gives entries from the front, as long as they fit', () => {
    const { line, admit } = world()
    line.add(['a', 'b'], 'records')
    line.add(['c'], 'bytes')
    expect([line.length, line.reason]).toEqual([3, 'records'])
    expect(admit(0)).toEqual([])
    expect(admit(2)).toEqual(['a', 'b'])
    expect([line.length, line.reason]).toEqual([1, 'bytes'])
    expect(line.clear()).toEqual(['c'])
    expect([line.length, line.reason]).toEqual([0, undefined])
  })

  it('tells of each entry when its own time is over', async () => {
    const { clock, line, expired } = world()
    line.add(['a'], 'records')
    await clock.advance(60)
    line.add(['b'], 'bytes')
    await clock.advance(40)
    expect(expired).toEqual(['a records'])
    await clock.advance(60)
    expect(expired).toEqual(['a records', 'b bytes'])
  })

  it('puts entries before all others, which then wait no longer for them', async () => {
    const { clock, line, expired, admit } = world()
    line.add(['later'], 'disk')
    await clock.advance(70)
    line.add(['first', 'second'], 'disk', true)
    expect(admit(1)).toEqual(['first'])
    await clock.advance(30)
    expect(expired).toEqual(['second disk', 'later disk'])
  })

  it('has a timer that holds the process while an entry waits, and none else', async () => {
    const { clock, line, admit } = world()
    expect(clock.timerCount).toBe(0)
    line.add(['a', 'b'], 'records')
    expect([clock.timerCount, clock.keepsProcessAlive]).toEqual([1, true])
    admit(1)
    expect(clock.timerCount).toBe(1)
    admit(1)
    expect(clock.timerCount).toBe(0)
    line.add(['c'], 'records')
    await clock.advance(WAIT_MS)
    expect(clock.timerCount).toBe(0)
  })

  it('stays in order over many, however they come and go', () => {
    const { line, admit } = world()
    const taken: string[] = []
    for (let index = 0; index < 1_000; index++) {
      line.add([`${index}`], 'records')
      if (index % 3 !== 0) taken.push(...admit(1))
    }
    taken.push(...line.clear())
    expect(taken).toEqual(Array.from({ length: 1_000 }, (_, index) => `${index}`))
  })
})

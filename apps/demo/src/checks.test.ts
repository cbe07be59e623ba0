import { describe, expect, it } from 'vitest'
import { Checks } from './checks.ts'

describe('Checks', () => {
  it('counts what holds, and keeps and tells what does not, with what was found', () => {
    const told: string[] = []
    const checks = new Checks((failure) => told.push(failure))
    expect(checks.that(true, 'the roots agree')).toBe(true)
    expect(checks.that(false, 'the filter is trusted', 'not compared yet')).toBe(false)
    expect(checks.equal(5, 5, 'five items')).toBe(true)
    expect(checks.equal(4, 5, 'five items in L3')).toBe(false)
    expect(checks.equal('5', 5, 'a number')).toBe(false)
    expect(checks.count).toBe(5)
    const failures = [
      'the filter is trusted; found: not compared yet',
      'five items in L3; found: 4, not 5',
      'a number; found: 5, not 5',
    ]
    expect(checks.failures).toEqual(failures)
    expect(told).toEqual(failures)
  })
})

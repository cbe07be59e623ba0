import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GoalsInvalid, judge, parseGoals, type Goal } from './goals.ts'
import { formatTable, formatVerdicts } from './table.ts'

const ratio = (low: number, high: number, pairCount = 15) => ({
  ratio: (low + high) / 2,
  low,
  high,
  pairCount,
})
const atLeast = (bound: number): Goal => ({
  case: 'a.b',
  unit: 'ns',
  against: 'peer',
  bound: { atLeast: bound },
})
const atMost = (bound: number): Goal => ({
  case: 'a.b',
  unit: 'ns',
  against: 'peer',
  bound: { atMost: bound },
})

describe('verdict', () => {
  it('holds when the whole interval is on the good side, its edge included', () => {
    expect(judge(atLeast(0.9), ratio(0.9, 1.1))).toBe('holds')
    expect(judge(atMost(1.3), ratio(1, 1.3))).toBe('holds')
  })

  it('falls short when the whole interval is on the other side', () => {
    expect(judge(atLeast(0.9), ratio(0.7, 0.89))).toBe('falls short')
    expect(judge(atMost(1.3), ratio(1.31, 2))).toBe('falls short')
  })

  it('cannot say when the goal lies inside the interval, or the pairs are too few', () => {
    expect(judge(atLeast(0.9), ratio(0.8, 1.1))).toBe('cannot say')
    expect(judge(atMost(1.3), ratio(1.2, 1.4))).toBe('cannot say')
    expect(judge(atLeast(0.9), ratio(5, 6, 14))).toBe('cannot say')
  })
})

describe('goals file', () => {
  it('reads the goals checked in', () => {
    const text = readFileSync(new URL('../../../testdata/bench-goals.json', import.meta.url), 'utf8')
    const goals = parseGoals(text)
    expect(goals).toHaveLength((JSON.parse(text) as { goals: unknown[] }).goals.length)
    expect(goals[0]).toEqual({
      case: 'wal.append.64-writers.100B',
      unit: 'acks/s',
      against: 'grouped writev+fdatasync, same writers, no framing',
      bound: { atLeast: 0.9 },
    })
  })

  it.each([
    ['not JSON', '{', 'not JSON'],
    ['no list', '{"goals":{}}', 'goals: must be a list'],
    ['no case', '{"goals":[{"unit":"s","against":"x","atMost":1}]}', 'goals[0].case'],
    ['no bound', '{"goals":[{"case":"a","unit":"s","against":"x"}]}', 'goals[0]'],
    ['two bounds', '{"goals":[{"case":"a","unit":"s","against":"x","atMost":1,"atLeast":1}]}', 'goals[0]'],
    ['a bound of 0', '{"goals":[{"case":"a","unit":"s","against":"x","atMost":0}]}', 'goals[0].atMost'],
  ])('refuses %s, and names the place', (_, text, place) => {
    expect(() => parseGoals(text)).toThrow(GoalsInvalid)
    expect(() => parseGoals(text)).toThrow(place)
  })

  it('prints one line for each goal that was run, and nothing for the others', () => {
    const result = {
      case: 'a.b',
      unit: 'ns',
      better: 'lower' as const,
      ours: 1,
      against: { peer: 2 },
      ratios: { peer: ratio(0.4, 0.6) },
      notes: [],
    }
    expect(formatVerdicts([atMost(0.7), { ...atMost(0.7), against: 'other' }], [result])).toEqual([
      'a.b | peer | 0.500 | [0.400, 0.600] | at most 0.7 | holds',
    ])
  })
})

describe('table', () => {
  it('shows no more digits than a measurement has', () => {
    expect(
      formatTable(
        ['what', 'value'],
        [
          ['a', 1.6753229999999917],
          ['b', 12_345.678],
          ['c', 0.000123456],
        ],
      ),
    ).toBe(['what      value', 'a          1.68', 'b        12,346', 'c     0.0001235'].join('\n'))
  })
})

import { describe, expect, it } from 'vitest'
import { defineCase, type PreparedCase } from './case.ts'
import { measureCase } from './measure.ts'

function recorded(values: Partial<PreparedCase> = {}) {
  const order: string[] = []
  const definition = defineCase({
    case: 'bench.order',
    unit: 'ns',
    better: 'lower',
    setup: async () => ({
      ours: () => (order.push('ours'), 2),
      against: { left: () => (order.push('left'), 4), right: () => (order.push('right'), 1) },
      teardown: () => void order.push('teardown'),
      ...values,
    }),
  })
  return { order, definition }
}

describe('measuring a case', () => {
  it('takes 15 alternated pairs after one warm-up, and turns the order round each time', async () => {
    const { order, definition } = recorded()
    const result = await measureCase(definition, Infinity, () => 0)
    expect(order).toHaveLength(3 * 16 + 1)
    expect(order.slice(0, 9)).toEqual([
      ...order.slice(0, 3),
      'ours',
      'left',
      'right',
      'right',
      'left',
      'ours',
    ])
    expect(order.at(-1)).toBe('teardown')
    expect(result).toMatchObject({ ours: 2, against: { left: 4, right: 1 }, notes: [] })
    expect(result.ratios.left).toEqual({ ratio: 0.5, low: 0.5, high: 0.5, pairCount: 15 })
    expect(result.ratios.right?.ratio).toBe(2)
  })

  it('begins no round after the deadline, and says how many it took', async () => {
    const { definition } = recorded()
    let now = 0
    const result = await measureCase(definition, 5, () => now++)
    expect(result.ratios.left?.pairCount).toBeLessThan(15)
    expect(result.notes.join()).toMatch(/time limit after \d+ of 15 pairs/)
  })

  it('refuses a sample that is not a number above 0, and still tears down', async () => {
    const { order, definition } = recorded({ ours: () => 0 })
    await expect(measureCase(definition, Infinity, () => 0)).rejects.toThrow('ours returned 0')
    expect(order.at(-1)).toBe('teardown')
  })

  it('tells what broke a sample, also when the teardown then fails too', async () => {
    const fail = (text: string) => () => {
      throw new Error(text)
    }
    const both = recorded({ ours: fail('no answer'), teardown: fail('not open') })
    const failure = await measureCase(both.definition, Infinity, () => 0).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AggregateError)
    expect((failure as AggregateError).errors.map(String)).toEqual(['Error: no answer', 'Error: not open'])

    const last = recorded({ teardown: fail('not open') })
    await expect(measureCase(last.definition, Infinity, () => 0)).rejects.toThrow('not open')
  })
})

import { seededRandom } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { Bisection } from './bisect.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)

/** An archive that refuses what holds a bad write, or is larger than its packet. */
function run(count: number, bad: ReadonlySet<number>, itemsMax = Infinity) {
  const bisection = new Bisection(count)
  const accepted: number[] = []
  let tries = 0
  for (let range = bisection.current; range !== undefined; range = bisection.current) {
    tries += 1
    const indexes = Array.from({ length: range.end - range.start }, (_, offset) => range.start + offset)
    if (indexes.length > itemsMax || indexes.some((index) => bad.has(index))) bisection.refused()
    else {
      accepted.push(...indexes)
      bisection.accepted()
    }
  }
  return { accepted, found: bisection.bad, tries }
}

describe('Bisection', () => {
  it('finds exactly the bad writes, sends none again that was accepted, in O(log n) tries each [W6, P6]', () => {
    console.info(`seed ${SEED}`)
    const random = seededRandom(SEED)
    for (let round = 0; round < 3_000; round++) {
      const count = 1 + random.below(random.pick([1, 8, 1_000]))
      const bad = new Set<number>()
      const badCount = 1 + random.below(Math.min(count, 5))
      while (bad.size < badCount) bad.add(random.below(count))
      const { accepted, found, tries } = run(count, bad)
      expect(found).toEqual([...bad].sort((a, b) => a - b))
      // Each good one once, in order.
      expect(accepted).toEqual(
        Array.from({ length: count }, (_, index) => index).filter((index) => !bad.has(index)),
      )
      expect(tries).toBeLessThanOrEqual(2 * bad.size * Math.ceil(Math.log2(Math.max(2, count))))
    }
  })

  it('finds nothing bad where only the batch was too large', () => {
    const { accepted, found } = run(1_000, new Set(), 100)
    expect(found).toEqual([])
    expect(accepted.length).toBe(1_000)
  })

  it('knows that a batch of one was bad without sending it again', () => {
    expect(run(1, new Set([0]))).toEqual({ accepted: [], found: [0], tries: 0 })
  })

  it('keeps its place when nothing is said, so that the same writes are sent again after an outage [W5]', () => {
    const bisection = new Bisection(8)
    const before = bisection.current
    expect(before).toEqual({ start: 0, end: 4 })
    expect(bisection.current).toBe(before)
    bisection.accepted()
    expect(bisection.current).toEqual({ start: 4, end: 8 })
  })

  it('is not told anything after its end', () => {
    const bisection = new Bisection(2)
    bisection.accepted()
    bisection.accepted()
    expect(() => bisection.accepted()).toThrow(/has ended/)
  })
})

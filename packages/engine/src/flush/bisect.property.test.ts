import { seededRandom } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { ALONE_FAILURES_MAX, Bisection, WHOLE_FAILURES_MAX, type BadWrite, type Range } from './bisect.ts'
import { Doubts } from './doubts.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)

interface Write {
  readonly number: number
}
type Answer = 'accepted' | 'refused' | 'failed'
type Archive = (writes: readonly Write[], tries: number) => Answer

const writesOf = (count: number): Write[] => Array.from({ length: count }, (_, number) => ({ number }))
const numbersOf = (writes: readonly Write[]) => writes.map(({ number }) => number)
const ascending = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b)
const all = (count: number) => Array.from({ length: count }, (_, index) => index)

interface Outcome {
  readonly accepted: readonly number[]
  readonly bad: readonly (Omit<BadWrite, 'index'> & Write)[]
  readonly setBack: readonly Write[]
  readonly sent: readonly Range[]
  readonly isFruitful: boolean
}

/** Sends one batch, until the end. */
function run(writes: readonly Write[], archive: Archive, doubts = new Doubts<Write>()): Outcome {
  const bisection = new Bisection(writes, doubts)
  const accepted: number[] = []
  const sent: Range[] = []
  for (let range = bisection.current; range !== undefined; range = bisection.current) {
    sent.push(range)
    const part = writes.slice(range.start, range.end)
    const answer = archive(part, sent.length)
    if (answer === 'accepted') {
      accepted.push(...numbersOf(part))
      bisection.accepted()
    } else if (answer === 'refused') bisection.refused()
    else if (bisection.failed()) expect(bisection.current).toBe(range)
  }
  const bad = bisection.bad.map(({ index, because }) => ({ ...writes[index]!, because }))
  const setBack = bisection.setBack.map((index) => writes[index]!)
  return { accepted, bad, setBack, sent, isFruitful: bisection.isFruitful }
}

/** Sends batches as the pipeline does: what was set back is at the head of the next one, before what came meanwhile. */
function runAll(batches: readonly (readonly Write[])[], archive: Archive) {
  const doubts = new Doubts<Write>()
  const accepted: number[] = []
  const bad: Outcome['bad'][number][] = []
  let rest: readonly Write[] = []
  let tries = 0
  for (const batch of batches) {
    const writes = [...rest, ...batch]
    if (writes.length === 0) continue
    const outcome = run(writes, archive, doubts)
    accepted.push(...outcome.accepted)
    bad.push(...outcome.bad)
    rest = outcome.setBack
    tries += outcome.sent.length
  }
  return { accepted, bad, setBack: numbersOf(rest), tries }
}

function draw(random: ReturnType<typeof seededRandom>, count: number, max: number): Set<number> {
  const drawn = new Set<number>()
  const size = 1 + random.below(Math.min(count, max))
  while (drawn.size < size) drawn.add(random.below(count))
  return drawn
}

describe('Bisection of what the archive refuses as data', () => {
  it('finds exactly the bad writes, sends none again that was accepted, in O(log n) tries each [W6, P6]', () => {
    console.info(`seed ${SEED}`)
    const random = seededRandom(SEED)
    for (let round = 0; round < 2_000; round++) {
      const count = 1 + random.below(random.pick([1, 8, 1_000]))
      const bad = draw(random, count, 5)
      const outcome = run(writesOf(count), (writes) =>
        writes.some(({ number }) => bad.has(number)) ? 'refused' : 'accepted',
      )
      expect(outcome.bad).toEqual(ascending(bad).map((number) => ({ number, because: 'refused-data' })))
      expect(outcome.setBack).toEqual([])
      // Each good one once, in order.
      expect(outcome.accepted).toEqual(all(count).filter((index) => !bad.has(index)))
      const log2 = Math.ceil(Math.log2(Math.max(2, count)))
      expect(outcome.sent.length).toBeLessThanOrEqual(1 + 2 * bad.size * log2)
    }
  })

  it('finds nothing bad where only the batch was too large', () => {
    const outcome = run(writesOf(1_000), ({ length }) => (length > 100 ? 'refused' : 'accepted'))
    expect(outcome).toMatchObject({ accepted: all(1_000), bad: [], setBack: [] })
  })
})

describe('Bisection of what fails for any other reason', () => {
  it('finds exactly the writes that always fail once others go through, and never keeps those back [W9, P72]', () => {
    console.info(`seed ${SEED}`)
    const random = seededRandom(SEED)
    for (let round = 0; round < 1_000; round++) {
      const count = 1 + random.below(random.pick([1, 8, 1_000]))
      const failing = draw(random, count, random.pick([1, 5, 40]))
      const refused = new Set([...draw(random, count, 3)].filter((number) => !failing.has(number)))
      // What comes later, all of it good: one write a batch.
      const writes = writesOf(count + 200)
      const later = writes.slice(count).map((write) => [write])
      const outcome = runAll([writes.slice(0, count), ...later], (part) => {
        if (part.some(({ number }) => failing.has(number))) return 'failed'
        return part.some(({ number }) => refused.has(number)) ? 'refused' : 'accepted'
      })
      expect(ascending(outcome.bad.map(({ number }) => number))).toEqual(ascending([...failing, ...refused]))
      for (const { number, because } of outcome.bad) {
        expect(because).toBe(failing.has(number) ? 'always-fails' : 'refused-data')
      }
      expect(outcome.setBack).toEqual([])
      const isBad = (number: number) => failing.has(number) || refused.has(number)
      expect(ascending(outcome.accepted)).toEqual(all(count + 200).filter((number) => !isBad(number)))
    }
  })

  it('sends what is doubted alone and last: what is behind it waits for nothing [W9]', () => {
    const doubts = new Doubts<Write>()
    const writes = writesOf(6)
    for (const number of [0, 3]) doubts.failedAlone(writes[number]!)
    const { sent, bad } = run(writes, (part) => (part.length === 1 ? 'failed' : 'accepted'), doubts)
    expect(sent).toEqual([
      { start: 1, end: 3 },
      { start: 4, end: 6 },
      { start: 0, end: 1 },
      { start: 3, end: 4 },
    ])
    expect(bad.map(({ number }) => number)).toEqual([0, 3])
  })

  it('finds nothing bad where only the batch was too large', () => {
    for (const itemsMax of [1, 100, 999]) {
      const outcome = run(writesOf(1_000), ({ length }) => (length > itemsMax ? 'failed' : 'accepted'))
      expect(outcome).toMatchObject({ accepted: all(1_000), bad: [], setBack: [] })
    }
  })

  it('finds nothing bad where nothing goes through, for however long, and then everything', () => {
    const random = seededRandom(SEED)
    for (let round = 0; round < 300; round++) {
      const batches = random.pick([1, 20, 100])
      const count = 1 + random.below(random.pick([1, 8, 300]))
      const writes = writesOf(count)
      let batch = 0
      const outcome = runAll(
        Array.from({ length: batches + 3 }, (_, index) => (index === 0 ? writes : [])),
        (_, tries) => {
          if (tries === 1) batch++
          return batch <= batches ? 'failed' : 'accepted'
        },
      )
      expect(outcome.bad).toEqual([])
      expect(ascending(outcome.accepted)).toEqual(all(count))
    }
  })

  it('finds nothing bad where the archive fills up in the middle: what went through before is no evidence', () => {
    const doubts = new Doubts<Write>()
    const writes = writesOf(100)
    let isFull = false
    const archive: Archive = (part) => {
      if (isFull || part.some(({ number }) => number === 90)) return 'failed'
      isFull = part.some(({ number }) => number === 40)
      return 'accepted'
    }
    let rest: readonly Write[] = writes
    for (let batch = 0; batch < 50; batch++) {
      const outcome = run(rest, archive, doubts)
      expect(outcome.bad).toEqual([])
      rest = outcome.setBack
    }
    isFull = false
    const after = run(
      rest,
      (part) => (part.some(({ number }) => number === 90) ? 'failed' : 'accepted'),
      doubts,
    )
    expect([...after.bad.map(({ number }) => number), ...numbersOf(after.setBack)]).toEqual([90])
  })

  it('sends the whole again before it takes it apart, and does not try each write where nothing goes through', () => {
    const { sent, setBack, isFruitful } = run(writesOf(1_000), () => 'failed')
    expect(sent.slice(0, WHOLE_FAILURES_MAX)).toEqual(
      new Array<Range>(WHOLE_FAILURES_MAX).fill({ start: 0, end: 1_000 }),
    )
    expect(sent.length).toBeLessThanOrEqual(WHOLE_FAILURES_MAX + 20 + 2 * ALONE_FAILURES_MAX)
    expect(ascending(numbersOf(setBack))).toEqual(all(1_000))
    expect(isFruitful).toBe(false)
  })
})

describe('Bisection', () => {
  it('keeps its place when nothing is said, so that the same writes are sent again after an outage [W5]', () => {
    const bisection = new Bisection(writesOf(8), new Doubts())
    bisection.refused()
    const before = bisection.current
    expect(before).toEqual({ start: 0, end: 4 })
    expect(bisection.current).toBe(before)
    bisection.accepted()
    expect(bisection.current).toEqual({ start: 4, end: 8 })
  })

  it('is not told anything after its end', () => {
    const bisection = new Bisection(writesOf(2), new Doubts())
    bisection.accepted()
    expect(bisection.current).toBeUndefined()
    for (const answer of [() => bisection.accepted(), () => bisection.refused(), () => bisection.failed()]) {
      expect(answer).toThrow(/has ended/)
    }
  })
})

import type { SeededRandom } from '@se/core/testing'
import type { Call, Consistency, Level } from '@se/testkit/history'

/** Ten ids that all workers want at once. */
export const HOT_IDS: readonly string[] = Array.from({ length: 10 }, (_, index) => `hot.${index}`)

/** A worker's mood lasts so many figures at most: how many of a hundred only read. In calm ones caches grow warm. */
const MOOD_FIGURES_MAX = 400
const READS_OF_100 = [40, 50, 95]

/**
 * What a worker does next: calls that are made one after the other without awaiting any, and calls that are made when all
 * of these were answered.
 */
export interface Figure {
  readonly together: readonly Call[]
  readonly then: readonly Call[]
}

/** Makes figures; the same seed gives the same ones. @param nextValue a value that nobody else writes */
export function createWorkload(random: SeededRandom, nextValue: () => string): () => Figure {
  const level = (): Level => random.pick(['memory', 'log', 'log', 'archive'])
  const consistency = (): Consistency => random.pick(['local', 'local', 'shared', 'shared', 'source'])

  const read = (id: string): Call => {
    const kind = random.below(10)
    if (kind === 0) return { kind: 'containsFast', id }
    if (kind === 1) return { kind: 'getMany', ids: HOT_IDS.filter(() => random.chance(0.4)) }
    return { kind: 'get', id, consistency: consistency() }
  }
  const write = (id: string): Call =>
    random.chance(0.3)
      ? { kind: 'delete', id, level: level() }
      : { kind: 'submit', id, level: level(), value: nextValue() }

  let figuresLeft = 0
  let readsOf100 = 0
  return () => {
    if (figuresLeft-- === 0) {
      figuresLeft = random.below(MOOD_FIGURES_MAX)
      readsOf100 = random.pick(READS_OF_100)
    }
    if (random.below(100) < readsOf100) return { together: [read(random.pick(HOT_IDS))], then: [] }
    // All are read alike; the first ones are written far more often than the last ones.
    const id = HOT_IDS[Math.floor(random.fraction() ** 3 * HOT_IDS.length)]!
    if (random.chance(0.02)) return { together: [{ kind: 'flush' }], then: [read(id)] }
    if (random.chance(0.4)) return { together: [write(id)], then: [read(id)] }
    const together = Array.from({ length: 2 + random.below(3) }, () =>
      random.chance(0.75) ? write(id) : read(id),
    )
    return { together, then: [read(id), { kind: 'containsFast', id }] }
  }
}

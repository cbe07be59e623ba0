/** Cases for child.test.ts. */
import v8 from 'node:v8'
import { defineCase, defineReport } from '../src/index.ts'

export const area = 'sharing'

let built = 0

const report = (name: string, cell: () => string | number) =>
  defineReport({
    case: `sharing.${name}`,
    process: 'one',
    report: async () => ({ columns: [name], rows: [[cell()]] }),
  })

export const cases = [
  defineCase({
    case: 'sharing.compared',
    process: 'one',
    unit: 'ns',
    better: 'lower',
    setup: async () => {
      built++
      return { ours: () => 1, against: { peer: () => 2 } }
    },
  }),
  defineReport({ case: 'sharing.alone', report: async () => ({ columns: ['built'], rows: [[built]] }) }),
  report('built', () => built),
  report('heap', () => v8.getHeapStatistics().heap_size_limit),
  report('crash', () => process.exit(7)),
  report('behind', () => 1),
  report('last', () => 1),
  report('odd', () => Number.NaN),
  report('talk', () => {
    process.send?.({ kind: 'talk', case: 'nobody' })
    process.send?.(null)
    return 1
  }),
  report('cut off', () => {
    process.disconnect()
    return 1
  }),
  defineReport({
    case: 'sharing.hang',
    process: 'one',
    report: () => new Promise(() => setInterval(() => {}, 1_000)),
  }),
]

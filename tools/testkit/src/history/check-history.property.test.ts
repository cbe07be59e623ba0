/**
 * Goal: the checker never cries wolf, and notices any answer that is changed for one that may not be.
 * Method: histories of a simulated store that keeps every promise, and uses all the freedom it has, are found without an
 * anomaly; then one answer of such a history is set back to an older value.
 */
import { isNewer } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { expect, test } from 'vitest'
import { seed } from '../seed.ts'
import { checkHistory } from './check-history.ts'
import { describeAnomaly } from './describe-anomaly.ts'
import type { History, Operation } from './operation.ts'
import { simulateHistory } from './simulated-store.ts'

const HISTORIES = 120

function describeAll(history: History): string[] {
  return checkHistory(history).anomalies.map((anomaly) => describeAnomaly(anomaly, history))
}

test('finds nothing in what a correct store answers, killed, deaf and failing as it may be', () => {
  const random = seededRandom(seed('valid histories'))
  const sums = { bounded: 0, unanswered: 0, deaf: 0, wentBack: 0 }
  for (let index = 0; index < HISTORIES; index++) {
    const history = simulateHistory({
      random,
      workers: 1 + random.below(4),
      ids: ['a', 'b', 'c'].slice(0, 1 + random.below(3)),
      calls: 500,
    })
    expect(describeAll(history)).toEqual([])
    const { counts } = checkHistory(history)
    expect(counts.oldestReadUs).toBeLessThanOrEqual(500_000)
    for (const name of ['bounded', 'unanswered', 'deaf', 'wentBack'] as const) sums[name] += counts[name]
  }
  // All of what is allowed has happened, so that it was allowed for a reason.
  for (const count of Object.values(sums)) expect(count).toBeGreaterThan(0)
})

test('a history may be given in any order', () => {
  const random = seededRandom(seed('order'))
  const history = simulateHistory({ random, calls: 2_000 })
  const shuffled = history.operations
    .map((operation) => ({ operation, at: random.fraction() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ operation }) => operation)
  expect(checkHistory({ ...history, operations: shuffled })).toEqual(checkHistory(history))
})

test('notices a `source` read that is set back behind what a flush or an acknowledgement had committed', () => {
  const random = seededRandom(seed('planted'))
  let planted = 0
  for (let index = 0; index < HISTORIES; index++) {
    const history = simulateHistory({ random, ids: ['a'], calls: 300 })
    const reads = history.operations.filter(isItemRead)
    const read = reads.length === 0 ? undefined : random.pick(reads)
    const older = read === undefined ? undefined : valueBehindCommit(history, read)
    if (read === undefined || older === undefined) continue
    planted++
    const changed = { ...read, answer: { kind: 'items' as const, items: [older] } }
    const operations = history.operations.map((each) => (each === read ? changed : each))
    const { anomalies } = checkHistory({ ...history, operations })
    expect(anomalies.some((anomaly) => anomaly.operation === changed && anomaly.kind !== 'invented')).toBe(
      true,
    )
  }
  expect(planted).toBeGreaterThan(HISTORIES / 4)
})

function isItemRead({ call, answer }: Operation): boolean {
  return (
    call.kind === 'get' &&
    call.consistency === 'source' &&
    answer?.kind === 'items' &&
    answer.items[0] !== null
  )
}

/** A value of the id that was acknowledged before a newer one was acknowledged at level `archive`, before the read began. */
function valueBehindCommit(history: History, read: Operation) {
  const acknowledged = history.operations.flatMap(({ call, answer, endedUs = Infinity }) =>
    (call.kind === 'submit' || call.kind === 'delete') && answer?.kind === 'acknowledged'
      ? [{ call, stamp: answer.stamp, endedUs }]
      : [],
  )
  const committed = acknowledged.filter(
    ({ call, endedUs }) => call.level === 'archive' && endedUs < read.beganUs,
  )
  for (const { call, stamp } of acknowledged) {
    if (call.kind !== 'submit' || !committed.some((each) => isNewer(each.stamp, stamp))) continue
    return { value: call.value, stamp }
  }
  return undefined
}

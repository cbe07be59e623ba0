import { describe, expect, it } from 'vitest'
import { cutAt, linkOf, seededRandom } from '@se/core/testing'
import type { Cut, LedgerEntry, LedgerRow } from '@se/core'
import { netChanges, rowsBetween } from './net.ts'

const digest = new Uint8Array(16)
const entry = (id: string, time: number, wasLive: boolean, isLive: boolean): LedgerEntry => ({
  id,
  stamp: { time, instance: 1 },
  previousStamp: undefined,
  previousDigest: wasLive ? digest : undefined,
  digest: isLive ? digest : undefined,
})
const row = (instance: number, sequence: number, entries: LedgerEntry[]): LedgerRow => ({
  instance,
  sequence,
  link: linkOf(instance, sequence),
  kind: 'batch',
  committedAtMs: 0,
  entries,
})

describe('netChanges', () => {
  it('finds the chain by stamps, not by the order of rows: a delete read before its insert [P54]', () => {
    const rows = [row(1, 1, [entry('a', 20, true, false)]), row(2, 1, [entry('a', 10, false, true)])]
    expect(netChanges(rows).get('a')).toMatchObject({ wasLive: false, isLive: false, stamp: { time: 20 } })
  })

  it('equals a replay in stamp order, whatever the order of rows', () => {
    const random = seededRandom(Number(process.env.SE_SEED ?? Date.now() % 2 ** 32))
    console.log(`seed ${random.seed} (repeat with SE_SEED=${random.seed})`)
    for (let round = 0; round < 500; round++) {
      const live = new Map<string, boolean>()
      const before = new Map<string, boolean>()
      const rows: LedgerRow[] = []
      const ids = ['a', 'b', 'c']
      for (const id of ids) {
        live.set(id, random.chance(0.5))
        before.set(id, live.get(id)!)
      }
      for (let time = 1; time <= 12; time++) {
        const id = random.pick(ids)
        const isLive = random.chance(0.6)
        rows.push(row(1 + random.below(3), time, [entry(id, time, live.get(id)!, isLive)]))
        live.set(id, isLive)
      }
      rows.sort(() => random.fraction() - 0.5)
      for (const change of netChanges(rows).values()) {
        expect([change.wasLive, change.isLive]).toEqual([before.get(change.id), live.get(change.id)])
      }
    }
  })
})

it('picks the rows between two cuts, also of instances a cut does not name [P63]', () => {
  const rows = [row(1, 1, []), row(1, 2, []), row(2, 1, []), row(2, 2, [])]
  const cut = (pairs: [number, number][]): Cut => cutAt('x', pairs)
  expect(rowsBetween(rows, cut([[1, 1]])).map((r) => [r.instance, r.sequence])).toEqual([
    [1, 2],
    [2, 1],
    [2, 2],
  ])
  expect(
    rowsBetween(
      rows,
      cut([[1, 1]]),
      cut([
        [1, 2],
        [2, 1],
      ]),
    ),
  ).toHaveLength(2)
})

/** Goal: how far a stripe is from the heads, and whether it was set back, by its cuts alone. Method: tables. */
import type { Cut, LedgerTail, StripeState } from '@se/core'
import { expect, it } from 'vitest'
import type { Standing } from '../seam/standing.ts'
import { hasGoneBack, wayToHeads } from './way-to-heads.ts'

const at = (sequence: number, archiveId = 'aa'): Cut => ({
  archiveId,
  positions: new Map([[1, { sequence, link: '00' }]]),
})
const heads = { cut: at(5), prunedSequences: new Map<number, number>(), nowMs: 0 }
const stateAt = (cut: Cut, epoch = 'e1'): StripeState => ({ stripe: 3, epoch, cut }) as StripeState
const standing = (state: StripeState): Standing => ({ state, from: { sentAtMs: 0, round: 0 } })

it.each<[string, Cut, LedgerTail, ReturnType<typeof wayToHeads>]>([
  ['the heads themselves', at(5), { kind: 'rows', rows: [], heads }, 'at-heads'],
  ['behind them', at(4), { kind: 'rows', rows: [], heads }, 'known'],
  ['behind what was pruned', at(1), { kind: 'gap', because: 'pruned', heads }, 'pruned'],
  ['of another archive', at(4, 'bb'), { kind: 'gap', because: 'another-archive', heads }, 'another-archive'],
  ['ahead of them', at(6), { kind: 'gap', because: 'ahead-of-heads', heads }, 'another-history'],
  ['of another history', at(4), { kind: 'gap', because: 'another-history', heads }, 'another-history'],
])('a cut is %s', (_, cut, tail, way) => {
  expect(wayToHeads(cut, tail)).toBe(way)
})

it.each<[string, Standing | undefined, StripeState, boolean]>([
  ['was never seen', undefined, stateAt(at(4)), false],
  ['has not moved', standing(stateAt(at(4))), stateAt(at(4)), false],
  ['has moved on', standing(stateAt(at(4))), stateAt(at(5)), false],
  ['stands where it stood before', standing(stateAt(at(5))), stateAt(at(4)), true],
  [
    'does so under another epoch, which has no entries of ours',
    standing(stateAt(at(5))),
    stateAt(at(4), 'e2'),
    false,
  ],
])('a stripe that %s', (_, before, now, isTrue) => {
  expect(hasGoneBack(before, now)).toBe(isTrue)
})

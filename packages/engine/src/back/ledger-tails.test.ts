import type { Cut, LedgerTail } from '@se/core'
import { expect, it } from 'vitest'
import { createTails } from './ledger-tails.ts'

const cut = (sequence: number): Cut => ({
  archiveId: 'a'.repeat(32),
  positions: new Map([[1, { sequence, link: '0'.repeat(16) }]]),
})

function createWorld() {
  const reads: Cut[] = []
  const archive = {
    readTail: async (from: Cut) => {
      reads.push(from)
      return { kind: 'rows', rows: [], heads: { cut: cut(9) } } as unknown as LedgerTail
    },
  }
  return { reads, archive }
}

it('reads from each cut once', async () => {
  const { reads, archive } = createWorld()
  const tails = createTails(archive)
  expect(await tails.from(cut(1))).toBe(await tails.from(cut(1)))
  await tails.from(cut(2))
  expect(reads).toEqual([cut(1), cut(2)])
})

it('does not read what the follower has read a moment ago', async () => {
  const { reads, archive } = createWorld()
  const known = { kind: 'rows' } as LedgerTail
  const asked: [Cut, Cut][] = []
  const follower = {
    recentTail: (from: Cut, heads: Cut) => {
      asked.push([from, heads])
      return from.positions.get(1)?.sequence === 1 ? known : undefined
    },
  }
  const tails = createTails(archive, { follower, heads: cut(9) })
  expect(await tails.from(cut(1))).toBe(known)
  await tails.from(cut(2))
  expect(reads).toEqual([cut(2)])
  expect(asked).toEqual([
    [cut(1), cut(9)],
    [cut(2), cut(9)],
  ])
})

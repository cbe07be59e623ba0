/**
 * Goal: what became known is told to every part that might still answer with something older. Method: parts that note what they are told.
 */
import type { Stamp } from '@se/core'
import { expect, it } from 'vitest'
import { Heard, type HeardFrom } from './heard.ts'

const stamp: Stamp = { time: 5, instance: 2 }

function createWorld({ isFromFuture = false } = {}) {
  const told: string[] = []
  const note =
    (what: string) =>
    (...given: unknown[]): never => {
      told.push([what, ...given.filter((each) => typeof each === 'string')].join(' '))
      return 0 as never
    }
  const heard = new Heard({
    known: { note: note('known'), doubt: note('known is unsure'), clear: note('known forgets') },
    memory: { dropOlder: note('memory drops older'), clear: note('memory clears') },
    queue: {
      supersede: note('queue'),
      pending: { doubt: note('pending is unsure') },
      commits: { overtake: note('commits'), overtakeAll: note('all commits are overtaken') },
    },
    loads: [
      { raise: note('loads'), raiseAll: note('all loads') },
      { raise: note('questions'), raiseAll: note('all questions') },
    ],
    writes: { overtake: note('writes'), doubt: note('writes are unsure') },
    stamps: { witness: note('stamps'), isFromFuture: () => isFromFuture, horizon: () => stamp },
    onDropped: note('dropped'),
  })
  return { heard, told }
}

const EVERY_PART = [
  'stamps',
  'loads a',
  'questions a',
  'memory drops older a',
  'known a',
  'writes a',
  'commits a',
  'queue a',
]

it.each(['own-commit', 'ledger', 'archive-answer'] as const satisfies readonly HeardFrom[])(
  'tells every part of a write that is stored (%s) [P84, P85]',
  (from) => {
    const { heard, told } = createWorld()
    heard.hear({ id: 'a', stamp, isLive: true }, from)
    expect(told).toEqual(EVERY_PART)
  },
)

it('does not note as known, nor drop older pending ones for, an own write that is not stored yet [W2]', () => {
  const { heard, told } = createWorld()
  heard.hear({ id: 'a', stamp, isLive: true }, 'own-acknowledged')
  expect(told).toEqual(EVERY_PART.filter((each) => !each.startsWith('known') && !each.startsWith('queue')))
})

it('tells every part of a stamp from the future too: what is spared is theirs to see [P67, P84]', () => {
  const { heard, told } = createWorld({ isFromFuture: true })
  heard.hear({ id: 'a', stamp, isLive: true }, 'ledger')
  expect(told).toEqual(EVERY_PART)
})

const EVERYTHING_DERIVED = ['memory clears', 'all loads', 'all questions', 'all commits are overtaken']

it('keeps nothing that was derived when rows were missed, and is sure of no own write, also not of those on their way to the log [R5]', () => {
  const gap = createWorld()
  gap.heard.missed('gap')
  const always = [...EVERYTHING_DERIVED, 'writes are unsure', 'pending is unsure']
  expect(gap.told).toEqual([...always, 'known is unsure'])
  const wentBack = createWorld()
  wentBack.heard.missed('wentBack')
  expect(wentBack.told).toEqual([...always, 'known forgets'])
})

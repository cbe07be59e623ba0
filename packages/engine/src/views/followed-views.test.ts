/**
 * Goal: what the back tells is applied whole, and the filter is believed only where it stands at the tree's cut.
 * Method: messages, as a back would send them, and a tree that is summed up beside it.
 */
import { cutAt } from '@se/core/testing'
import { CuckooFilter } from '@se/cuckoo'
import { expect, it } from 'vitest'
import type { HeardRows, NetChange, TreeReport } from '../seam/messages.ts'
import { FilterView } from './filter-view.ts'
import { FollowedViews } from './followed-views.ts'

const OPTIONS = { capacity: 100, falsePositiveRate: 0.01 }
const ARCHIVE = 'a'.repeat(32)
const at = (sequence: number) => cutAt(ARCHIVE, [[1, sequence]])

/** What the tree says where these ids have a value. */
function treeOf(ids: readonly string[], isTrusted = true): TreeReport {
  const filter = CuckooFilter.create(OPTIONS)
  for (const id of ids) filter.add(id)
  const trust = isTrusted ? { isTrusted } : { isTrusted, because: 'a row was changed' }
  return { trust, count: filter.count, membership: filter.sum }
}

const created = (id: string): NetChange => ({
  id,
  stamp: { time: 1, instance: 1 } as never,
  wasLive: false,
  isLive: true,
})

function createFollowed() {
  const told: string[] = []
  const filter = new FilterView(OPTIONS, {})
  const followed: FollowedViews = new FollowedViews(
    {
      filter,
      heard: {
        hear: ({ id }, from) => void told.push(`${from} ${id} at ${followed.cut.positions.size}`),
        missed: (because) => void told.push(`missed: ${because}`),
      },
    },
    ARCHIVE,
  )
  const hear = (sequence: number, ids: readonly string[], more: Partial<HeardRows>): void =>
    followed.heard({
      kind: 'heard',
      from: followed.cut,
      cut: at(sequence),
      changes: [],
      filter: undefined,
      tree: treeOf(ids),
      ...more,
    })
  return { followed, filter, told, hear }
}

function createThere() {
  const world = createFollowed()
  world.followed.idsBegin()
  world.followed.idsFound(['a'])
  world.followed.idsFound(['b'])
  world.hear(1, ['a', 'b', 'c'], { filter: { from: 'ids', changes: [created('c')] } })
  return world
}

it('keeps no ids of a filter that could not be made', () => {
  const { followed, filter, hear } = createFollowed()
  followed.idsBegin()
  followed.idsFound(['a'])
  followed.idsDropped()
  hear(1, [], { filter: { from: 'ids', changes: [] } })
  expect(filter.entries).toBe(0)
})

it('makes a filter of the ids that were sent and of what happened since, and believes it where it equals the tree [R3]', () => {
  const { filter, followed } = createThere()
  expect(filter.trust.isTrusted).toBe(true)
  expect(followed.cut).toEqual(at(1))
  expect(filter.denies('d')).toBe(true)
  expect(filter.denies('c')).toBe(false)
})

it('forgets ids that were sent for a filter that was never finished [R3]', () => {
  const { filter, followed, hear } = createFollowed()
  followed.idsBegin()
  followed.idsFound(['old'])
  followed.idsBegin()
  followed.idsFound(['a'])
  hear(1, ['a'], { filter: { from: 'ids', changes: [] } })
  expect(filter.trust.isTrusted).toBe(true)
  expect(filter.entries).toBe(1)
})

it('hears of each change before the cut moves, and moves the filter along', () => {
  const { told, hear, filter } = createThere()
  hear(2, ['a', 'b', 'c', 'd'], { changes: [created('d')] })
  expect(told).toEqual(['ledger d at 1'])
  expect(filter.denies('d')).toBe(false)
  expect(filter.trust.isTrusted).toBe(true)
  hear(3, ['a', 'b', 'c'], {})
  expect(filter.trust.isTrusted).toBe(false)
})

it('compares no filter that stands elsewhere: not while it is made anew, and not after its way was lost [R3, P26]', () => {
  const { followed, filter, hear } = createThere()
  followed.filterLost('pruned')
  expect(filter.denies('d')).toBe(false)
  hear(2, ['a', 'b', 'c'], {})
  followed.treeJudged({ kind: 'tree-judged', tree: treeOf(['a', 'b', 'c']) })
  expect(filter.trust.isTrusted).toBe(false)
})

it('believes no filter whose proof is not believed, and does again where it is [R3]', () => {
  const { followed, filter } = createThere()
  followed.treeJudged({ kind: 'tree-judged', tree: treeOf(['a', 'b', 'c'], false) })
  expect(filter.trust).toEqual({ isTrusted: false, because: 'the tree is untrusted: a row was changed' })
  expect(followed.treeTrust.isTrusted).toBe(false)
  followed.treeJudged({ kind: 'tree-judged', tree: treeOf(['a', 'b', 'c']) })
  expect(filter.trust.isTrusted).toBe(true)
})

it('says that rows were missed before it stands elsewhere [P63, P88]', () => {
  const { followed, told } = createThere()
  followed.startedOver({ kind: 'started-over', wentBack: true, cut: at(0), tree: treeOf([]) })
  followed.startedOver({ kind: 'started-over', wentBack: false, cut: at(5), tree: treeOf([]) })
  expect(told).toEqual(['missed: wentBack', 'missed: gap'])
  expect(followed.cut).toEqual(at(5))
})

it('takes no step that begins elsewhere [R5]', () => {
  const { followed, hear, told } = createThere()
  expect(() => hear(3, ['a', 'b', 'c'], { from: at(2), changes: [created('d')] })).toThrow(
    'each step begins where the one before has ended',
  )
  expect(followed.cut).toEqual(at(1))
  expect(told).toEqual([])
})

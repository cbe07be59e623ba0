import { TierUnavailable, type Heads } from '@se/core'
import { createFakeClock, cutAt } from '@se/core/testing'
import { expect, it } from 'vitest'
import type { ToFront } from '../seam/messages.ts'
import type { PolledHeads } from './cache-sync.ts'
import { Poller } from './poller.ts'

const at = (sequence: number): Heads =>
  ({ cut: cutAt('a'.repeat(32), [[1, sequence]]), nowMs: 5_000 }) as Heads

function createPoller() {
  const clock = createFakeClock()
  const told: (ToFront | string)[] = []
  const state = { heads: at(3), committed: 3, isBehind: true, brought: undefined as PolledHeads | undefined }
  const poller = new Poller({
    archive: { readHeads: async () => state.heads },
    follower: {
      isBehind: () => state.isBehind,
      catchUp: async () => (told.push('caught up'), state.heads.cut),
      startOver: async () => void told.push('started over'),
    },
    cacheSync: {
      get brought() {
        return state.brought
      },
      settled: async () => void told.push('settled'),
      bring: async (moment) => {
        told.push('brought')
        state.brought = moment
      },
    },
    ledger: {
      claim: { instance: 1 } as never,
      get position() {
        return { sequence: state.committed, link: '' }
      },
    },
    front: { send: (message) => void told.push(message) },
    telemetry: { clock, observer: {} },
  })
  return { poller, told, state, clock }
}

it('tells the archive\u2019s time before it catches up, and takes the round of the poll for its own [R2, P85]', async () => {
  const { poller, told } = createPoller()
  expect(poller.round).toBe(0)
  await expect(poller.reach({ sentAtMs: 1, round: 4 })).resolves.toEqual(at(3))
  expect(poller.round).toBe(4)
  expect(told).toMatchObject([{ kind: 'archive-time', archiveMs: 5_000 }, 'caught up'])
})

it('starts over once where a committed batch is gone [P65]', async () => {
  const { poller, told, state } = createPoller()
  state.heads = at(2)
  await poller.reach({ sentAtMs: 1, round: 1 })
  await poller.reach({ sentAtMs: 2, round: 2 })
  expect(told.filter((each) => typeof each === 'string')).toEqual(['started over', 'caught up'])
})

it('brings the cache to heads once, but for those who ask for no more than that it is being done [R5]', async () => {
  const { poller, told, state } = createPoller()
  state.isBehind = false
  await poller.tend(true)
  await poller.reach({ sentAtMs: 1, round: 1 })
  await poller.tend(true)
  await poller.tend(false)
  expect(told.filter((each) => typeof each === 'string')).toEqual(['brought', 'settled'])
  await poller.reach({ sentAtMs: 2, round: 2 })
  await poller.tend(false)
  expect(told.at(-1)).toBe('brought')
  expect(state.brought?.sent.round).toBe(2)
})

it('stands at no heads that it could not reach', async () => {
  const { poller, told } = createPoller()
  const failing = new Poller({
    archive: { readHeads: () => Promise.reject(new TierUnavailable('no answer')) },
  } as never)
  await expect(failing.reach({ sentAtMs: 1, round: 1 })).rejects.toThrow()
  await poller.tend(false)
  expect(told).toEqual(['settled'])
})

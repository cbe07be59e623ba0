import { TierUnavailable } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { expect, it } from 'vitest'
import type { ToFront } from '../seam/messages.ts'
import { delayedChannel } from './delayed-channel.ts'
import { turns } from './time.ts'

function createChannel(delaysMs: number[] = []) {
  const clock = createFakeClock()
  const { front, back } = delayedChannel({ clock, drawDelayMs: () => delaysMs.shift() ?? 0 })
  const heard: ToFront[] = []
  front.onMessage((message) => void heard.push(message))
  back.onMessage(() => {})
  return { clock, front, back, heard }
}

it('delivers nothing in the turn of sending, and all in the order of sending, however long each takes', async () => {
  const { clock, back, heard } = createChannel([50, 0, 70])
  for (const round of [1, 2, 3]) back.send({ kind: 'tended', round })
  await turns(10)
  expect(heard).toEqual([])
  await clock.advance(50)
  await turns(10)
  expect(heard).toEqual([
    { kind: 'tended', round: 1 },
    { kind: 'tended', round: 2 },
  ])
  await clock.advance(20)
  expect(heard.at(-1)).toEqual({ kind: 'tended', round: 3 })
})

it('gives each side a copy', async () => {
  const { back, heard } = createChannel()
  const ids = ['a']
  back.send({ kind: 'ids', ids })
  ids.push('b')
  await turns(10)
  expect(heard).toEqual([{ kind: 'ids', ids: ['a'] }])
})

it('carries errors as what they are', async () => {
  const { back, heard } = createChannel()
  back.send({ kind: 'failed', call: 1, error: new TierUnavailable('no answer') })
  await turns(10)
  expect((heard[0] as { error: unknown }).error).toBeInstanceOf(TierUnavailable)
})

it('refuses what is not plain data', () => {
  const { back } = createChannel()
  expect(() => back.send({ kind: 'done', call: 1, value: () => {} })).toThrow('could not be cloned')
})

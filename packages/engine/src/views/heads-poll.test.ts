import type { Heads } from '@se/core'
import { createFakeClock, cutAt } from '@se/core/testing'
import { expect, it } from 'vitest'
import { KnownWrites } from '../heard/known-writes.ts'
import { turns } from '../testing/time.ts'
import { HeadsPoll } from './heads-poll.ts'

const HEADS = { cut: cutAt('a'.repeat(32), [[1, 1]]), nowMs: 0 } as Heads

/** A back that answers when it is told to. */
function createPoll() {
  const clock = createFakeClock()
  const known = new KnownWrites()
  const asked: { readonly kind: string; readonly asks: object; readonly answer: () => void }[] = []
  const reached: number[] = []
  const poll = new HeadsPoll({
    back: {
      ask: (kind: string, asks: object) =>
        new Promise((resolve) =>
          asked.push({ kind, asks, answer: () => resolve((kind === 'reach' ? HEADS : undefined) as never) }),
        ),
    } as never,
    known,
    freshness: { reached: (asOfMs) => void reached.push(asOfMs), stalenessMs: 1_000 },
    telemetry: { clock, observer: {} },
  })
  return { clock, known, asked, reached, poll }
}

it('says of a poll when it was sent, and what was known by then, not what is when it is answered [R2, R5, P85]', async () => {
  const { clock, known, asked, reached, poll } = createPoll()
  const sentAtMs = clock.monotonicMs()
  const stamp = { time: 1, instance: 2 } as never
  known.note('before', stamp, true, true)
  const polled = poll.now()
  await turns(10)
  await clock.advance(400)
  known.note('meanwhile', stamp, true, true)
  expect(asked.map(({ kind, asks }) => ({ kind, asks }))).toEqual([
    { kind: 'reach', asks: { sentAtMs, round: 1 } },
  ])
  asked[0]!.answer()
  await turns(10)
  expect(reached).toEqual([sentAtMs])
  // As the back tells when the cache stands at the heads of that poll.
  known.dropBefore(1)
  expect(known.get('before')).toBeUndefined()
  expect(known.get('meanwhile')).toBeDefined()
  expect(asked[1]).toMatchObject({ kind: 'tend', asks: { mayJoin: false } })
  asked[1]!.answer()
  await polled
})

it('callers that meet share a poll, and never one that was sent before them [R5]', async () => {
  const { asked, poll } = createPoll()
  const first = poll.now()
  await turns(10)
  const others = [poll.now(), poll.now()]
  await turns(10)
  expect(asked).toHaveLength(1)
  asked[0]!.answer()
  await turns(10)
  expect(asked.filter(({ kind }) => kind === 'reach')).toHaveLength(2)
  for (let at = 1; at < 5; at++) {
    asked[at]?.answer()
    await turns(10)
  }
  await Promise.all([first, ...others])
  expect(asked.filter(({ kind }) => kind === 'reach')).toHaveLength(2)
})

it('goes on polling beside a cache that hangs, and waits for it when it ends', async () => {
  const { clock, asked, poll } = createPoll()
  poll.start()
  for (let round = 0; round < 3; round++) {
    await clock.advance(500)
    await turns(10)
    asked.findLast(({ kind }) => kind === 'reach')!.answer()
    await turns(10)
  }
  expect(asked.filter(({ kind }) => kind === 'reach')).toHaveLength(3)
  const tends = asked.filter(({ kind }) => kind === 'tend')
  expect(tends.map(({ asks }) => asks)).toEqual([{ mayJoin: true }, { mayJoin: true }, { mayJoin: true }])
  let isStopped = false
  const stopped = poll.stop().then(() => (isStopped = true))
  await turns(10)
  expect(isStopped).toBe(false)
  for (const { answer } of tends) answer()
  await stopped
})

/** Goal: the time of a stamp follows the archive, whatever this machine's clock does. Method: answers with a way of their own. */
import { createFakeClock } from '@se/core/testing'
import { expect, it } from 'vitest'
import { ArchiveTime, type ClockJump } from './archive-time.ts'

const START_MS = 1_000_000

function createWorld(options: { archiveAheadMs?: number } = {}) {
  const clock = createFakeClock(START_MS)
  const jumps: ClockJump[] = []
  const time = new ArchiveTime(clock, (jump) => jumps.push(jump))
  let aheadMs = options.archiveAheadMs ?? 0
  return {
    clock,
    jumps,
    time,
    moveArchive: (byMs: number) => void (aheadMs += byMs),
    archiveMs: () => START_MS + clock.monotonicMs() + aheadMs,
    /** One question; the archive looks at its clock after `thereMs`. */
    async ask(thereMs: number, backMs: number) {
      const sentAtMs = clock.monotonicMs()
      await clock.advance(thereMs)
      const archiveMs = Math.floor(START_MS + clock.monotonicMs() + aheadMs)
      await clock.advance(backMs)
      time.heard(sentAtMs, archiveMs)
    },
  }
}

it('follows the archive by monotonic time once it was heard, and the wall clock until then [P67]', async () => {
  const { clock, time, ask, archiveMs } = createWorld({ archiveAheadMs: 7_000 })
  expect(time.nowMs()).toBe(START_MS)
  expect(time.reading).toEqual({ source: 'wall', offsetMs: 0, errorMs: undefined })
  await ask(2, 2)
  expect(time.nowMs()).toBe(archiveMs())
  clock.jump(3_600_000)
  await clock.advance(100)
  expect(time.nowMs()).toBe(archiveMs())
  expect(time.reading).toEqual({ source: 'archive', offsetMs: 7_000 - 3_600_000, errorMs: 3 })
})

it('keeps to the answer that was under way for the shortest time', async () => {
  const { time, ask, archiveMs } = createWorld({ archiveAheadMs: 50 })
  await ask(1, 1)
  await ask(400, 0)
  await ask(0, 400)
  expect(Math.abs(time.nowMs() - archiveMs())).toBeLessThanOrEqual(2)
  expect(time.reading.errorMs).toBe(2)
})

it('is never further from the archive than it says, whatever the ways', async () => {
  const { time, ask, archiveMs, clock } = createWorld({ archiveAheadMs: -12_345 })
  for (let round = 0; round < 200; round++) {
    await ask((round * 7) % 40, (round * 13) % 90)
    await clock.advance(250)
    expect(Math.abs(time.nowMs() - archiveMs())).toBeLessThanOrEqual(time.reading.errorMs! + 1)
  }
})

it('goes with an archive whose clock jumps, at the next answer, and says so [P67]', async () => {
  const { time, ask, archiveMs, moveArchive, jumps } = createWorld()
  await ask(1, 1)
  moveArchive(3_600_000)
  await ask(1, 1)
  expect(time.nowMs()).toBe(archiveMs())
  moveArchive(-3_600_000)
  await ask(20, 1)
  expect(Math.abs(time.nowMs() - archiveMs())).toBeLessThanOrEqual(12)
  expect(jumps.map(({ clock, byMs }) => [clock, Math.sign(byMs)])).toEqual([
    ['archive', 1],
    ['archive', -1],
  ])
})

it('says that this machine’s clock has jumped, and stands where it stood', async () => {
  const { time, ask, clock, archiveMs, jumps } = createWorld()
  await ask(1, 1)
  clock.jump(-86_400_000)
  await ask(1, 1)
  expect(time.nowMs()).toBe(archiveMs())
  expect(jumps).toEqual([{ clock: 'wall', byMs: -86_400_000 }])
})

it('is not misled by an answer that a frozen process finds hours later', async () => {
  const { time, ask, archiveMs, jumps } = createWorld()
  await ask(1, 1)
  await ask(1, 7_200_000)
  expect(time.nowMs()).toBe(archiveMs())
  expect(jumps).toEqual([])
})

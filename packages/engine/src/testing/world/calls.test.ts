import { TierUnavailable, type ArchiveTier, type Cut } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { expect, it } from 'vitest'
import { turns } from '../time.ts'
import { Calls, reachable } from './calls.ts'

const CUT = {} as Cut

/** An archive of which some calls are known to the test. */
function archiveWith(calls: Partial<ArchiveTier>): ArchiveTier {
  return { backend: 'test', ...calls } as ArchiveTier
}

function held(): { readonly promise: Promise<Cut>; release(): void } {
  let release = () => {}
  const promise = new Promise<Cut>((resolve) => (release = () => resolve(CUT)))
  return { promise, release }
}

/** A clock on which a second is over each time that it is looked at. */
function impatient(): { monotonicMs(): number } {
  let nowMs = 0
  return { monotonicMs: () => (nowMs += 1_000) }
}

it('the world waits until each call has its answer, whether it is good or bad', async () => {
  const calls = new Calls(createFakeClock())
  const { promise, release } = held()
  const tier = calls.counted(
    archiveWith({ scanIds: () => promise, foldTree: () => Promise.reject(new TierUnavailable('gone')) }),
  )
  await expect(tier.foldTree()).rejects.toThrow('gone')
  await calls.ended()
  void tier.scanIds(() => {})
  let hasEnded = false
  const ended = calls.ended().then(() => (hasEnded = true))
  await turns(5)
  expect(hasEnded).toBe(false)
  release()
  await ended
})

it('the world does not wait for a call that waits for the engine, which may need time', async () => {
  const calls = new Calls(impatient())
  const { promise, release } = held()
  const tier = calls.counted(archiveWith({ scanRows: async (visit) => (await visit([]), CUT) }))
  const scanned = tier.scanRows(async () => void (await promise))
  await calls.ended()
  release()
  expect(await scanned).toBe(CUT)
})

it('a visitor that throws is heard in the same turn, as without the count', () => {
  const tier = new Calls(createFakeClock()).counted(
    archiveWith({
      scanIds: (visit) => {
        expect(() => visit([])).toThrow('enough')
        return Promise.resolve(CUT)
      },
    }),
  )
  expect(() =>
    tier.scanIds(() => {
      throw new Error('enough')
    }),
  ).not.toThrow()
})

it('a call that never ends breaks a promise, and is named', async () => {
  const calls = new Calls(impatient())
  void calls.counted(archiveWith({ foldTree: () => new Promise(() => {}) })).foldTree()
  await expect(calls.ended()).rejects.toMatchObject({
    rule: 'hangs',
    message: expect.stringContaining('test.foldTree'),
  })
})

it('time passes where a tier waits for it: a call that is tried again later ends', async () => {
  const world = createFakeClock()
  const calls = new Calls({ monotonicMs: () => performance.now() })
  const clock = calls.clockOf(world)
  const tier = calls.counted(
    archiveWith({ foldTree: () => new Promise((resolve) => clock.setTimer(100, () => resolve(3))) }),
  )
  const folded = tier.foldTree()
  await calls.ended()
  await world.advance(100)
  expect(await folded).toBe(3)
  // A timer that is cancelled is waited for no more.
  let hasEnded = false
  clock.setTimer(100, () => {})()
  const { promise, release } = held()
  void calls.counted(archiveWith({ scanIds: () => promise })).scanIds(() => {})
  const ended = calls.ended().then(() => (hasEnded = true))
  await turns(20)
  expect(hasEnded).toBe(false)
  release()
  await ended
})

it('an archive that is out of reach answers that it cannot say, or fails, and can be closed [R1]', async () => {
  let isReachable = true
  const tier = reachable(
    archiveWith({
      get: () => Promise.resolve({ kind: 'absent' }),
      getMany: (ids) => Promise.resolve(ids.map(() => ({ kind: 'absent' as const }))),
      foldTree: () => Promise.resolve(1),
      close: () => Promise.resolve(),
    }),
    () => isReachable,
  )
  expect([await tier.get('a'), await tier.getMany(['a', 'b']), await tier.foldTree()]).toEqual([
    { kind: 'absent' },
    [{ kind: 'absent' }, { kind: 'absent' }],
    1,
  ])
  isReachable = false
  const unknown = expect.objectContaining({ kind: 'unknown', because: 'disconnected' }) as unknown
  expect([await tier.get('a'), await tier.getMany(['a', 'b'])]).toEqual([unknown, [unknown, unknown]])
  await expect(tier.foldTree()).rejects.toThrow(TierUnavailable)
  await tier.close()
})

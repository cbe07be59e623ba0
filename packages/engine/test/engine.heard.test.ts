/**
 * Goal: what this process acknowledged or heard of is not forgotten before the tiers below are known to stand there, and a stamp
 * from the future harms nobody but its id. Method: a fake clock, a log whose writes end when the test says, caches that lose
 * puts, an archive whose clock jumps.
 */
import { stampMs, type FileHandle, type FileSystem } from '@se/core'
import { STRIPE_COUNT, stripeOfId } from '@se/core/hash'
import type { FakeClock } from '@se/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { holdAnswer } from './faults.ts'
import { pass, settleOn, turns } from '../src/testing/time.ts'
import { createWorld, type World } from './world.ts'

let clock: FakeClock
let world: World
beforeEach(async () => {
  world = await createWorld()
  clock = world.clock
})
afterEach(() => settle(world[Symbol.asyncDispose]()))

const settle = <T>(promise: PromiseLike<T>) => settleOn(clock, promise)
const HOUR_MS = 3_600_000

/** The clock of a process whose wall clock is not the archive's. */
function skewed() {
  let byMs = 0
  return {
    clock: { ...clock, nowMs: () => clock.nowMs() + byMs },
    jump: (ms: number) => void (byMs += ms),
  }
}

/** A file system whose writes wait while it is held. */
function holdWrites(inner: FileSystem): { fileSystem: FileSystem; hold(): void; release(): void } {
  let gate: { promise: Promise<void>; open: () => void } | undefined
  const wrap = (handle: FileHandle): FileHandle =>
    new Proxy(handle, {
      get(target, name) {
        const method = Reflect.get(target, name) as unknown
        if (typeof method !== 'function') return method
        if (name !== 'writev') return method.bind(target) as unknown
        return async (...args: unknown[]) => {
          await gate?.promise
          return (method as (...args: unknown[]) => unknown).apply(target, args)
        }
      },
    })
  const fileSystem = new Proxy(inner, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => unknown
      if (name !== 'open') return method.bind(target)
      return async (...args: Parameters<FileSystem['open']>) => wrap(await inner.open(...args))
    },
  })
  return {
    fileSystem,
    hold() {
      let open = () => {}
      const promise = new Promise<void>((resolve) => (open = resolve))
      gate = { promise, open }
    },
    release() {
      gate?.open()
      gate = undefined
    },
  }
}

describe('calls that do not await each other', () => {
  it.each(['delete', 'submit'] as const)(
    'an older write whose log sync ends late is not read after a newer %s was committed [P84]',
    async (newer) => {
      const { fileSystem, hold, release } = holdWrites(world.disk)
      const engine = world.engine('a', { fileSystem })
      await engine.start()
      await engine.submit('x', 'first')
      await engine.flush()
      hold()
      const older = engine.submit('x', 'older')
      await turns()
      const held = holdAnswer(world.archiveOf('a'), 'putBatch')
      const later =
        newer === 'delete'
          ? engine.delete('x', { level: 'archive' })
          : engine.submit('x', 'newer', { level: 'archive' })
      await held.reached
      // In flight; now the older one is acknowledged, and may be read until the newer one is committed.
      release()
      await older
      held.release()
      await later
      world.archiveOf('a').setAvailable(false)
      const expected = newer === 'delete' ? undefined : 'newer'
      expect(engine.getSync('x')?.value).toBe(expected)
      // What is deleted is asked of the archive, which does not answer: that is no value either.
      const got = await settle(engine.get('x').catch(() => undefined))
      expect(got?.value).toBe(expected)
      if (newer === 'delete') expect(engine.containsFast('x')).not.toBe('present')
      world.archiveOf('a').setAvailable(true)
    },
  )
})

describe('what superseded a pending write', () => {
  it('is not forgotten with it: an older entry of the cache is passed over [P85, R2]', async () => {
    const [a, b] = [world.engine('a', { flush: { delayMs: 60_000 } }), world.engine('b')]
    await a.start()
    await b.start()
    await a.submit('x', 'v1', { level: 'archive' })
    await a.flush()
    await b.flush()
    expect((await b.get('x'))?.value).toBe('v1')
    await pass(clock, 1_000)
    const own = await a.submit('x', 'v2')
    await clock.advance(5)
    // The put of `b` is lost, and nobody brings the cache further: it has v1, and is asked for some time yet.
    world.cacheOf('b').put = async (puts) => puts.map(() => 'stored')
    for (const name of ['a', 'b']) world.cacheOf(name).advanceStripe = () => new Promise(() => {})
    const { stamp } = await b.submit('x', 'v3', { level: 'archive' })
    expect(stamp.time).toBeGreaterThan(own.stamp.time)
    const seen = new Set<unknown>()
    for (let turn = 0; turn < 400; turn++) {
      seen.add((await a.get('x'))?.value)
      await clock.advance(1)
    }
    expect([...seen]).toEqual(['v2', 'v3'])
  })
})

describe('a stamp from the future', () => {
  it('one wall clock an hour ahead for a while delays no later write, also over a restart and in another process [P67]', async () => {
    const wall = skewed()
    const [a, b] = [world.engine('a', { clock: wall.clock }), world.engine('b')]
    wall.jump(HOUR_MS)
    await a.start()
    await b.start()
    await a.submit('x', 'ahead')
    await a.flush()
    await b.flush()
    wall.jump(-HOUR_MS)
    for (const [name, engine] of [
      ['a', a],
      ['b', b],
    ] as const) {
      await engine.submit(name, 'later')
      await engine.flush()
      expect(engine.parked()).toEqual([])
      expect((await engine.get(name, { consistency: 'source' }))?.value).toBe('later')
    }
    await settle(a.stop())
    wall.jump(HOUR_MS)
    const again = world.engine('a', { clock: wall.clock })
    await again.start()
    await again.submit('y', 'after the restart')
    await again.flush()
    expect((await again.get('y', { consistency: 'source' }))?.value).toBe('after the restart')
  })

  it('in the archive, made by its own clock, holds up the writes of its id alone for no longer than one batch [P67]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    // The archive's clock is the world's wall clock: both go ahead, the item is stored, both come back.
    clock.jump(HOUR_MS)
    await pass(clock, 600)
    await a.submit('x', 'from the future', { level: 'archive' })
    await settle(b.flush())
    clock.jump(-HOUR_MS)
    await pass(clock, 600)
    const later = await b.submit('x', 'later')
    await settle(b.flush())
    expect((await b.get('x'))?.value).toBe('later')
    expect((await a.get('x', { consistency: 'source' }))?.value).toBe('later')
    expect(b.parked()).toEqual([])
    const receipt = await a.submit('x', 'last', { level: 'archive' })
    expect(receipt.supersededBy).toBeUndefined()
    expect((await b.get('x', { consistency: 'source' }))?.value).toBe('last')
    const other = await b.submit('y', 'other', { level: 'archive' })
    expect(stampMs(other.stamp)).toBeLessThanOrEqual(clock.nowMs() + 1_000)
    expect(later.stamp).toBeDefined()
  })

  it('of a write that was set aside for it, holds up no later write of its id [P67]', async () => {
    const { fileSystem, hold, release } = holdWrites(world.disk)
    const a = world.engine('a', { fileSystem })
    await a.start()
    clock.jump(HOUR_MS)
    await pass(clock, 600)
    // Back again; until its next poll the process goes on an hour ahead. The log takes longer than that.
    clock.jump(-HOUR_MS)
    hold()
    const ahead = a.submit('x', 'ahead')
    await pass(clock, 600)
    release()
    await ahead
    await settle(a.flush())
    expect(a.parked()).toMatchObject([{ id: 'x', because: 'stamp-ahead-of-archive' }])
    const later = await a.submit('x', 'later', { level: 'archive' })
    expect(stampMs(later.stamp)).toBeLessThanOrEqual(clock.nowMs() + 1_000)
    expect((await a.get('x', { consistency: 'source' }))?.value).toBe('later')
  })

  it('hides an older write that bears one itself, also while that is on its way through the log [P67, P84]', async () => {
    const { fileSystem, hold, release } = holdWrites(world.disk)
    const a = world.engine('a', { fileSystem })
    await a.start()
    clock.jump(HOUR_MS)
    await pass(clock, 600)
    hold()
    const older = a.submit('x', 'older')
    await turns()
    const held = holdAnswer(world.archiveOf('a'), 'putBatch')
    const newer = a.delete('x', { level: 'archive' })
    await held.reached
    // Committed under the clock that is ahead; when the answer comes, the clock is known to be back.
    clock.jump(-HOUR_MS)
    await pass(clock, 600)
    held.release()
    await newer
    release()
    await older
    expect([a.getSync('x'), a.containsFast('x')]).toEqual([undefined, 'absent'])
    expect(await a.get('x')).toBeUndefined()
    await settle(a.flush())
    expect(await a.get('x', { consistency: 'source' })).toBeUndefined()
  })

  it.each(['acknowledged', 'on its way through the log'])(
    'brings no own write back that is %s, above a later one that was stamped anew and committed [P67, W3, P84]',
    async (state) => {
      const { fileSystem, hold, release } = holdWrites(world.disk)
      const [a, b] = [world.engine('a', { fileSystem, flush: { delayMs: 60_000 } }), world.engine('b')]
      await a.start()
      await b.start()
      world.archiveOf('a').setAvailable(false)
      clock.jump(HOUR_MS)
      await pass(clock, 600)
      await b.submit('x', 'from the future', { level: 'archive' })
      clock.jump(-HOUR_MS)
      await pass(clock, 600)
      if (state !== 'acknowledged') hold()
      const older = a.submit('x', 'older')
      await turns()
      const newer = a.delete('x', { level: 'archive' })
      world.archiveOf('a').setAvailable(true)
      await settle(newer)
      release()
      await older
      expect([a.getSync('x'), a.containsFast('x')]).not.toContain('present')
      expect(await settle(a.get('x'))).toBeUndefined()
      await settle(a.flush())
      expect(await settle(b.get('x', { consistency: 'source' }))).toBeUndefined()
    },
  )

  it('in a ledger row, takes no pending write of another process away [P67, W6]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b', { flush: { delayMs: 60_000 } })]
    await a.start()
    await b.start()
    await b.submit('x', 'own')
    world.archiveOf('b').setAvailable(false)
    clock.jump(HOUR_MS)
    await pass(clock, 600)
    await a.submit('x', 'from the future', { level: 'archive' })
    clock.jump(-HOUR_MS)
    world.archiveOf('b').setAvailable(true)
    await pass(clock, 3_000)
    expect(b.status().isFresh).toBe(true)
    expect((await b.get('x'))?.value).toBe('own')
    await settle(b.flush())
    expect((await b.get('x', { consistency: 'source' }))?.value).toBe('own')
  })

  it('in an entry of the cache, by a flipped bit, is nobody’s witness [P86]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await a.submit('x', 'right', { level: 'archive' })
    await a.flush()
    world.cache.tamper('x', (item) => ({
      ...item,
      bytes: new TextEncoder().encode('"wrong"'),
      stamp: { ...item.stamp, time: item.stamp.time + 2 ** 43 },
    }))
    await b.start()
    expect((await b.get('x'))?.value).toBe('right')
    const { stamp } = await b.submit('y', 1)
    expect(stampMs(stamp)).toBe(clock.nowMs())
    expect(b.status().clock).toEqual({ source: 'archive', offsetMs: 0, errorMs: 1 })
  })
})

describe('an archive that was restored', () => {
  it('is recognised from the archive alone by a process that slept, when the one that wrote was killed [P65, P88]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    await a.submit('kept', 1, { level: 'archive' })
    const backup = world.archive.backup()
    const ids = ['p', 'q', 'r', 's']
    for (const id of ids) await a.submit(id, 'lost', { level: 'archive' })
    await settle(b.flush())
    expect(b.containsFast('p')).toBe('maybe')
    // `a` is killed before its next round of maintenance, `b` sleeps, and the archive goes back.
    const killed = world.disk.afterKill()
    await killed.remove('/world/a/0000000001.lock')
    world.archiveOf('a').setAvailable(false)
    await settle(a.stop())
    world.archiveOf('b').setAvailable(false)
    world.archive.restoreTo(backup)
    const again = world.engine('a', { fileSystem: killed })
    await again.start()
    // The same sequences once more, with other ids.
    for (const id of ['t', 'u', 'v', 'w', 'x']) await again.submit(id, 'new', { level: 'archive' })
    world.archiveOf('b').setAvailable(true)
    await pass(clock, 5_000)
    expect(b.status().isFresh).toBe(true)
    for (const id of ['t', 'u', 'v', 'w', 'x']) expect((await b.get(id))?.value, id).toBe('new')
    for (const id of ids) expect(await b.get(id), id).toBeUndefined()
    expect(b.status().trust.filter).toMatch(/^trusted/)
    for (const engine of [again, b]) {
      expect(await settle(engine.verify({ deep: true }))).toMatchObject({ isTrusted: true })
    }
  })
})

describe('a process that is awake when its archive goes back', () => {
  it('starts its stripes of the cache over, and does not take them for a stranger’s [P65, P88]', async () => {
    const a = world.engine('a')
    await a.start()
    await a.submit('kept', 1, { level: 'archive' })
    const backup = world.archive.backup()
    await a.submit('lost', 1, { level: 'archive' })
    await pass(clock, 1_000)
    world.archive.restoreTo(backup)
    await pass(clock, 5_000)
    expect((await a.get('kept'))?.value).toBe(1)
    expect(await a.get('lost')).toBeUndefined()
    expect(await settle(a.verify({ deep: true }))).toMatchObject({ isTrusted: true })
  })

  it('reads nothing lost from a stripe that had not heard of the batch yet [P65, P88]', async () => {
    const a = world.engine('a')
    await a.start()
    await a.submit('x', 'kept', { level: 'archive' })
    await pass(clock, 1_000)
    const backup = world.archive.backup()
    const inCache = () => {
      const [space] = [...world.cache.snapshot(stripeOfId('x')).spaces.values()]
      const meta = space?.metas[0]
      return { cut: typeof meta === 'object' ? meta.cut : undefined, entry: space?.entries.get('x') }
    }
    const before = inCache()
    // Committed and put into the cache, and lost before a poll.
    await a.submit('x', 'lost', { level: 'archive' })
    await turns()
    expect(inCache().cut).toEqual(before.cut)
    expect(inCache().entry).not.toEqual(before.entry)
    world.archive.restoreTo(backup)
    await pass(clock, 5_000)
    expect(a.status().trust.cache).toMatch(/^trusted/)
    expect((await a.get('x', { consistency: 'shared' }))?.value).toBe('kept')
    expect((await a.get('x'))?.value).toBe('kept')
  })

  it('takes a cache that comes back as it was in the lost history for nobody else’s [P65, P88]', async () => {
    const a = world.engine('a')
    await a.start()
    await a.submit('x', 'kept', { level: 'archive' })
    const backup = world.archive.backup()
    await a.submit('x', 'lost', { level: 'archive' })
    await pass(clock, 1_000)
    const dump = Array.from({ length: STRIPE_COUNT }, (_, stripe) => world.cache.snapshot(stripe))
    world.archive.restoreTo(backup)
    await pass(clock, 5_000)
    for (const stripe of dump) world.cache.restore(stripe)
    await pass(clock, 5_000)
    expect(a.status().trust.cache).toMatch(/^trusted/)
    expect((await a.get('x', { consistency: 'shared' }))?.value).toBe('kept')
  })
})

describe('ledger rows that were missed for good', () => {
  it('leave no own pending write that is read without asking the archive [P63, R5]', async () => {
    const [a, b] = [world.engine('a', { flush: { delayMs: 60_000 } }), world.engine('b')]
    await a.start()
    await b.start()
    await a.submit('x', 'own')
    world.archiveOf('a').setAvailable(false)
    await pass(clock, 10)
    await b.submit('x', 'newer', { level: 'archive' })
    await settle(b.stop())
    await pass(clock, 5_000)
    await world.archive.foldTree()
    await world.archive.pruneLedger(clock.nowMs() + 1)
    world.archiveOf('a').setAvailable(true)
    await pass(clock, 1_500)
    expect(a.status().isFresh).toBe(true)
    expect((await a.get('x'))?.value).toBe('newer')
    expect((await a.getMany(['x']))[0]?.value).toBe('newer')
  })
})

describe('a process that has heard nothing for longer than Δ', () => {
  it('answers nothing at once, not even of its own pending writes [R5, R8]', async () => {
    const [a, b] = [world.engine('a', { flush: { delayMs: 60_000 } }), world.engine('b')]
    await a.start()
    await b.start()
    await a.submit('x', 'own')
    await a.delete('y')
    expect([a.getSync('x')?.value, a.containsFast('x'), a.containsFast('y')]).toEqual([
      'own',
      'present',
      'absent',
    ])
    world.archiveOf('a').setAvailable(false)
    await pass(clock, 10)
    await b.delete('x', { level: 'archive' })
    await b.submit('y', 'newer', { level: 'archive' })
    await pass(clock, 2_000)
    expect([a.getSync('x'), a.containsFast('x'), a.containsFast('y')]).toEqual([
      undefined,
      'unknown',
      'unknown',
    ])
  })
})

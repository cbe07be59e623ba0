import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ArchiveRefusedData, TierMisconfigured, type ArchiveTier } from '@se/core'
import type { FakeClock, PowerLossFileSystem } from '@se/core/testing'
import type { BoundOptions, Engine, EngineObserver } from '../src/index.ts'
import type { Operation } from '../src/deadline/deadline.ts'
import { holdAnswer } from './faults.ts'
import { pass, settleOn, turns } from '../src/testing/time.ts'
import { createWorld, type World } from './world.ts'

/**
 * Goal: every call ends, with its answer, its deadline or its caller's signal, and takes nobody with it [W10].
 * Method: a fake clock, and tiers that never answer.
 */

let clock: FakeClock
let disk: PowerLossFileSystem
let world: World
beforeEach(async () => {
  world = await createWorld()
  ;({ clock, disk } = world)
})
afterEach(() => settle(world[Symbol.asyncDispose]()))

const settle = <T>(promise: PromiseLike<T>) => settleOn(clock, promise)
const HOUR = { flush: { delayMs: 60_000 } }
const hang = () => new Promise<never>(() => {})

/** The archive of an engine answers nothing any more. */
function hangArchive(directory: string): void {
  const answers = {
    open: hang,
    claimInstance: hang,
    putBatch: hang,
    get: hang,
    getMany: hang,
    readHeads: hang,
    readTail: hang,
    readTree: hang,
    foldTree: hang,
    scanIds: hang,
    scanRows: hang,
    collectTombstones: hang,
    pruneLedger: hang,
    endInstance: hang,
    touchInstance: hang,
    retireInstances: hang,
  } satisfies Partial<Record<keyof ArchiveTier, unknown>>
  Object.assign(world.archiveOf(directory), answers)
}

/** Nor does its cache. */
function hangCache(directory: string): void {
  const cache = world.cacheOf(directory) as unknown as Record<string, unknown>
  for (const name of [
    'get',
    'getMany',
    'readStripes',
    'readPermits',
    'put',
    'advanceStripe',
    'readReceipt',
  ]) {
    cache[name] = hang
  }
}

/** Every call that waits, made so that only the archive could answer it. */
const CALLS: Readonly<Record<Operation, (engine: Engine, limits: BoundOptions) => Promise<unknown>>> = {
  start: (engine, limits) => engine.start(limits),
  stop: (engine, limits) => engine.stop(limits),
  submit: (engine, limits) => engine.submit('new', 1, { level: 'archive', ...limits }),
  delete: (engine, limits) => engine.delete('new', { level: 'archive', ...limits }),
  get: (engine, limits) => engine.get('x', { consistency: 'source', ...limits }),
  getMany: (engine, limits) => engine.getMany(['x', 'y'], limits),
  contains: (engine, limits) => engine.contains('x', limits),
  explain: (engine, limits) => engine.explain('x', limits),
  flush: (engine, limits) => engine.flush(limits),
  verify: (engine, limits) => engine.verify(limits),
  roots: (engine, limits) => engine.roots(limits),
  retryParked: (engine, limits) => engine.retryParked('bad', limits),
  dropParked: (engine, limits) => engine.dropParked('bad', limits),
}
/** They end by bounds of their own, or wait for the disk alone. */
const OTHERS: readonly Operation[] = ['start', 'stop', 'dropParked']
const WAITING = (Object.keys(CALLS) as Operation[]).filter((operation) => !OTHERS.includes(operation))

/** A started engine with something pending and something parked, whose archive has just ceased to answer. */
async function engineWithoutArchive(): Promise<Engine> {
  const engine = world.engine('a', { ...HOUR, withoutCache: true })
  await engine.start()
  for (let attempt = 0; attempt < 2; attempt++) {
    world.archiveOf('a').failNext('putBatch', 'before', new ArchiveRefusedData('arranged'))
  }
  await engine.submit('bad', 1)
  await settle(engine.flush())
  await engine.submit('pending', 1)
  hangArchive('a')
  // Whatever this process knew itself is too old by now.
  await pass(clock, 600)
  return engine
}

/** How a call ended, once time enough has passed; what else runs (polls) has timers of its own. */
async function endOf(call: Promise<unknown>, withinMs: number): Promise<unknown> {
  let end: unknown = 'it has not ended'
  call.then(
    (value) => (end = value),
    (error: unknown) => (end = error),
  )
  await turns()
  await pass(clock, withinMs)
  return end
}

describe('a call whose archive never answers', () => {
  it.each(WAITING)('%s ends by its own time limit [W10, P71]', async (operation) => {
    const engine = await engineWithoutArchive()
    const call = CALLS[operation](engine, { timeoutMs: 700 })
    expect(clock.keepsProcessAlive).toBe(true)
    expect(await endOf(call, 700)).toMatchObject({
      code: 'SE_DEADLINE_EXCEEDED',
      details: { operation, timeoutMs: 700 },
    })
    expect(clock.keepsProcessAlive).toBe(false)
  })

  it.each(WAITING)('%s ends by default [W10, P71]', async (operation) => {
    const engine = await engineWithoutArchive()
    const call = CALLS[operation](engine, {})
    expect(clock.keepsProcessAlive).toBe(true)
    const end = await endOf(call, 120_000)
    // Some end sooner, by the bounds of what they ask; `explain` answers that the archive cannot say.
    if (operation === 'explain') expect(end).toMatchObject({ archive: { kind: 'unknown' } })
    else
      expect(end).toMatchObject({
        code: expect.stringMatching(/^SE_(DEADLINE_EXCEEDED|TIER_UNAVAILABLE)$/) as string,
      })
    expect(clock.keepsProcessAlive).toBe(false)
  })

  it.each(WAITING)('%s ends when its caller goes [W10]', async (operation) => {
    const engine = await engineWithoutArchive()
    const controller = new AbortController()
    const call = CALLS[operation](engine, { signal: controller.signal })
    call.catch(() => {})
    await turns()
    controller.abort('gone')
    await expect(call).rejects.toMatchObject({ code: 'SE_CALL_ABORTED', cause: 'gone' })
    expect(clock.keepsProcessAlive).toBe(false)
  })
})

describe('a caller that goes', () => {
  it('takes nobody with it: its batch goes on, and what it wrote may be stored [P7]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    const held = holdAnswer(world.archiveOf('a'), 'putBatch')
    const controller = new AbortController()
    const gone = engine.submit('a', 1, { level: 'archive', signal: controller.signal })
    gone.catch(() => {})
    await held.reached
    const [other, flushed] = [engine.submit('b', 2, { level: 'archive' }), engine.flush()]
    controller.abort()
    await expect(gone).rejects.toMatchObject({ code: 'SE_CALL_ABORTED' })
    held.release()
    await settle(Promise.all([other, flushed]))
    expect((await engine.get('a'))?.value).toBe(1)
    expect((await engine.get('b'))?.value).toBe(2)
    expect(engine.status().gauges).toMatchObject({ pendingItems: 0 })
  })

  it('while it waits for space, leaves the line and nothing behind [W8]', async () => {
    const engine = world.engine('a', { ...HOUR, pending: { itemsMax: 1 } })
    await engine.start()
    await engine.submit('a', 1)
    const call = engine.submit('b', 2, { timeoutMs: 100 })
    expect(await endOf(call, 100)).toMatchObject({ code: 'SE_DEADLINE_EXCEEDED' })
    await settle(engine.flush())
    expect(engine.status().gauges.backpressureLevel).toBe(0)
    expect(await engine.get('b')).toBeUndefined()
  })

  it('a loader whose archive is away ends with its own error by its deadline [P70]', async () => {
    const engine = world.engine('a', { pending: { itemsMax: 50 } })
    await engine.start()
    world.archiveOf('a').setAvailable(false)
    let accepted = 0
    const load = (async () => {
      for (let item = 0; item < 1_000; item++) {
        await engine.submit(`item.${item}`, item, { timeoutMs: 5_000 })
        accepted++
      }
    })()
    expect(await endOf(load, 6_000)).toMatchObject({ code: 'SE_DEADLINE_EXCEEDED' })
    expect(accepted).toBe(50)
    expect(clock.keepsProcessAlive).toBe(false)
  })
})

describe('stop', () => {
  it.each([200, 1_000, 5_000, 30_000])(
    'ends within %i ms though archive and cache hang, and loses nothing [P1, P70]',
    async (timeoutMs) => {
      const engine = world.engine('a', HOUR)
      await engine.start()
      await engine.submit('logged', 1)
      await engine.submit('memory', 2, { level: 'memory' })
      hangArchive('a')
      hangCache('a')
      world.archiveOf('a').close = hang
      world.cacheOf('a').close = hang
      await pass(clock, 31_000)
      const startedMs = clock.monotonicMs()
      const stopping = engine.stop({ timeoutMs })
      expect(clock.keepsProcessAlive).toBe(true)
      const report = await settle(stopping)
      // Steps that come after the time is over get a moment each.
      expect(clock.monotonicMs() - startedMs).toBeLessThanOrEqual(Math.max(timeoutMs, 1_000))
      expect(report).toMatchObject({ itemsLeftInLog: 2, itemsLost: 0 })
      expect(clock.timerCount).toBe(0)
      expect(disk.openCount).toBe(0)
      const again = world.engine('a')
      await settle(again.start())
      expect((await again.get('logged'))?.value).toBe(1)
      expect((await again.get('memory'))?.value).toBe(2)
    },
  )

  it('puts what only memory has into the log before an archive that is in doubt is asked again [P1]', async () => {
    let killed: PowerLossFileSystem | undefined
    const observer: EngineObserver = {
      // A kill in the middle of the stop.
      fault: ({ what }) => {
        if (what.includes('flush')) killed ??= disk.afterKill()
      },
    }
    const engine = world.engine('a', { ...HOUR, observer })
    await engine.start()
    await engine.submit('memory', 2, { level: 'memory' })
    world.archiveOf('a').setAvailable(false)
    await pass(clock, 3_000)
    await settle(engine.stop())
    await killed!.remove('/world/a/0000000001.lock')
    const again = world.engine('a', { fileSystem: killed! })
    await settle(again.start())
    expect((await again.get('memory'))?.value).toBe(2)
  })

  it('goes through at once when its caller gives up waiting', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    await engine.submit('memory', 2, { level: 'memory' })
    hangArchive('a')
    world.archiveOf('a').close = hang
    const controller = new AbortController()
    const stopping = engine.stop({ timeoutMs: 600_000, signal: controller.signal })
    await pass(clock, 100)
    controller.abort()
    const startedMs = clock.monotonicMs()
    expect(await settle(stopping)).toMatchObject({ itemsLeftInLog: 1, itemsLost: 0 })
    expect(clock.monotonicMs() - startedMs).toBeLessThanOrEqual(1_000)
    expect(clock.timerCount).toBe(0)
  })

  it('says what is lost: acknowledged at level memory, and taken by neither archive nor log', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    await engine.submit('logged', 1)
    await engine.submit('memory', 2, { level: 'memory' })
    world.archiveOf('a').setAvailable(false)
    disk.onCall = ({ operation, path }) =>
      operation === 'syncData' && path.includes('/a/') ? { code: 'EIO' } : undefined
    expect(await settle(engine.stop())).toMatchObject({ itemsLeftInLog: 1, itemsLost: 1 })
  })

  it('refuses a limit that is none by the name of the field, and can still be called', async () => {
    const engine = world.engine('a')
    await engine.start()
    await expect(engine.stop({ timeoutMs: -1 })).rejects.toMatchObject({ field: 'timeoutMs' })
    await expect(engine.stop({ timeout: 1 } as never)).rejects.toMatchObject({ field: 'timeout' })
    expect(await settle(engine.stop())).toMatchObject({ problems: [] })
  })
})

describe('start', () => {
  it('that failed can be repeated, again and again, until it succeeds', async () => {
    const engine = world.engine('a')
    const archive = world.archiveOf('a')
    for (const operation of ['open', 'claimInstance', 'readTree', 'readHeads', 'scanIds'] as const) {
      archive.failNext(operation, 'before', new TierMisconfigured('arranged'))
      await expect(settle(engine.start()), operation).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
      expect(engine.phase).toBe('Failed')
      expect(engine.status().failure).toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
      expect(disk.openCount, operation).toBe(0)
      expect(clock.timerCount, operation).toBe(0)
    }
    expect(await settle(engine.start())).toMatchObject({ isDegraded: false })
    expect(engine.phase).toBe('Ready')
    expect(engine.status().failure).toBeUndefined()
    await engine.submit('a', 1)
    await engine.flush()
    expect((await engine.get('a', { consistency: 'source' }))?.value).toBe(1)
  })

  it('that failed does not hold what was acknowledged: the next one replays it', async () => {
    const first = world.engine('a', HOUR)
    await first.start()
    await first.submit('a', 1)
    world.archiveOf('a').setAvailable(false)
    await settle(first.stop())
    const engine = world.engine('a')
    world.archiveOf('a').failNext('putBatch', 'after-commit')
    world.archiveOf('a').failNext('putBatch', 'before')
    world.archiveOf('a').failNext('putBatch', 'before')
    await expect(settle(engine.start())).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    await settle(engine.start())
    expect((await engine.get('a', { consistency: 'source' }))?.value).toBe(1)
  })

  it('of an engine that runs, or failed while it ran, is refused', async () => {
    const engine = world.engine('a')
    await engine.start()
    await expect(engine.start()).rejects.toMatchObject({ code: 'SE_WRONG_PHASE' })
    await world.copy('a', 'b')
    await world.engine('b').start()
    await expect(engine.submit('a', 1, { level: 'archive' })).rejects.toMatchObject({
      code: 'SE_INSTANCE_FENCED',
    })
    expect(engine.phase).toBe('Failed')
    await expect(engine.start()).rejects.toMatchObject({ code: 'SE_WRONG_PHASE' })
    await settle(engine.stop())
    await expect(engine.start()).rejects.toMatchObject({ code: 'SE_WRONG_PHASE' })
  })

  it('waits for an archive that is not there yet, as long as it may', async () => {
    const engine = world.engine('a')
    const archive = world.archiveOf('a')
    archive.setAvailable(false)
    const starting = engine.start({ waitForMs: 60_000 })
    starting.catch(() => {})
    await pass(clock, 20_000)
    expect(engine.phase).toBe('Starting')
    expect(clock.keepsProcessAlive).toBe(true)
    archive.setAvailable(true)
    await settle(starting)
    expect(engine.phase).toBe('Ready')
  })

  it('waits no longer than it may, and then says what is wrong', async () => {
    const engine = world.engine('a')
    world.archiveOf('a').setAvailable(false)
    const end = await endOf(engine.start({ waitForMs: 5_000 }), 6_000)
    expect(end).toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    expect(engine.phase).toBe('Failed')
  })

  it('does not wait where waiting changes nothing, but for a name that is not known yet', async () => {
    const engine = world.engine('a')
    const archive = world.archiveOf('a')
    archive.failNext('open', 'before', new TierMisconfigured('wrong password'))
    await expect(engine.start({ waitForMs: 60_000 })).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
    archive.failNext(
      'open',
      'before',
      new TierMisconfigured('no such host', { details: { because: 'unknown-host' } }),
    )
    await settle(engine.start({ waitForMs: 60_000 }))
  })

  it.each(['open', 'claimInstance', 'readTree', 'readHeads'] as const)(
    'ends by its limit, or when its caller goes, though the archive hangs in %s',
    async (operation) => {
      const engine = world.engine('a')
      const archive = world.archiveOf('a')
      const original = archive[operation]
      Object.assign(archive, { [operation]: hang })
      expect(await endOf(engine.start({ timeoutMs: 1_000 }), 6_000)).toMatchObject({
        code: 'SE_DEADLINE_EXCEEDED',
      })
      const controller = new AbortController()
      const aborted = engine.start({ signal: controller.signal })
      aborted.catch(() => {})
      await pass(clock, 100)
      controller.abort()
      expect(await endOf(aborted, 6_000)).toMatchObject({ code: 'SE_CALL_ABORTED' })
      expect(engine.phase).toBe('Failed')
      expect(disk.openCount).toBe(0)
      expect(clock.timerCount).toBe(0)
      Object.assign(archive, { [operation]: original })
      await settle(engine.start())
      expect(engine.phase).toBe('Ready')
    },
  )

  it('without a limit ends too, though the archive hangs when it is opened [P79]', async () => {
    const engine = world.engine('a')
    hangArchive('a')
    expect(await endOf(engine.start(), 310_000)).toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    expect(clock.timerCount).toBe(0)
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ArchiveRefusedData, compareStamps } from '@se/core'
import { stripeOfId } from '@se/core/hash'
import type { FakeClock, PowerLossFileSystem } from '@se/core/testing'
import { holdAnswer } from './faults.ts'
import { pass, settleOn, turns } from '../src/testing/time.ts'
import { createWorld, type World } from './world.ts'

/**
 * Goal: the interleavings and faults that broke a promise once, or would if a line were taken away.
 * Method: a fake clock, a simulated disk, and an archive whose answers are held back.
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
const unavailable = expect.objectContaining({ code: 'SE_TIER_UNAVAILABLE' }) as Error
const HOUR = { flush: { delayMs: 60_000 } }

describe('a commit whose answer is late', () => {
  it('does not bring an archive-level write back over an own delete acknowledged meanwhile [R2, W3]', async () => {
    const engine = world.engine('a')
    await engine.start()
    const held = holdAnswer(world.archiveOf('a'), 'putBatch')
    const first = engine.submit('a', 'first', { level: 'archive' })
    await held.reached
    await engine.delete('a')
    expect(await engine.get('a')).toBeUndefined()
    held.release()
    await first
    expect(engine.getSync('a')).toBeUndefined()
    expect(await engine.get('a')).toBeUndefined()
    await engine.flush()
    expect(await engine.get('a')).toBeUndefined()
  })

  it('keeps no archive-level write in memory that another process has replaced meanwhile [R5, P15]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    const held = holdAnswer(world.archiveOf('a'), 'putBatch')
    const first = a.submit('x', 'first', { level: 'archive' })
    await held.reached
    await pass(clock, 600)
    await b.flush()
    await b.submit('x', 'second', { level: 'archive' })
    // Polls of `a` hear of both while its own commit is not answered.
    await pass(clock, 600)
    held.release()
    await first
    expect((await a.get('x'))?.value).toBe('second')
    await pass(clock, 600)
    expect((await a.get('x'))?.value).toBe('second')
  })

  it("containsFast does not contradict another process' newer write that was heard first [R5, P56]", async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    const held = holdAnswer(world.archiveOf('a'), 'putBatch')
    const first = a.submit('x', 'first', { level: 'archive' })
    await held.reached
    await pass(clock, 600)
    await b.flush()
    await b.delete('x', { level: 'archive' })
    await pass(clock, 600)
    held.release()
    await first
    expect(a.containsFast('x')).not.toBe('present')
    expect(await a.get('x')).toBeUndefined()
  })
})

describe('what was not heard', () => {
  it('drops memory when the ledger it slept through has been pruned [R5, P63]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    await a.submit('x', 'old', { level: 'archive' })
    await a.flush()
    await b.flush()
    expect((await a.get('x'))?.value).toBe('old')
    world.archiveOf('a').setAvailable(false)
    await b.submit('x', 'new', { level: 'archive' })
    await pass(clock, 5_000)
    await b.stop()
    await world.archive.foldTree()
    expect(await world.archive.pruneLedger(clock.nowMs() + 1)).toBeGreaterThan(0)
    world.archiveOf('a').setAvailable(true)
    await pass(clock, 10_000)
    expect(a.status().isFresh).toBe(true)
    expect((await a.get('x'))?.value).toBe('new')
    expect(a.status().trust.filter).toMatch(/^trusted/)
  })

  it('stores no load that began before such a gap [R2, P63]', async () => {
    const [a, b] = [world.engine('a', { withoutCache: true }), world.engine('b', { withoutCache: true })]
    await b.start()
    await b.submit('x', 'old', { level: 'archive' })
    await a.start()
    const held = holdAnswer(world.archiveOf('a'), 'get')
    const early = a.get('x')
    await held.reached
    await b.submit('x', 'new', { level: 'archive' })
    await b.stop()
    await world.archive.foldTree()
    await world.archive.pruneLedger(clock.nowMs() + 1)
    await pass(clock, 600)
    held.release()
    await early
    expect((await a.get('x'))?.value).toBe('new')
  })

  it('rebuilds a filter whose rebuilding was interrupted by an outage [R3, P26]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    await b.submit('x', 1, { level: 'archive' })
    await b.stop()
    await world.archive.foldTree()
    await world.archive.pruneLedger(clock.nowMs() + 1)
    world.archiveOf('a').failNext('scanIds', 'before')
    await pass(clock, 10_000)
    expect(a.status().trust.filter).toMatch(/^trusted/)
    expect(a.containsFast('x')).toBe('maybe')
    expect(a.containsFast('y')).toBe('absent')
  })

  it('a write that is flushed while the ids are scanned is in the scan or in what came after [P62, R3]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    await b.submit('other', 1, { level: 'archive' })
    await b.stop()
    await world.archive.foldTree()
    await world.archive.pruneLedger(clock.nowMs() + 1)
    // The scan has read all its pages; nothing of it has been applied.
    const scan = holdAnswer(world.archiveOf('a'), 'scanIds')
    world.archiveOf('a').failNext('putBatch', 'before')
    await a.submit('before', 1)
    await pass(clock, 2_000)
    await scan.reached
    await a.submit('after', 1)
    await pass(clock, 2_000)
    for (const id of ['before', 'after']) {
      expect(await world.archive.get(id)).toMatchObject({ kind: 'found' })
      expect(a.containsFast(id)).not.toBe('absent')
      expect((await a.explain(id)).pending).toBeUndefined()
    }
    scan.release()
    await pass(clock, 2_000)
    for (const id of ['before', 'after']) {
      expect((await a.explain(id)).filter).toMatchObject({ answer: 'maybe', isTrusted: true })
      expect((await a.get(id, { consistency: 'source' }))?.value).toBe(1)
    }
  })

  it('a stripe that comes back older while processes run is noticed, and what it answered is forgotten [R5, P29, P51]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    await a.submit('x', 'old', { level: 'archive' })
    await a.flush()
    const dump = world.cache.snapshot(stripeOfId('x'))
    await a.submit('x', 'new', { level: 'archive' })
    await a.flush()
    await b.flush()
    world.cache.restore(dump)
    // Within Δ of the restore a read may still get the older entry; it must not stay in anybody's memory.
    for (const engine of [a, b]) await engine.get('x', { consistency: 'shared' })
    await pass(clock, 600)
    for (const engine of [a, b]) {
      for (const consistency of ['local', 'shared', 'source'] as const) {
        expect((await engine.get('x', { consistency }))?.value, consistency).toBe('new')
      }
      expect(await engine.roots()).toMatchObject({ agree: true })
    }
  })

  it('what was read from a stripe is forgotten once somebody had to make misses of its entries [P66, R5]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    await b.submit('x', 'right', { level: 'archive' })
    await b.flush()
    await pass(clock, 600)
    // Put by a process of a copy of this archive, under the same stamp.
    world.cache.tamper('x', (item) => ({ ...item, bytes: new TextEncoder().encode('"of a copy"') }))
    expect((await a.get('x', { consistency: 'shared' }))?.value).toBe('of a copy')
    const reading = (await world.cacheOf('b').readStripes())[stripeOfId('x')]
    if (reading?.kind !== 'state') return expect.unreachable('the stripe has a meta')
    expect(await world.cacheOf('b').renewEpoch(reading.state)).toBeDefined()
    await pass(clock, 600)
    for (const consistency of ['local', 'shared', 'source'] as const) {
      expect((await a.get('x', { consistency }))?.value, consistency).toBe('right')
    }
  })

  it("containsFast gives another process' write of an own id its due while the cache hangs [R5]", async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    await a.delete('x', { level: 'archive' })
    world.cacheOf('a').readStripes = () => new Promise(() => {})
    await pass(clock, 600)
    await b.flush()
    await b.submit('x', 1, { level: 'archive' })
    await pass(clock, 600)
    expect(a.containsFast('x')).not.toBe('absent')
  })
})

describe('an archive that goes back while a process runs', () => {
  it('fences the process at its next batch, and its next start recognises what happened [P65]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', 1, { level: 'archive' })
    const backup = world.archive.backup()
    await engine.submit('b', 2, { level: 'archive' })
    await engine.submit('c', 3, { level: 'archive' })
    world.archive.restoreTo(backup)
    await expect(settle(engine.submit('d', 4, { level: 'archive' }))).rejects.toMatchObject({
      code: 'SE_INSTANCE_FENCED',
    })
    expect(engine.phase).toBe('Failed')
    await settle(engine.stop())
    const again = world.engine('a')
    const report = await again.start()
    expect(report.steps.find(({ name }) => name === 'sql_connect')?.figures).toMatchObject({
      isRestored: true,
      lastSequence: 3,
    })
    expect(await again.get('b')).toBeUndefined()
    expect(await again.verify({ deep: true })).toMatchObject({ isTrusted: true })
  })

  it('recognises it after a kill too, from what maintenance has noted [P65]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', 1, { level: 'archive' })
    const backup = world.archive.backup()
    await engine.submit('b', 2, { level: 'archive' })
    await pass(clock, 31_000)
    const killed = disk.afterKill()
    await killed.remove('/world/a/0000000001.lock')
    world.archiveOf('a').setAvailable(false)
    await settle(engine.stop())
    world.archive.restoreTo(backup)
    const again = world.engine('a', { fileSystem: killed })
    const report = await again.start()
    expect(report.steps.find(({ name }) => name === 'sql_connect')?.figures).toMatchObject({
      isRestored: true,
    })
  })

  it('reads nothing that is gone: memory, overlay and filter start over [P65, R5]', async () => {
    const engine = world.engine('a')
    await engine.start()
    const backup = world.archive.backup()
    await engine.submit('b', 2, { level: 'archive' })
    world.archive.restoreTo(backup)
    await pass(clock, 600)
    expect(await engine.get('b')).toBeUndefined()
    expect(engine.containsFast('b')).toBe('absent')
  })
})

describe('flush', () => {
  it('a caller that gives up takes nobody with it: the batch goes on, and so do the others [P7]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    const held = holdAnswer(world.archiveOf('a'), 'putBatch')
    await engine.submit('a', 1)
    // The one who triggers it is cancelled: nobody looks at its promise any more.
    const cancelled = new AbortController()
    const trigger = Promise.race([
      engine.flush(),
      new Promise((_, reject) => {
        cancelled.signal.addEventListener('abort', () => reject(new Error('cancelled')))
      }),
    ])
    await held.reached
    await engine.submit('b', 2)
    const other = engine.flush()
    cancelled.abort()
    await expect(trigger).rejects.toThrow('cancelled')
    held.release()
    await settle(other)
    for (const id of ['a', 'b']) expect(await world.archive.get(id)).toMatchObject({ kind: 'found' })
    expect(engine.status().gauges).toMatchObject({ pendingItems: 0, walEntries: 0 })
  })

  it('fails after the attempts of the guard while the archive is down, and again when asked again at once [W7]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    await engine.submit('a', 1)
    world.archiveOf('a').setAvailable(false)
    const asked = Array.from({ length: 3 }, () => engine.flush().catch(() => engine.flush()))
    const outcomes = await settle(Promise.allSettled(asked))
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable })
    world.archiveOf('a').setAvailable(true)
    await pass(clock, 7_000)
    await settle(engine.flush())
    expect(await world.archive.get('a')).toMatchObject({ kind: 'found' })
  })

  it('the completion of an older write does not remove a newer one with the same content [P8]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    await engine.submit('a', 'same')
    const held = holdAnswer(world.archiveOf('a'), 'putBatch')
    const flushed = engine.flush()
    await held.reached
    const { stamp } = await engine.submit('a', 'same')
    held.release()
    await flushed
    expect(engine.status().gauges).toMatchObject({ pendingItems: 1, walEntries: 1 })
    await engine.flush()
    const lookup = await world.archive.get('a')
    expect(lookup.kind === 'found' && compareStamps(lookup.item.stamp, stamp)).toBe(0)
    expect(lookup).toMatchObject({ item: { version: 2 } })
  })

  it('with a log that has failed, writes are refused and what is pending still reaches the archive [W2, P9]', async () => {
    const engine = world.engine('a', { flush: { delayMs: 60_000, itemsMax: 1 } })
    await engine.start()
    const held = holdAnswer(world.archiveOf('a'), 'putBatch')
    for (const id of ['a', 'b', 'c']) await engine.submit(id, 1)
    disk.onCall = ({ operation, path }) =>
      operation === 'syncData' && path.includes('/a/') ? { code: 'EIO' } : undefined
    const refused = { code: 'SE_LOG_FAILED' }
    await expect(engine.submit('d', 1)).rejects.toMatchObject(refused)
    disk.onCall = undefined
    await expect(engine.submit('d', 1)).rejects.toMatchObject(refused)
    // It could never be made safe at a stop.
    await expect(engine.submit('d', 1, { level: 'memory' })).rejects.toMatchObject(refused)
    held.release()
    await settle(engine.flush())
    for (const id of ['a', 'b', 'c']) expect(await world.archive.get(id)).toMatchObject({ kind: 'found' })
    expect(await engine.submit('e', 1, { level: 'archive' })).toMatchObject({ level: 'archive' })
    expect(world.told('a').faults.filter(({ part }) => part === 'log')).toHaveLength(1)
  })

  it('does not pile batches up behind a cache that hangs', async () => {
    const engine = world.engine('a', { flush: { delayMs: 60_000, itemsMax: 1 } })
    await engine.start()
    let putCount = 0
    const cache = world.cacheOf('a')
    cache.put = () => {
      putCount++
      return new Promise(() => {})
    }
    for (let index = 0; index < 30; index++) await engine.submit(`i.${index}`, index, { level: 'archive' })
    expect(putCount).toBe(1)
    await settle(engine.flush())
    expect(putCount).toBeLessThan(6)
    expect(await engine.get('i.29', { consistency: 'shared' })).toMatchObject({ value: 29 })
  })

  it('a commit waits for a cache that hangs no longer than for a lookup [W2]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    world.cacheOf('a').readPermits = () => new Promise(() => {})
    const startedMs = clock.monotonicMs()
    await settle(engine.submit('a', 1, { level: 'archive' }))
    expect(clock.monotonicMs() - startedMs).toBeLessThan(2_000)
  })
})

describe('parking', () => {
  it('gives no stamp of a parked write again, though the clock went back and nobody else knows it [W3, W6]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    const refused = new ArchiveRefusedData('arranged')
    for (let times = 0; times < 2; times++) world.archiveOf('a').failNext('putBatch', 'before', refused)
    const { stamp } = await engine.submit('x', 'parked')
    await engine.flush()
    await engine.stop()
    clock.jump(-900)
    const again = world.engine('a', HOUR)
    await again.start()
    expect(again.parked()).toMatchObject([{ stamp }])
    const deleted = await again.delete('x')
    expect(compareStamps(deleted.stamp, stamp)).toBeGreaterThan(0)
    await again.retryParked('x')
    await again.flush()
    expect(await again.get('x')).toBeUndefined()
  })

  it('a write that was coalesced away by one that is parked is stored after all [W2, W6]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    const archive = world.archiveOf('a')
    const putBatch = archive.putBatch.bind(archive)
    archive.putBatch = (batch) =>
      batch.writes.some(({ bytes }) => Buffer.from(bytes ?? []).includes('bad'))
        ? Promise.reject(new ArchiveRefusedData('arranged'))
        : putBatch(batch)
    await engine.submit('x', 'first')
    const { stamp } = await engine.submit('x', 'second')
    await engine.submit('y', 'other')
    await engine.submit('x', 'bad 1')
    await engine.submit('x', 'bad 2')
    expect(await engine.flush()).toMatchObject({ parked: 2, l3: 2 })
    expect(await engine.get('x')).toMatchObject({ value: 'second', stamp, version: 1 })
    expect(await world.archive.get('x')).toMatchObject({ item: { stamp } })
    expect(engine.parked()).toHaveLength(2)
    expect(engine.status().gauges).toMatchObject({ pendingItems: 0, walEntries: 0 })
  })

  it('a parked write that is retried under a newer one which fails stays parked [W6]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    const archive = world.archiveOf('a')
    const putBatch = archive.putBatch.bind(archive)
    archive.putBatch = (batch) =>
      batch.writes.some(({ id }) => id === 'bad')
        ? Promise.reject(new ArchiveRefusedData('arranged'))
        : putBatch(batch)
    await engine.submit('bad', 'first')
    await engine.flush()
    const [parked] = engine.parked()
    expect(parked).toMatchObject({ id: 'bad' })
    // Both wait at once: a batch is held up, the retry joins the queue, then the archive-level write, which goes first.
    const held = holdAnswer(archive, 'putBatch')
    await engine.submit('other', 1)
    const flushed = engine.flush()
    await held.reached
    const retried = engine.retryParked('bad')
    retried.catch(() => {})
    await turns()
    const newer = engine.submit('bad', 'second', { level: 'archive' })
    held.release()
    await expect(newer).rejects.toMatchObject({ code: 'SE_ARCHIVE_REFUSED_DATA' })
    // It was sent on its own, and refused on its own.
    expect(await retried).toBe(1)
    await flushed
    expect(engine.parked()).toMatchObject([{ id: 'bad', stamp: parked!.stamp }])
  })

  it('a retry that meets a stop ends, and its write stays parked [W6]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    const archive = world.archiveOf('a')
    archive.failNext('putBatch', 'before', new ArchiveRefusedData('arranged'))
    archive.failNext('putBatch', 'before', new ArchiveRefusedData('arranged'))
    await engine.submit('bad', 1)
    await engine.flush()
    expect(engine.parked()).toHaveLength(1)
    archive.setAvailable(false)
    const retried = engine.retryParked('bad')
    retried.catch(() => {})
    await settle(engine.stop())
    await expect(settle(retried)).rejects.toEqual(unavailable)
    const again = world.engine('a')
    await again.start()
    // Replayed from the log: stored, and the parked copy of it may be dropped by whoever looks.
    expect((await again.get('bad'))?.value).toBe(1)
  })
})

describe('start and stop', () => {
  it('a stop during the start ends it, and lets go of everything', async () => {
    const engine = world.engine('a')
    const starting = engine.start()
    const ended = expect(starting).rejects.toMatchObject({ code: 'SE_WRONG_PHASE' })
    expect(await settle(engine.stop())).toMatchObject({ problems: [] })
    await ended
    expect(engine.phase).toBe('Stopped')
    expect(disk.openCount).toBe(0)
    expect(clock.timerCount).toBe(0)
  })

  it('a stop during a start that fails ends once everything is closed', async () => {
    world.cache.setAvailable(false)
    const engine = world.engine('a')
    world.archiveOf('a').setAvailable(false)
    const starting = engine.start({ waitForMs: 600_000 })
    starting.catch(() => {})
    await pass(clock, 5_000)
    expect(engine.phase).toBe('Starting')
    await settle(engine.stop())
    await expect(starting).rejects.toMatchObject({ code: 'SE_WRONG_PHASE' })
    expect(engine.phase).toBe('Stopped')
    expect(disk.openCount).toBe(0)
    expect(clock.timerCount).toBe(0)
  })

  it('a start that fails ends, though the archive hangs at its close', async () => {
    const engine = world.engine('a')
    const archive = world.archiveOf('a')
    archive.setAvailable(false)
    archive.close = () => new Promise(() => {})
    await expect(settle(engine.start())).rejects.toEqual(unavailable)
    expect(disk.openCount).toBe(0)
  })

  it('a start that fails closes the parking file too', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    const archive = world.archiveOf('a')
    archive.failNext('putBatch', 'before', new ArchiveRefusedData('arranged'))
    archive.failNext('putBatch', 'before', new ArchiveRefusedData('arranged'))
    await engine.submit('bad', 1)
    await engine.flush()
    await engine.stop()
    expect(disk.openCount).toBe(0)
    const again = world.engine('a')
    world.archiveOf('a').setAvailable(false)
    await expect(again.start()).rejects.toEqual(unavailable)
    expect(disk.openCount).toBe(0)
  })

  it('leaves no timer and no open file behind, whatever was down at the stop', async () => {
    for (const what of ['nothing', 'archive', 'cache'] as const) {
      const engine = world.engine(what, HOUR)
      await engine.start()
      await engine.submit('a', 1)
      if (what === 'archive') world.archiveOf(what).setAvailable(false)
      if (what === 'cache') world.cache.setAvailable(false)
      await pass(clock, 2_000)
      await settle(engine.stop())
      expect(clock.timerCount, what).toBe(0)
      expect(disk.openCount, what).toBe(0)
    }
  })

  it('a stop ends, and nothing is lost, while the archive hangs in every call [P1]', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    await engine.submit('a', 1)
    await engine.submit('m', 2, { level: 'memory' })
    const archive = world.archiveOf('a')
    const hang = () => new Promise<never>(() => {})
    Object.assign(archive, { putBatch: hang, readHeads: hang, readTail: hang, foldTree: hang, close: hang })
    // A maintenance round is under way, and will never end.
    await pass(clock, 30_000)
    const waiting = engine.submit('w', 3, { level: 'archive' })
    waiting.catch(() => {})
    const report = await settle(engine.stop())
    expect(report.problems.map(({ step }) => step)).toEqual(
      expect.arrayContaining(['flush', 'stop-maintenance', 'close-archive']),
    )
    await expect(waiting).rejects.toEqual(unavailable)
    const again = world.engine('a')
    await settle(again.start())
    expect((await again.get('a'))?.value).toBe(1)
    expect((await again.get('m'))?.value).toBe(2)
  })

  it('who waits for the archive hears of a stop, also when the log cannot take what is left', async () => {
    const engine = world.engine('a', HOUR)
    await engine.start()
    await engine.submit('m', 1, { level: 'memory' })
    world.archiveOf('a').setAvailable(false)
    const waiting = engine.submit('w', 2, { level: 'archive' })
    waiting.catch(() => {})
    disk.onCall = ({ operation, path }) =>
      operation === 'syncData' && path.includes('/a/') ? { code: 'EIO' } : undefined
    const report = await settle(engine.stop())
    expect(report.problems.map(({ step }) => step)).toContain('log-the-rest')
    await expect(settle(waiting)).rejects.toEqual(unavailable)
    expect(disk.openCount).toBe(0)
  })

  it('starts degraded when the cache hangs while it is opened', async () => {
    const engine = world.engine('a')
    const cache = world.cacheOf('a')
    const open = cache.open.bind(cache)
    cache.open = () => new Promise(() => {})
    expect(await settle(engine.start())).toMatchObject({ isDegraded: true })
    await engine.submit('a', 1)
    await settle(engine.flush())
    cache.open = open
    expect(await settle(engine.stop())).toMatchObject({ itemsLeftInLog: 0 })
  })
})

import { Buffer } from 'node:buffer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ArchiveRefusedData, TierUnavailable } from '@se/core'
import { stripeOfId } from '@se/core/hash'
import type { FakeClock } from '@se/core/testing'
import { holdAnswer } from './faults.ts'
import { pass, settleOn, turns } from '../src/testing/time.ts'
import { createEngine } from '../src/index.ts'
import { createWorld, type World } from './world.ts'

let clock: FakeClock
let world: World
beforeEach(async () => {
  world = await createWorld()
  clock = world.clock
})
afterEach(() => settle(world[Symbol.asyncDispose]()))

/** Pauses and timeouts pass while it waits. */
const settle = <T>(promise: PromiseLike<T>) => settleOn(clock, promise)

const unavailable = expect.objectContaining({ code: 'SE_TIER_UNAVAILABLE' }) as Error

describe('the main path', () => {
  it('takes items through three tiers and proves every copy', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('user.alice', { name: 'Alice' })
    await engine.submit('user.bob', Buffer.from([0, 255, 1]))
    expect(engine.getSync('user.alice')?.value).toEqual({ name: 'Alice' })
    expect(engine.getSync('user.alice')?.version).toBeUndefined()
    const flushed = await engine.flush()
    expect(flushed).toMatchObject({ items: 2, l3: 2, l2: 2, parked: 0, superseded: 0, batches: 1 })
    expect((await engine.get('user.alice'))?.version).toBe(1)
    expect(engine.containsFast('user.alice')).toBe('present')
    expect(engine.containsFast('user.nobody')).toBe('absent')
    expect(await engine.contains('user.nobody')).toBe(false)
    expect(await engine.verify({ deep: true })).toMatchObject({ isTrusted: true, rowsRead: 2 })
    const roots = await engine.roots()
    expect(roots.archive).toMatch(/^[0-9a-f]{64}$/)
    expect(roots).toMatchObject({ agree: true, cache: roots.archive })
    expect(await engine.explain('user.alice')).toMatchObject({
      memory: { version: 1, isDirty: false },
      pending: undefined,
      cache: { kind: 'found', version: 1, mayAnswer: true },
      archive: { kind: 'found', version: 1 },
      filter: { answer: 'maybe', isTrusted: true },
    })
  })

  it('says which part gave an answer, and what it is worth [R8]', async () => {
    const engine = world.engine('a', { flush: { delayMs: 60_000 } })
    await engine.start()
    const worth = { isStale: false, isParked: false }
    await engine.submit('a', 1)
    expect(await engine.read('a')).toMatchObject({ from: 'memory', item: { value: 1 }, ...worth })
    expect(await engine.read('a', { consistency: 'shared' })).toMatchObject({ from: 'pending', ...worth })
    await engine.delete('gone')
    expect(await engine.read('gone')).toEqual({ from: 'pending', item: undefined, ...worth })
    await engine.flush()
    expect(await engine.read('a', { consistency: 'shared' })).toMatchObject({ from: 'cache', ...worth })
    expect(await engine.read('a', { consistency: 'source' })).toMatchObject({ from: 'archive', ...worth })
    expect(await engine.read('nobody')).toEqual({ from: 'filter', item: undefined, ...worth })

    const archive = world.archiveOf('a')
    const putBatch = archive.putBatch.bind(archive)
    archive.putBatch = () => Promise.reject(new ArchiveRefusedData('arranged'))
    await engine.submit('a', 2)
    await engine.flush()
    archive.putBatch = putBatch
    expect(await engine.read('a', { consistency: 'source' })).toMatchObject({
      item: { value: 1 },
      from: 'archive',
      isParked: true,
    })

    // Nothing is heard for longer than Δ, and the archive does not answer.
    await engine.submit('b', 1)
    archive.setAvailable(false)
    await pass(clock, 2_000)
    expect(await settle(engine.read('b'))).toMatchObject({ from: 'pending', isStale: true })
    archive.setAvailable(true)
  })

  it('gives bytes back as they went in, from every tier [R7]', async () => {
    const engine = world.engine('a')
    await engine.start()
    const values = ['{"b":1,"a":12345678901234567890}', Buffer.from([0, 159, 146, 150]), Buffer.alloc(0)]
    for (const [index, value] of values.entries()) {
      await engine.submit(`v.${index}`, Buffer.from(value), { contentType: 'application/json' })
    }
    const check = async (consistency: 'local' | 'shared' | 'source') => {
      for (const [index, value] of values.entries()) {
        const item = await engine.get(`v.${index}`, { consistency })
        expect(Buffer.from(item!.bytes), consistency).toEqual(Buffer.from(value))
      }
    }
    await check('local')
    await engine.flush()
    for (const consistency of ['local', 'shared', 'source'] as const) await check(consistency)
  })

  it('refuses bad input by field and limit, and changes nothing', async () => {
    const engine = world.engine('a', { valueBytesMax: 10 })
    await engine.start()
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    for (const [field, call] of [
      ['id', () => engine.submit('', 1)],
      ['id', () => engine.get('x'.repeat(256))],
      ['id', () => engine.delete('a\n')],
      ['value', () => engine.submit('a', undefined)],
      ['value', () => engine.submit('a', cycle)],
      ['value', () => engine.submit('a', 1n)],
      ['value', () => engine.submit('a', 'x'.repeat(9))],
      ['state', () => engine.submit('a', 1, { state: 'x'.repeat(65) })],
      ['contentType', () => engine.submit('a', 1, { contentType: 'é' })],
      ['level', () => engine.submit('a', 1, { level: 'x' as 'log' })],
      ['consistency', () => engine.get('a', { consistency: 'x' as 'local' })],
      ['id', () => engine.getMany(['a', ''])],
      ['id', () => engine.contains('')],
      ['id', () => engine.explain('')],
      ['id', () => engine.retryParked('')],
      ['id', () => engine.dropParked(7 as unknown as string)],
    ] as const) {
      await expect(call(), field).rejects.toMatchObject({ code: 'SE_INVALID_INPUT', field })
    }
    // Without an id "not here" would be said of nothing [P77].
    for (const call of [
      () => engine.getSync(undefined as unknown as string),
      () => engine.containsFast(''),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'SE_INVALID_INPUT', field: 'id' }))
    }
    expect(engine.status().gauges).toMatchObject({ pendingItems: 0, walEntries: 0 })
    expect(engine.status().gauges.backpressureLevel).toBe(0)
  })

  it('refuses calls in the wrong phase, and configuration it does not know', async () => {
    const engine = world.engine('a')
    await expect(engine.submit('a', 1)).rejects.toMatchObject({ code: 'SE_WRONG_PHASE', phase: 'Created' })
    await engine.start()
    await expect(engine.start()).rejects.toMatchObject({ code: 'SE_WRONG_PHASE' })
    await engine.stop()
    expect(engine.phase).toBe('Stopped')
    await expect(engine.get('a')).rejects.toMatchObject({ code: 'SE_WRONG_PHASE' })
    expect(() => world.engine('b', { flush: { itemMax: 1 } as object })).toThrow(/flush\.itemMax/)
    for (const wrong of [undefined, null, 7, {}]) {
      expect(() => createEngine(wrong as never)).toThrow(
        expect.objectContaining({ code: 'SE_INVALID_CONFIG' }),
      )
    }
  })
})

describe('writes', () => {
  it('a write at level archive is seen by nobody before its commit, and by all after [W1]', async () => {
    const engine = world.engine('a')
    await engine.start()
    world.archiveOf('a').setAvailable(false)
    const pending = engine.submit('a', 1, { level: 'archive' })
    await turns()
    expect(engine.getSync('a')).toBeUndefined()
    world.archiveOf('a').setAvailable(true)
    expect(await settle(pending)).toMatchObject({ level: 'archive' })
    expect(engine.getSync('a')?.value).toBe(1)
    expect(await world.archive.get('a')).toMatchObject({ kind: 'found' })
    expect(engine.status().gauges.walEntries).toBe(0)
  })

  it('the log keeps a record until L3 has it, and a crash before the flush loses nothing [W2, P1]', async () => {
    const engine = world.engine('a', { flush: { delayMs: 60_000 } })
    await engine.start()
    await engine.submit('a', 'one')
    await engine.submit('b', 'two')
    await engine.delete('b')
    expect(engine.status().gauges.walEntries).toBe(3)
    // As a crash leaves it: a copy of the directory, without its lock, while the archive knows nothing.
    await world.copy('a', 'copy')
    const after = world.engine('copy')
    const report = await after.start()
    expect(report.steps.find(({ name }) => name === 'replay')?.figures).toMatchObject({ records: 3 })
    expect((await after.get('a'))?.value).toBe('one')
    expect(await after.get('b')).toBeUndefined()
    expect(await world.archive.get('a')).toMatchObject({ kind: 'found' })
    expect(after.status().gauges.walEntries).toBe(0)
  })

  it('a copied log directory is fenced, and the one that was overtaken stops writing [P52]', async () => {
    const first = world.engine('a', { flush: { delayMs: 60_000 } })
    await first.start()
    await first.submit('x', 1)
    await world.copy('a', 'copy')
    const second = world.engine('copy')
    await second.start()
    await expect(settle(first.flush())).rejects.toMatchObject({ code: 'SE_INSTANCE_FENCED' })
    expect(first.phase).toBe('Failed')
    await expect(first.submit('y', 1)).rejects.toMatchObject({ code: 'SE_WRONG_PHASE' })
    await first.stop()
    await expect(world.engine('a').start()).rejects.toMatchObject({ code: 'SE_INSTANCE_FENCED' })
  })

  it('the newest stamp wins, whoever comes later [W3, P14, P19]', async () => {
    const slow = world.engine('slow', { flush: { delayMs: 60_000 } })
    const quick = world.engine('quick')
    await slow.start()
    await quick.start()
    await slow.submit('a', 'older')
    await quick.submit('a', 'newer')
    await quick.delete('b')
    await quick.flush()
    const flushed = await slow.flush()
    expect(flushed).toMatchObject({ superseded: 1, l3: 0 })
    for (const engine of [slow, quick]) {
      for (const consistency of ['local', 'shared', 'source'] as const) {
        expect((await engine.get('a', { consistency }))?.value).toBe('newer')
      }
    }
    expect(world.told('slow').superseded).toBe(1)
  })

  it('a delete holds through flush, restart and a late older write [W4, P18]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', 1)
    await engine.flush()
    await engine.delete('a')
    expect(engine.getSync('a')).toBeUndefined()
    expect(await engine.get('a')).toBeUndefined()
    expect(engine.containsFast('a')).toBe('absent')
    await engine.flush()
    expect(await engine.get('a')).toBeUndefined()
    await engine.stop()
    const again = world.engine('a')
    await again.start()
    expect(await again.get('a')).toBeUndefined()
    expect(await again.verify({ deep: true })).toMatchObject({ isTrusted: true })
    await again.submit('a', 2)
    await again.flush()
    expect((await again.get('a'))?.version).toBe(3)
  })

  it('a commit whose answer was lost is settled, not applied twice [W5, P3]', async () => {
    const engine = world.engine('a', { flush: { delayMs: 60_000 } })
    await engine.start()
    await engine.submit('a', 1)
    world.archiveOf('a').failNext('putBatch', 'after-commit')
    await settle(engine.flush())
    expect(await world.archive.get('a')).toMatchObject({ item: { version: 1 } })
    expect(engine.status().gauges.walEntries).toBe(0)
    await engine.submit('a', 2)
    await engine.flush()
    expect((await engine.get('a'))?.version).toBe(2)
    expect(await engine.verify({ deep: true })).toMatchObject({ isTrusted: true })
  })

  it('one bad row is parked, its neighbours are stored, and nothing waits for it [W6, P6]', async () => {
    const engine = world.engine('a', { flush: { delayMs: 60_000 } })
    await engine.start()
    const archive = world.archiveOf('a')
    const putBatch = archive.putBatch.bind(archive)
    archive.putBatch = (batch) =>
      batch.writes.some(({ id }) => id === 'bad.3')
        ? Promise.reject(new ArchiveRefusedData('arranged'))
        : putBatch(batch)
    for (let index = 0; index < 8; index++)
      await engine.submit(index === 3 ? 'bad.3' : `good.${index}`, index)
    const flushed = await engine.flush()
    expect(flushed).toMatchObject({ items: 8, l3: 7, parked: 1 })
    expect(engine.status().gauges).toMatchObject({ pendingItems: 0, walEntries: 0 })
    expect(await engine.get('bad.3')).toBeUndefined()
    expect((await engine.explain('bad.3')).isParked).toBe(true)
    await expect(engine.submit('bad.3', 1, { level: 'archive' })).rejects.toMatchObject({
      code: 'SE_ARCHIVE_REFUSED_DATA',
    })
    await engine.stop()
    const again = world.engine('a')
    await again.start()
    expect(again.parked()).toMatchObject([{ id: 'bad.3', because: 'refused-data' }])
    // The archive takes it now: it is stored under the stamp it had.
    const { stamp } = again.parked()[0]!
    expect(await again.retryParked('bad.3')).toBe(1)
    expect(again.parked()).toEqual([])
    expect(await again.get('bad.3')).toMatchObject({ value: 3, stamp, version: 1 })
    expect(await again.retryParked('bad.3')).toBe(0)
  })

  it('stop flushes everything, not only what a batch is due for [P2]', async () => {
    const engine = world.engine('a', { flush: { delayMs: 60_000 } })
    await engine.start()
    await engine.submit('a', 1)
    await engine.submit('m', 1, { level: 'memory' })
    expect(await engine.stop()).toMatchObject({ itemsLeftInLog: 0, problems: [] })
    expect(await world.archive.get('a')).toMatchObject({ kind: 'found' })
    expect(await world.archive.get('m')).toMatchObject({ kind: 'found' })
  })

  it('makes memory-level items safe in the log when L3 cannot take them at stop', async () => {
    const engine = world.engine('a', { flush: { delayMs: 60_000 } })
    await engine.start()
    await engine.submit('m', 1, { level: 'memory' })
    world.archiveOf('a').setAvailable(false)
    expect(await settle(engine.stop())).toMatchObject({ itemsLeftInLog: 1 })
    const again = world.engine('a')
    await again.start()
    expect((await again.get('m'))?.value).toBe(1)
  })

  it('refuses writers at the bound, and lets them in again after a flush [W8]', async () => {
    const engine = world.engine('a', {
      flush: { delayMs: 60_000, itemsMax: 10 },
      pending: { itemsMax: 3, onFull: 'refuse' },
    })
    await engine.start()
    for (const id of ['a', 'b', 'c']) await engine.submit(id, 1)
    await expect(engine.submit('d', 1)).rejects.toMatchObject({ code: 'SE_BACKPRESSURE' })
    expect(engine.status().gauges.backpressureLevel).toBe(1)
    await engine.flush()
    await engine.submit('d', 1)
  })

  it('unflushed items are read even when memory is too small for them [R6, P13]', async () => {
    const engine = world.engine('a', {
      log: {
        directory: world.pathOf('a'),
        limits: { segmentBytes: 4 * 1024 * 1024, bytesMax: 16 * 1024 * 1024 },
      },
      memory: { bytesMax: 1024 * 1024 },
      flush: { delayMs: 60_000, itemsMax: 10_000 },
    })
    await engine.start()
    const value = 'x'.repeat(20_000)
    for (let index = 0; index < 100; index++) await engine.submit(`i.${index}`, `${index}${value}`)
    for (let index = 0; index < 100; index++) {
      expect((await engine.get(`i.${index}`))?.value).toBe(`${index}${value}`)
    }
    await engine.submit('large', 'y'.repeat(1_500_000))
    expect((await engine.get('large'))?.bytes.length).toBe(1_500_002)
    await engine.flush()
    for (let index = 0; index < 100; index++) {
      expect((await engine.get(`i.${index}`))?.value).toBe(`${index}${value}`)
    }
  })
})

describe('reads', () => {
  it('error is not absence: a read that cannot be answered throws [R1, P11]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', 1)
    await engine.flush()
    await engine.stop()
    const again = world.engine('a', { withoutCache: true })
    await again.start()
    world.archiveOf('a').setAvailable(false)
    await expect(settle(again.get('a'))).rejects.toEqual(unavailable)
    await expect(settle(again.contains('a'))).rejects.toBeInstanceOf(TierUnavailable)
    expect(again.containsFast('a')).toBe('maybe')
  })

  it('an untrusted filter denies nothing [R3, P27]', async () => {
    const engine = world.engine('a', { withoutCache: true })
    await engine.start()
    await engine.submit('a', 1)
    await engine.flush()
    const before = world.told('a').filterChecks
    expect(engine.containsFast('nobody')).toBe('absent')
    expect(before['absent']).toBe(1)
    // A row that appears without a ledger row: the digests differ, so the filter may not speak.
    await tamper(world, 'a', 'b')
    const report = await engine.verify({ deep: true })
    expect(report.isTrusted).toBe(false)
    expect(engine.containsFast('nobody')).toBe('unknown')
    expect(await engine.get('nobody')).toBeUndefined()
    expect(before['untrusted']).toBeGreaterThan(0)
  })

  it("hears of another process' writes and deletes within a poll [P15, P28]", async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await b.start()
    await a.submit('x', 'one')
    await a.flush()
    await b.flush()
    expect((await b.get('x'))?.value).toBe('one')
    expect(b.containsFast('x')).toBe('present')
    await a.submit('x', 'two')
    await a.delete('y')
    await a.flush()
    await b.flush()
    expect((await b.get('x'))?.value).toBe('two')
    await a.delete('x')
    await a.flush()
    await b.flush()
    expect(await b.get('x')).toBeUndefined()
    expect(b.containsFast('x')).toBe('absent')
    for (const engine of [a, b])
      expect(await engine.verify({ deep: true })).toMatchObject({ isTrusted: true })
  })

  it('does not answer from what it knows itself when the polls have failed for longer than Δ [R5]', async () => {
    const engine = world.engine('a', { stalenessMs: 60, withoutCache: true })
    await engine.start()
    await engine.submit('a', 1)
    await engine.flush()
    expect(engine.getSync('a')?.value).toBe(1)
    world.archiveOf('a').setAvailable(false)
    await pass(clock, 150)
    expect(engine.getSync('a')).toBeUndefined()
    expect(engine.containsFast('nobody')).toBe('unknown')
    await expect(settle(engine.get('a'))).rejects.toEqual(unavailable)
  })

  it('a key that is committed and evicted, but not yet in the filter, is not denied [P56]', async () => {
    const engine = world.engine('a', { withoutCache: true, stalenessMs: 3_600_000, flush: { delayMs: 0 } })
    await engine.start()
    await engine.flush()
    await engine.submit('a', 1, { level: 'archive' })
    // Committed, out of the pending set, and the views have not been told: no poll in this hour.
    expect((await engine.explain('a')).filter).toMatchObject({
      answer: 'absent',
      isTrusted: true,
      isBehind: true,
    })
    expect((await engine.get('a', { consistency: 'shared' }))?.value).toBe(1)
    expect(engine.containsFast('a')).toBe('present')
  })

  it('an id whose own write lost is not denied before the filter has heard of what won [R3, P56]', async () => {
    const quiet = { withoutCache: true, stalenessMs: 3_600_000, flush: { delayMs: 60_000 } }
    const [a, b] = [world.engine('a', quiet), world.engine('b', quiet)]
    await a.start()
    await b.start()
    await a.submit('x', 'older')
    await world.clock.advance(5)
    await b.submit('x', 'newer', { level: 'archive' })
    // A batch of a's own, in which x loses; no poll tells a's filter of b's x.
    await a.submit('y', 1, { level: 'archive' })
    expect((await a.explain('x')).filter).toMatchObject({ answer: 'absent', isTrusted: true })
    expect(a.containsFast('x')).not.toBe('absent')
    expect((await a.get('x'))?.value).toBe('newer')
  })

  it('a load that a delete overtakes stores nothing [R2, P12, P57]', async () => {
    const engine = world.engine('a', { withoutCache: true })
    await engine.start()
    await engine.submit('a', 'old')
    await engine.flush()
    await engine.stop()
    const again = world.engine('a', { withoutCache: true })
    await again.start()
    const held = holdAnswer(world.archiveOf('a'), 'get')
    const early = again.get('a')
    await held.reached
    await again.delete('a')
    const late = again.get('a')
    held.release()
    await early
    expect(await late).toBeUndefined()
    expect(again.getSync('a')).toBeUndefined()
  })

  it('answers many ids at once, from wherever they are', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('flushed', 1)
    await engine.flush()
    await engine.stop()
    const again = world.engine('a')
    await again.start()
    await again.submit('pending', 2)
    await again.delete('gone')
    const items = await again.getMany(['pending', 'nobody', 'flushed', 'gone', 'pending'])
    expect(items.map((item) => item?.value)).toEqual([2, undefined, 1, undefined, 2])
    expect(await again.getMany([])).toEqual([])
  })
})

describe('start and stop', () => {
  it('starts trusted from its snapshot the second time, and repairs nothing', async () => {
    const engine = world.engine('a')
    const first = await engine.start()
    expect(figuresOf(first, 'cf_restore')).toMatchObject({ how: 'rebuilt', because: 'no snapshot' })
    for (let index = 0; index < 50; index++) await engine.submit(`i.${index}`, index)
    const stopped = await engine.stop()
    expect(stopped.filterSnapshot).toMatchObject({ entries: 50 })
    const again = world.engine('a')
    const second = await again.start()
    expect(figuresOf(second, 'cf_restore')).toMatchObject({ how: 'snapshot', entries: 50 })
    expect(second.cache).toMatchObject({
      created: 0,
      reset: 0,
      advanced: 0,
      differingLeaves: [],
      removedIds: [],
      invalidatedLeaves: [],
      unsettled: 0,
    })
    expect(again.status().trust.filter).toMatch(/^trusted at cut \{archive/)
    expect(again.containsFast('nobody')).toBe('absent')
  })

  it('a damaged snapshot means rebuild, never trust [P26]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', 1)
    await engine.stop()
    const path = `${world.pathOf('a')}/filter.snapshot`
    const bytes = Buffer.from(await world.disk.readFile(path))
    bytes[bytes.length >> 1]! ^= 1
    world.disk.plant(path, bytes)
    const again = world.engine('a')
    const report = await again.start()
    expect(figuresOf(report, 'cf_restore')).toMatchObject({ how: 'rebuilt', entries: 1 })
    expect(again.containsFast('a')).toBe('maybe')
    expect(again.containsFast('b')).toBe('absent')
  })

  it('starts degraded without the cache, and takes it in later', async () => {
    world.cache.setAvailable(false)
    const engine = world.engine('a')
    expect(await settle(engine.start())).toMatchObject({ isDegraded: true, cache: undefined })
    await engine.submit('a', 1)
    await engine.flush()
    expect(await engine.get('a', { consistency: 'shared' })).toMatchObject({ value: 1 })
    world.cache.setAvailable(true)
    await pass(clock, 3_000)
    expect(engine.status().trust.cache).toMatch(/^trusted/)
    expect(await engine.roots()).toMatchObject({ agree: true })
  })

  it('does not start without its archive, and closes what it had opened', async () => {
    const engine = world.engine('a')
    world.archiveOf('a').setAvailable(false)
    await expect(settle(engine.start())).rejects.toEqual(unavailable)
    expect(engine.phase).toBe('Failed')
    expect(engine.status().failure).toEqual(unavailable)
    await engine.stop()
    const again = world.engine('a')
    await again.start()
  })

  it('recognises an archive that went back, and proves every view anew [P65]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', 1)
    await engine.flush()
    const backup = world.archive.backup()
    await engine.submit('b', 2)
    await engine.stop()
    world.archive.restoreTo(backup)
    const again = world.engine('a')
    const report = await again.start()
    expect(figuresOf(report, 'sql_connect')).toMatchObject({ isRestored: true })
    expect(figuresOf(report, 'cf_restore')).toMatchObject({ how: 'rebuilt' })
    expect(report.cache?.reset).toBe(64)
    expect(await again.get('b')).toBeUndefined()
    expect((await again.get('a'))?.value).toBe(1)
    expect(await again.verify({ deep: true })).toMatchObject({ isTrusted: true })
  })

  it('a cache set back like an older dump is told by its leaf, and that id alone is repaired [P29]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('user.alice', 'one')
    await engine.submit('user.bob', 'bob')
    await engine.flush()
    const dump = world.cache.snapshot(stripeOfId('user.alice'))
    await engine.submit('user.alice', 'two')
    await engine.flush()
    await engine.stop()
    world.cache.restore(dump)
    const again = world.engine('a')
    const report = await again.start()
    const { leaf } = await again.explain('user.alice')
    expect(report.cache).toMatchObject({
      advanced: 1,
      differingLeaves: [{ branch: 0, bucket: leaf.bucket }],
      removedIds: ['user.alice'],
      invalidatedLeaves: [],
    })
    expect((await again.get('user.alice', { consistency: 'shared' }))?.value).toBe('two')
    expect((await again.explain('user.bob')).cache?.kind).toBe('found')
    expect(await again.verify({ deep: true })).toMatchObject({ isTrusted: true })
  })

  it('lost cache metas are made anew, and what lay there is never believed [P51]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', 'one')
    await engine.flush()
    world.cache.dropMeta(stripeOfId('a'))
    await engine.submit('a', 'two')
    await engine.flush()
    await engine.flush()
    expect((await engine.get('a', { consistency: 'shared' }))?.value).toBe('two')
    expect(await engine.roots()).toMatchObject({ agree: true })
  })
})

describe('verify', () => {
  it('tells of a cache that does not answer, instead of failing', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', 1)
    await engine.flush()
    world.cache.setAvailable(false)
    const report = await engine.verify({ deep: true })
    expect(report.isTrusted).toBe(false)
    expect(report.views.filter(({ isTrusted }) => isTrusted).map(({ view }) => view)).toEqual([
      'tree',
      'filter',
      'memory',
    ])
    expect(report.views.at(-1)?.because).toMatch(/the cache does not answer/)
    world.cache.setAvailable(true)
  })

  it('names a row that was changed behind the engine, and refuses trust [P27]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', 1)
    await engine.submit('b', 2)
    await engine.flush()
    expect(await engine.verify()).toMatchObject({ isTrusted: true })
    await tamper(world, 'a')
    const report = await engine.verify({ deep: true })
    expect(report.isTrusted).toBe(false)
    const tree = report.views.find(({ view }) => view === 'tree')
    expect(tree?.differences).toEqual([expect.objectContaining({ kind: 'id', id: 'a' })])
    expect(engine.status().trust.filter).toMatch(/^untrusted: the tree is untrusted/)
  })
})

function figuresOf(
  report: { steps: readonly { name: string; figures: Readonly<Record<string, unknown>> }[] },
  name: string,
) {
  return report.steps.find((step) => step.name === name)?.figures
}

/** Changes the bytes of one row, and of nothing else, as someone with an SQL prompt would. */
async function tamper(world: World, ...ids: string[]): Promise<void> {
  for (const name of ['a']) {
    const archive = world.archiveOf(name)
    const scanRows = archive.scanRows.bind(archive)
    archive.scanRows = (visit) =>
      scanRows((rows) =>
        visit(rows.map((row) => (ids.includes(row.id) ? { ...row, bytes: Buffer.from('tampered') } : row))),
      )
  }
}

/**
 * Goal: a check that is true while others write, and looks at every copy. Method: engines that write without a pause on tiers with
 * latency, and damage that is planted in one copy after another.
 */
import type { FakeClock } from '@se/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Engine } from '../src/index.ts'
import { pass, settleOn } from '../src/testing/time.ts'
import { createWorld, type World } from './world.ts'

let clock: FakeClock
let world: World
beforeEach(async () => {
  world = await createWorld()
  clock = world.clock
})
afterEach(() => settle(world[Symbol.asyncDispose]()))

const settle = <T>(promise: PromiseLike<T>) => settleOn(clock, promise)

describe('while three processes write [P87]', () => {
  it('verify is trusted and the roots agree, every time', async () => {
    const engines = ['a', 'b', 'c'].map((name) => world.engine(name, { flush: { delayMs: 5 } }))
    for (const engine of engines) await engine.start()
    let isWriting = true
    let written = 0
    const write = async (engine: Engine, name: string) => {
      while (isWriting) {
        const id = `${name}${written % 40}`
        if (written++ % 5 === 0) await engine.delete(id)
        else await engine.submit(id, { written, name }, { level: written % 3 === 0 ? 'archive' : 'log' })
        await new Promise<void>((resolve) => clock.setTimer(1, resolve))
      }
    }
    const writers = engines.map((engine, index) => write(engine, index === 0 ? 'own' : 'hot'))
    for (let round = 0; round < 12; round++) {
      await pass(clock, 137)
      for (const engine of engines) {
        const report = await settle(engine.verify({ deep: round % 2 === 0 }))
        expect(report.views.filter((view) => !view.isTrusted)).toEqual([])
        const roots = await settle(engine.roots())
        expect(roots).toMatchObject({ agree: true, cache: roots.archive })
      }
    }
    isWriting = false
    await settle(Promise.all(writers))
    expect(written).toBeGreaterThan(100)
  })
})

describe('damage in one copy', () => {
  const wrong = new TextEncoder().encode('"wrong"')

  it('is found in the cache and in the memory that was filled from it, and mended in both [P87]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await a.submit('x', 'right', { level: 'archive' })
    await a.submit('y', 'right', { level: 'archive' })
    await a.flush()
    await b.start()
    world.cache.tamper('x', (item) => ({ ...item, bytes: wrong }))
    expect((await b.get('x'))?.value).toBe('wrong')
    expect((await b.get('x', { consistency: 'source' }))?.value).toBe('right')
    const found = await settle(b.verify({ deep: true }))
    expect(found.isTrusted).toBe(false)
    expect(
      found.views.flatMap(({ view, differences }) =>
        differences.map((each) => [view, each.kind === 'id' && each.id]),
      ),
    ).toEqual([
      ['memory', 'x'],
      ['cache', 'x'],
    ])
    expect(await settle(b.verify({ deep: true, repair: true }))).toMatchObject({ isTrusted: true })
    expect((await b.get('x'))?.value).toBe('right')
    expect((await a.get('x'))?.value).toBe('right')
    const after = await settle(b.verify({ deep: true }))
    expect(after.views.map(({ view, isTrusted }) => [view, isTrusted])).toEqual([
      ['tree', true],
      ['filter', true],
      ['memory', true],
      ['cache', true],
    ])
  })

  it('is found in an entry that is older than its row and is not on its way to be replaced', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await a.submit('x', 'old', { level: 'archive' })
    await a.flush()
    await a.submit('x', 'new', { level: 'archive' })
    await a.flush()
    await b.start()
    world.cache.tamper('x', (item) => ({ ...item, stamp: { ...item.stamp, time: item.stamp.time - 1 } }))
    const report = await settle(b.verify({ deep: true }))
    expect(report.views.find(({ view }) => view === 'cache')?.differences).toEqual([
      { kind: 'id', id: 'x', what: 'the entry is older than the row' },
    ])
  })

  it('is found in an entry that is newer than anything the archive has [P87]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b')]
    await a.start()
    await a.submit('x', 'right', { level: 'archive' })
    await a.flush()
    await b.start()
    world.cache.tamper('x', (item) => ({ ...item, stamp: { ...item.stamp, time: item.stamp.time + 1 } }))
    const report = await settle(b.verify({ deep: true }))
    expect(report.views.find(({ view }) => view === 'cache')?.differences).toEqual([
      { kind: 'id', id: 'x', what: 'the entry is newer than anything that the archive has' },
    ])
  })

  it('is found in memory where the archive has lost what was read before the ledger told of it [P65, P87]', async () => {
    const [a, b] = [world.engine('a'), world.engine('b', { withoutCache: true })]
    await a.start()
    await b.start()
    await a.submit('x', 'kept', { level: 'archive' })
    await a.flush()
    await pass(clock, 1_000)
    const backup = world.archive.backup()
    await a.submit('x', 'lost', { level: 'archive' })
    expect((await b.get('x'))?.value).toBe('lost')
    world.archive.restoreTo(backup)
    await pass(clock, 1_000)
    const found = await settle(b.verify({ deep: true, repair: true }))
    expect(found.views.find(({ view }) => view === 'memory')).toMatchObject({
      differences: [
        { kind: 'id', id: 'x', what: 'the item in memory is newer than anything that the archive has' },
      ],
      repaired: 1,
    })
    expect((await b.get('x'))?.value).toBe('kept')
    expect(await settle(b.verify({ deep: true }))).toMatchObject({ isTrusted: true })
  })

  it('in the rows takes trust from the tree, and the tree has it again once the rows are right [P27]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('x', 1, { level: 'archive' })
    await engine.flush()
    const backup = world.archive.backup()
    const row = backup.state.rows.get('x')!
    backup.state.rows.set('x', { ...row, write: { ...row.write, bytes: wrong } })
    world.archive.restoreTo(backup)
    expect(await settle(engine.verify({ deep: true }))).toMatchObject({ isTrusted: false })
    expect(engine.status().trust.filter).toMatch(/^untrusted/)
    // A look at the pages alone does not clear the rows.
    expect(await settle(engine.verify())).toMatchObject({ isTrusted: false })
    backup.state.rows.set('x', row)
    world.archive.restoreTo(backup)
    expect(await settle(engine.verify({ deep: true }))).toMatchObject({ isTrusted: true })
    expect(engine.status().trust.filter).toMatch(/^trusted/)
  })
})

describe('the roots of an engine [P87]', () => {
  it('agree where there is no cache, and nothing disagrees', async () => {
    const engine = world.engine('a', { withoutCache: true })
    await engine.start()
    await engine.submit('x', 1, { level: 'archive' })
    expect(await settle(engine.roots())).toMatchObject({ agree: true, cache: undefined })
  })

  it('do not agree while its cache cannot be asked, and do again when it can', async () => {
    world.cache.setAvailable(false)
    const engine = world.engine('a')
    await settle(engine.start())
    await engine.submit('x', 1, { level: 'archive' })
    expect(await settle(engine.roots())).toMatchObject({ agree: false, cache: undefined })
    world.cache.setAvailable(true)
    await pass(clock, 3_000)
    const roots = await settle(engine.roots())
    expect(roots).toMatchObject({ agree: true, cache: roots.archive })
  })
})

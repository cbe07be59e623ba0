import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TierMisconfigured, TierUnavailable, type ArchiveBatch } from '@se/core'
import type { FakeClock } from '@se/core/testing'
import type { Engine } from '../src/index.ts'
import { pass, settleOn, turns } from '../src/testing/time.ts'
import { createWorld, type World } from './world.ts'

/**
 * Goal: what always fails in the same way blocks nothing that is behind it, and an archive that fails parks nothing [W9, P72].
 * Method: an archive whose batches fail as a test says, whatever the error, while it answers everything else.
 */

let clock: FakeClock
let world: World
beforeEach(async () => {
  world = await createWorld()
  ;({ clock } = world)
})
afterEach(() => settle(world[Symbol.asyncDispose]()))

const settle = <T>(promise: PromiseLike<T>) => settleOn(clock, promise)

/** Makes batches of an engine's archive fail before they do anything. */
function failBatches(directory: string, failure: (batch: ArchiveBatch) => Error | undefined) {
  const archive = world.archiveOf(directory)
  const original = archive.putBatch.bind(archive)
  const sent: ArchiveBatch[] = []
  archive.putBatch = async (batch) => {
    sent.push(batch)
    const error = failure(batch)
    if (error !== undefined) throw error
    return original(batch)
  }
  return { sent, heal: () => (archive.putBatch = original) }
}

const holds = (id: string) => (batch: ArchiveBatch) => batch.writes.some((write) => write.id === id)

async function expectStored(ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await world.archive.get(id), id).toMatchObject({ kind: 'found' })
}

const ERRORS = {
  'an error nobody has translated': () => new Error('Malformed packet'),
  'an archive that does not answer': () => new TierUnavailable('the connection was lost'),
  'a bug': () => new TypeError('cannot read properties of undefined'),
}

describe('a write that always fails', () => {
  it.each(Object.entries(ERRORS))(
    'is parked alone, and nothing waits for it: %s [W9, P72]',
    async (_, error) => {
      const engine = world.engine('a')
      await engine.start()
      const ids = Array.from({ length: 300 }, (__, index) => `item.${index}`)
      const { sent } = failBatches('a', (batch) => (holds('item.77')(batch) ? error() : undefined))
      for (const id of ids) await engine.submit(id, id)
      await pass(clock, 5_000)
      await expectStored(ids.filter((id) => id !== 'item.77'))
      expect(engine.parked()).toMatchObject([{ id: 'item.77', because: 'always-fails' }])
      expect(engine.status().gauges).toMatchObject({ pendingItems: 0, walEntries: 0 })
      expect(await engine.get('item.77')).toBeUndefined()
      // 3 times the whole, the way down, and twice alone; the guard makes up to 3 attempts of each.
      expect(sent.length).toBeLessThan(3 * (3 + 2 * 9 + 2) + 10)
      await engine.submit('later', 1)
      await settle(engine.flush())
      await expectStored(['later'])
    },
  )

  it('is kept, and can be sent again once the archive takes it [W9]', async () => {
    const engine = world.engine('a')
    await engine.start()
    const { heal } = failBatches('a', (batch) => (holds('bad')(batch) ? new Error('always') : undefined))
    await engine.submit('bad', 'precious')
    await engine.submit('good', 1)
    await pass(clock, 5_000)
    expect(engine.parked()).toHaveLength(1)
    heal()
    expect(await settle(engine.retryParked('bad'))).toBe(1)
    expect((await engine.get('bad', { consistency: 'source' }))?.value).toBe('precious')
    expect(engine.parked()).toEqual([])
  })

  it('alone waits, as it might be the archive; the next write goes at once, and then it is parked [W9]', async () => {
    const engine = world.engine('a')
    await engine.start()
    failBatches('a', (batch) => (holds('bad')(batch) ? new Error('always') : undefined))
    await engine.submit('bad', 1)
    await pass(clock, 600_000)
    expect(engine.parked()).toEqual([])
    expect((await engine.get('bad'))?.value).toBe(1)
    await engine.submit('good', 1, { level: 'archive', timeoutMs: 1_000 })
    await pass(clock, 1_000)
    expect(engine.parked()).toMatchObject([{ id: 'bad', because: 'always-fails' }])
  })

  it('is told to its caller at level archive, and takes no other with it [W9]', async () => {
    const engine = world.engine('a')
    await engine.start()
    failBatches('a', (batch) => (holds('bad')(batch) ? new Error('always') : undefined))
    const bad = engine.submit('bad', 1, { level: 'archive' })
    const others = Array.from({ length: 20 }, (_, index) =>
      engine.submit(`${index}`, 1, { level: 'archive' }),
    )
    const refused = expect(bad).rejects.toMatchObject({
      code: 'SE_ARCHIVE_REFUSED_DATA',
      details: { because: 'always-fails' },
      cause: { message: 'always' },
    })
    await settle(Promise.all(others))
    await pass(clock, 5_000)
    await refused
    expect(engine.parked()).toEqual([])
  })

  it('uncovers what it had covered: an older acknowledged write of its id is stored [W9]', async () => {
    const engine = world.engine('a', { flush: { delayMs: 60_000 } })
    await engine.start()
    let isOld = false
    failBatches('a', ({ writes }) => {
      const bad = writes.find(({ id }) => id === 'bad')
      isOld ||= bad !== undefined && new TextDecoder().decode(bad.bytes) === '"old"'
      return bad !== undefined && new TextDecoder().decode(bad.bytes) === '"new"'
        ? new Error('always')
        : undefined
    })
    await engine.submit('bad', 'old')
    await engine.submit('bad', 'new')
    await engine.submit('good', 1)
    await pass(clock, 70_000)
    expect(engine.parked()).toMatchObject([{ id: 'bad', because: 'always-fails' }])
    expect((await engine.get('bad', { consistency: 'source' }))?.value).toBe('old')
  })

  it('though each try takes the archive down for seconds [W9]', async () => {
    const engine = world.engine('a')
    await engine.start()
    const archive = world.archiveOf('a')
    failBatches('a', (batch) => {
      if (!holds('bad')(batch)) return undefined
      archive.setAvailable(false)
      clock.setTimer(3_000, () => archive.setAvailable(true))
      return new TierUnavailable('the server has gone away')
    })
    await engine.submit('bad', 1)
    for (let item = 0; item < 20; item++) await engine.submit(`${item}`, 1)
    await pass(clock, 200_000)
    await expectStored(Array.from({ length: 20 }, (_, item) => `${item}`))
    expect(engine.parked()).toMatchObject([{ id: 'bad', because: 'always-fails' }])
  })

  it('whose commit was answered by an error is found in the ledger, and not taken apart [W5, W9]', async () => {
    const engine = world.engine('a')
    await engine.start()
    for (let time = 0; time < 5; time++)
      world.archiveOf('a').failNext('putBatch', 'after-commit', new Error('lost'))
    await engine.submit('x', 1)
    await engine.submit('y', 1)
    await pass(clock, 10_000)
    await expectStored(['x', 'y'])
    expect(engine.parked()).toEqual([])
    expect(engine.status().gauges.pendingItems).toBe(0)
    expect(await settle(engine.verify({ deep: true }))).toMatchObject({ isTrusted: true })
  })
})

describe('an archive that fails', () => {
  async function expectNothingParked(engine: Engine, heal: () => void): Promise<void> {
    await pass(clock, 600_000)
    expect(engine.parked()).toEqual([])
    heal()
    await pass(clock, 20_000)
    expect(engine.parked()).toEqual([])
    expect(engine.status().gauges).toMatchObject({ pendingItems: 0, walEntries: 0 })
  }

  async function engineWithWrites(): Promise<{ engine: Engine; ids: string[] }> {
    const engine = world.engine('a')
    await engine.start()
    const ids = Array.from({ length: 50 }, (_, index) => `item.${index}`)
    return { engine, ids }
  }

  it.each([
    [
      'takes no item of anybody, and answers all else (a full disk, a locked table)',
      () => new TierUnavailable('full'),
    ],
    ['takes no item of anybody, for a reason nobody has translated', () => new Error('full')],
    ['refuses this process', () => new TierMisconfigured('INSERT denied')],
  ])('parks nothing where it %s [W9]', async (_, error) => {
    const { engine, ids } = await engineWithWrites()
    const { heal } = failBatches('a', error)
    for (const id of ids) await engine.submit(id, 1)
    await expectNothingParked(engine, heal)
    await expectStored(ids)
  })

  it('parks nothing while it cannot be reached [W9]', async () => {
    const { engine, ids } = await engineWithWrites()
    for (const id of ids) await engine.submit(id, 1)
    world.archiveOf('a').setAvailable(false)
    await expectNothingParked(engine, () => world.archiveOf('a').setAvailable(true))
    await expectStored(ids)
  })

  it('parks nothing where it is up and down all the time [W9]', async () => {
    const { engine, ids } = await engineWithWrites()
    const archive = world.archiveOf('a')
    let tries = 0
    // Whatever is sent is cut off; what is asked right after finds it up again.
    const { heal } = failBatches('a', () => (tries++ % 7 === 6 ? undefined : new TierUnavailable('cut off')))
    for (const id of ids) await engine.submit(id, 1)
    for (let round = 0; round < 100; round++) {
      archive.setAvailable(round % 3 === 0)
      await pass(clock, 700)
    }
    archive.setAvailable(true)
    await expectNothingParked(engine, heal)
    await expectStored(ids)
  })

  it('fences as ever, and parks nothing [W9]', async () => {
    const { engine, ids } = await engineWithWrites()
    failBatches('a', () => new Error('always'))
    for (const id of ids) await engine.submit(id, 1)
    await pass(clock, 1_000)
    await world.copy('a', 'b')
    await settle(world.engine('b').start())
    await pass(clock, 10_000)
    expect(engine.phase).toBe('Failed')
    expect(engine.status().failure).toMatchObject({ code: 'SE_INSTANCE_FENCED' })
    expect(engine.parked()).toEqual([])
    await turns()
  })
})

/**
 * Goal: an engine that is wired from settings works, keeps its data where they say, and measures itself.
 * Method: SQLite in a directory of its own; the metrics are those a scrape would show.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { InvalidConfig } from '@se/core'
import { createConsoleMetrics } from '@se/metrics/console'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logDirectoryOf, readSettings, sqliteFileOf, wireEngine } from '../src/index.ts'

const settings = readSettings({}, '/')
let dataDirectory: string
beforeEach(() => {
  dataDirectory = mkdtempSync(path.join(tmpdir(), 'se-compose-'))
})
afterEach(() => rmSync(dataDirectory, { recursive: true, force: true }))

describe('an engine wired from settings', () => {
  it('opens nothing before it is started, and then keeps log and archive in the data directory', async () => {
    const { engine, archive, cache } = await wireEngine({ ...settings, dataDirectory })
    expect(archive.backend).toBe('sqlite')
    expect(cache).toBeUndefined()
    const places = [logDirectoryOf(dataDirectory), sqliteFileOf(dataDirectory)]
    expect(places.map((place) => existsSync(place))).toEqual([false, false])
    await engine.start()
    await engine.submit('a', 1)
    await engine.stop()
    expect(places.map((place) => existsSync(place))).toEqual([true, true])

    const next = await wireEngine({ ...settings, dataDirectory })
    await next.engine.start()
    expect((await next.engine.get('a'))?.value).toBe(1)
    await next.engine.stop()
  })

  it('tells a meter what it does, where there is one', async () => {
    const metrics = createConsoleMetrics()
    const { engine } = await wireEngine({ ...settings, dataDirectory }, { meter: metrics.meter })
    await engine.start()
    await engine.submit('a', 1)
    await engine.stop()
    expect(metrics.format(await metrics.snapshot())).toContain('sync_engine_operations_total')
    await metrics.shutdown()
  })

  it('has a cache where the settings name one, and what the app sets of the engine', async () => {
    const tiers = { ...settings, dataDirectory, redisUrl: 'redis://127.0.0.1:1', redisPrefix: 'mine:' }
    const { cache } = await wireEngine(tiers)
    expect(cache?.backend).toBe('redis')
    const wrong = wireEngine({ ...settings, dataDirectory }, { engine: { memory: { bytesMax: -1 } } })
    await expect(wrong).rejects.toThrow(InvalidConfig)
  })
})

/**
 * Goal: a delete is missed by no copy, however many there are at once. Method: an engine on SQLite and a Redis of its own, all of whose
 * copies hold all items; then most of them are deleted in one go, and then the rest.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createEngine, type Engine } from '@se/engine'
import { startPrivateRedis } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'
import { redisCache } from '@se/tiers-redis'
import { afterEach, expect, it } from 'vitest'

const ITEMS = 600
const KEPT = 100
const ids = Array.from({ length: ITEMS }, (_, index) => `item.${index}`)

describeWithServer('redis', 'many deletes at once', () => {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean()
  })

  async function start(): Promise<Engine> {
    const directory = mkdtempSync(path.join(tmpdir(), 'se-many-deletes-'))
    cleanups.push(() => rmSync(directory, { recursive: true }))
    const redis = await startPrivateRedis()
    cleanups.push(() => redis.stop())
    const engine = createEngine({
      log: { directory: path.join(directory, 'log') },
      archive: sqliteArchive({ file: path.join(directory, 'archive.db') }),
      cache: redisCache({ url: redis.url }),
    })
    await engine.start()
    cleanups.push(() => engine.stop())
    return engine
  }

  it('are missed by neither filter, tree, Redis nor the byte counter of memory [P21]', async () => {
    const engine = await start()
    const empty = await engine.roots()
    const deleteAll = async (some: readonly string[]) => {
      await Promise.all(some.map((id) => engine.delete(id)))
      await engine.flush()
    }
    await Promise.all(ids.map((id) => engine.submit(id, `value of ${id}`)))
    await engine.flush()
    const full = engine.status().gauges
    expect(full).toMatchObject({ l1Items: ITEMS, filterEntries: ITEMS })

    await deleteAll(ids.slice(KEPT))
    for (const consistency of ['local', 'shared', 'source'] as const) {
      const items = await Promise.all(ids.map((id) => engine.get(id, { consistency })))
      const found = items.flatMap((item) => item?.id ?? [])
      expect(found, consistency).toEqual(ids.slice(0, KEPT))
    }
    const some = engine.status().gauges
    expect(some).toMatchObject({ l1Items: KEPT, filterEntries: KEPT })
    expect(some.l1Bytes).toBeLessThan(full.l1Bytes / 4)
    expect(await engine.verify({ deep: true })).toMatchObject({
      isTrusted: true,
      rowsRead: ITEMS,
      views: ['tree', 'filter', 'memory', 'cache'].map((view) => ({ view, differences: [] })),
    })

    await deleteAll(ids.slice(0, KEPT))
    expect(engine.status().gauges).toMatchObject({ l1Items: 0, l1Bytes: 0, filterEntries: 0 })
    expect(await engine.roots()).toMatchObject({ agree: true, archive: empty.archive, cache: empty.archive })
  })
})

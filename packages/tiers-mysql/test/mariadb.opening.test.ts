import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createBranchSet, type ArchiveTier } from '@se/core'
import { startPrivateMariaDb, uniqueDatabase, type PrivateServer } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { mysqlArchive, type MysqlArchiveOptions } from '../src/mysql/index.ts'
import { claimed, plainUser, runAll, withConnection } from './mariadb-harness.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const OPTIONS = { branches: createBranchSet(), digests: 'unkeyed' } as const
const unavailable = { code: 'SE_TIER_UNAVAILABLE' }

async function openArchive(options: MysqlArchiveOptions): Promise<ArchiveTier> {
  const archive = mysqlArchive(options)
  cleanups.push(() => archive.close())
  await archive.open(OPTIONS)
  return archive
}

describeWithServer('sql', 'MariaDB archive: opening', () => {
  let server: PrivateServer

  beforeAll(async () => {
    server = await startPrivateMariaDb()
  })

  afterAll(() => server.stop())

  async function newDatabase(): Promise<string> {
    const { url, drop } = await uniqueDatabase(server.url)
    cleanups.push(drop)
    return url
  }

  it.each([
    ['a wrong password', (url: URL) => void (url.password = 'wrong'), 'credentials'],
    ['an unknown database', (url: URL) => void (url.pathname = '/no_such_database'), 'unknown-database'],
    ['an unknown host', (url: URL) => void (url.hostname = 'no-such-host.invalid'), 'unknown-host'],
  ])('%s is told as what it is, not as "try again later"', async (_title, spoil, because) => {
    const url = new URL(await newDatabase())
    spoil(url)
    const archive = mysqlArchive({ url: url.href })
    const error: unknown = await archive.open(OPTIONS).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'SE_TIER_MISCONFIGURED', details: { because } })
  })

  it('a missing right is told, and schema() is a way without the right to make tables', async () => {
    const url = await newDatabase()
    const plain = await plainUser(url, 'SELECT, INSERT, UPDATE, DELETE')
    const archive = mysqlArchive({ url: plain })
    cleanups.push(() => archive.close())
    await expect(archive.open(OPTIONS)).rejects.toMatchObject({
      code: 'SE_TIER_MISCONFIGURED',
      details: { because: 'missing-right' },
    })
    await runAll(
      url,
      archive
        .schema()
        .split(';\n')
        .filter((statement) => statement !== ''),
    )
    await archive.open(OPTIONS)
    const { write, put } = await claimed(archive)
    expect((await put(write('a'))).outcomes[0]?.kind).toBe('won')
  })

  it("a stranger's tables are told by table and column [P79]", async () => {
    const url = await newDatabase()
    await runAll(url, ['CREATE TABLE sync_ledger (id INT AUTO_INCREMENT PRIMARY KEY, entry TEXT)'])
    await expect(mysqlArchive({ url }).open(OPTIONS)).rejects.toMatchObject({
      code: 'SE_TIER_MISCONFIGURED',
      details: { because: 'tables', table: 'sync_ledger', column: 'instance' },
    })
    await openArchive({ url, tablePrefix: 'own_' })
  })

  it('an archive of a newer version is refused with both versions', async () => {
    const url = await newDatabase()
    await openArchive({ url })
    await runAll(url, [`INSERT INTO sync_migrations VALUES ('0009-later', '')`])
    await expect(mysqlArchive({ url }).open(OPTIONS)).rejects.toMatchObject({
      code: 'SE_ARCHIVE_TOO_NEW',
      details: { archive: '0009-later', package: '0001-tables' },
    })
  })

  describe('opening [P79]', () => {
    it("waits for nobody's migrations where nothing is to be made, nor where something is", async () => {
      const url = await newDatabase()
      await withConnection(server.url, async (stranger) => {
        // The lock that every program takes which migrates with that library, on the whole server.
        await stranger.query("SELECT GET_LOCK('ea586330-2c93-47c8-908d-981d9d270f9d', 1)")
        const archive = mysqlArchive({ url })
        await archive.open({ ...OPTIONS, timeoutMs: 20_000 })
        await archive.close()
        await archive.open({ ...OPTIONS, timeoutMs: 20_000 })
        await archive.close()
      })
    })

    it('ends in time where a table is locked, and closes what it had opened', async () => {
      const url = await newDatabase()
      const archive = await openArchive({ url })
      await archive.close()
      await withConnection(url, async (stranger) => {
        await stranger.query('LOCK TABLES sync_meta WRITE')
        const startedMs = performance.now()
        await expect(archive.open({ ...OPTIONS, timeoutMs: 300 })).rejects.toMatchObject({
          ...unavailable,
          message: /opening did not end within 300 ms/,
        })
        expect(performance.now() - startedMs).toBeLessThan(5_000)
        await stranger.query('UNLOCK TABLES')
      })
      await archive.open(OPTIONS)
      expect((await archive.readHeads()).cut.positions.size).toBe(0)
    })

    it.each([1, 0])(
      'six at once, also where autocommit is %i by default: one identity',
      async (autocommit) => {
        await runAll(server.url, [`SET GLOBAL autocommit = ${autocommit}`])
        try {
          for (let round = 0; round < 3; round++) {
            const url = await newDatabase()
            const archives = Array.from({ length: 6 }, () => mysqlArchive({ url, poolSize: 2 }))
            cleanups.push(() => Promise.all(archives.map((archive) => archive.close())))
            const found = await Promise.all(archives.map((archive) => archive.open(OPTIONS)))
            for (const description of found) expect(description).toEqual(found[0])
            const claims = await Promise.all(archives.map((archive) => claimed(archive)))
            expect(new Set(claims.map(({ claim }) => claim.instance)).size).toBe(6)
          }
        } finally {
          await runAll(server.url, ['SET GLOBAL autocommit = 1'])
        }
      },
    )
  })
})

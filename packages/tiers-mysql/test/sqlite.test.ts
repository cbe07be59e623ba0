import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { CompiledQuery } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBranchSet, stampTimeOf, type ArchiveTier, type InstanceClaim, type ItemWrite } from '@se/core'
import { systemClock } from '@se/core/node'
import { linkOf, createFakeClock } from '@se/core/testing'
import { SqliteDatabase } from '../src/sqlite/database.ts'
import { sqliteArchive, type SqliteArchiveOptions } from '../src/sqlite/index.ts'
import type { RetryReport } from '../src/index.ts'

let directory: string
let file: string
const open: ArchiveTier[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'se-sqlite-'))
  file = join(directory, 'deep', 'archive.db')
})

afterEach(async () => {
  for (const archive of open.splice(0)) await archive.close()
  await rm(directory, { recursive: true })
})

async function openArchive(options: Partial<SqliteArchiveOptions> = {}): Promise<ArchiveTier> {
  const archive = sqliteArchive({ file, ...options })
  await archive.open({ branches: createBranchSet(), digests: 'keyed' })
  open.push(archive)
  return archive
}

function claim(archive: ArchiveTier, digit = 'a'): Promise<InstanceClaim> {
  return archive.claimInstance({ memory: undefined, knownNonces: [], nonce: digit.repeat(32) })
}

/** The database beneath an archive, which waits for nobody. */
function databaseOn(place: string, isExclusive: boolean): SqliteDatabase {
  return new SqliteDatabase({
    file: place,
    isExclusive,
    clock: systemClock,
    busyMs: 0,
    turnMs: 5_000,
    cacheBytes: 2 ** 20,
    tablePrefix: 'sync_',
  })
}

const timeBase = stampTimeOf(Date.now() - 60_000)
function write(id: string, tick: number): ItemWrite {
  const stamp = { time: timeBase + tick, instance: 1 }
  return { id, stamp, state: 'default', contentType: '', bytes: Uint8Array.of(tick) }
}

describe('SQLite archive', () => {
  it('an exclusive archive is refused to everyone else while it is open, and only then', async () => {
    const archive = await openArchive()
    await expect(openArchive()).rejects.toMatchObject({
      code: 'SE_TIER_UNAVAILABLE',
      details: { code: 'SQLITE_BUSY' },
    })
    const reader = new Database(file, { timeout: 0 })
    expect(() => reader.prepare('SELECT count(*) FROM sync_items').get()).toThrow('locked')
    reader.close()
    await archive.close()
    await openArchive()
  })

  it('commits are synced: journal WAL, synchronous FULL, on both connections [P41]', async () => {
    for (const isExclusive of [true, false]) {
      const backend = databaseOn(join(directory, `${isExclusive}.db`), isExclusive)
      await backend.open()
      const pragma = (name: string) =>
        CompiledQuery.raw(`PRAGMA ${name}`) as CompiledQuery<Record<string, unknown>>
      const expected = [[{ journal_mode: 'wal' }], [{ synchronous: 2 }]]
      const read = await backend.read(async (reader) => [
        await reader.rows(pragma('journal_mode')),
        await reader.rows(pragma('synchronous')),
      ])
      expect(read).toEqual(expected)
      const written = await backend.write(async (session) => [
        await session.rows(pragma('journal_mode')),
        await session.rows(pragma('synchronous')),
      ])
      expect(written).toEqual(expected)
      await backend.close()
    }
  })

  it.each([true, false])(
    'a lookup never sees what is not committed (exclusive: %s) [W1]',
    async (isExclusive) => {
      const backend = databaseOn(file, isExclusive)
      await openArchive({ exclusive: isExclusive })
      await open.pop()!.close()
      await backend.open()
      let isInserted!: () => void
      const inserted = new Promise<void>((resolve) => (isInserted = resolve))
      let fail!: () => void
      const failed = new Promise<void>((resolve) => (fail = resolve))
      const transaction = backend.write(async (session) => {
        const row = {
          write: write('a', 1),
          version: 1,
          digest: new Uint8Array(16),
          createdAtMs: 1,
          batch: { instance: 1, sequence: 1 },
        }
        await session.items.store([row])
        isInserted()
        await failed
        throw new Error('arranged')
      })
      await inserted
      const lookup = backend.find(['a'])
      fail()
      await expect(transaction).rejects.toThrow('arranged')
      expect((await lookup).size).toBe(0)
      expect((await backend.find(['a'])).size).toBe(0)
      await backend.close()
    },
  )

  it('a busy database is tried again with pauses, then it is unavailable [W7]', async () => {
    const retries: RetryReport[] = []
    const other = { current: undefined as Database.Database | undefined }
    const archive = await openArchive({
      exclusive: false,
      busyMs: 0,
      attemptsMax: 4,
      onRetry(report) {
        retries.push(report)
        if (retries.length === 2) other.current?.exec('ROLLBACK')
      },
    })
    const own = await claim(archive)
    const stranger = new Database(file, { timeout: 0 })
    other.current = stranger
    stranger.exec('BEGIN IMMEDIATE')
    const batch = { claim: own, sequence: 1, link: linkOf(own.instance, 1), writes: [write('a', 1)] }
    expect(await archive.putBatch(batch)).toMatchObject({ wasCommittedBefore: false })
    expect(retries.map(({ attempts }) => attempts)).toEqual([1, 2])
    stranger.exec('BEGIN IMMEDIATE')
    await expect(
      archive.putBatch({ ...batch, sequence: 2, link: linkOf(batch.claim.instance, 2) }),
    ).rejects.toMatchObject({
      code: 'SE_TIER_UNAVAILABLE',
    })
    expect(retries).toHaveLength(2 + 3)
    stranger.close()
    expect(
      await archive.putBatch({ ...batch, sequence: 2, link: linkOf(batch.claim.instance, 2) }),
    ).toMatchObject({ outcomes: [{ kind: 'held' }] })
  })

  it('several processes may make one archive at the same time', async () => {
    const archives = Array.from({ length: 3 }, () => sqliteArchive({ file, exclusive: false }))
    open.push(...archives)
    const found = await Promise.all(
      archives.map((archive) => archive.open({ branches: createBranchSet(), digests: 'keyed' })),
    )
    expect(new Set(found.map(({ archiveId }) => archiveId)).size).toBe(1)
    expect(found[0]?.isExclusive).toBe(false)
  })

  it('tree pages of another history are no tree, and are not folded on [P88]', async () => {
    const archive = await openArchive({ exclusive: false })
    const own = await claim(archive)
    const put = (sequence: number) =>
      archive.putBatch({
        claim: own,
        sequence,
        link: linkOf(own.instance, sequence),
        writes: [write(`id.${sequence}`, sequence)],
      })
    await put(1)
    await archive.foldTree()
    await put(2)
    const editor = new Database(file)
    editor.exec(
      `UPDATE sync_meta SET value = replace(value, '${linkOf(own.instance, 1)}', '${'f'.repeat(16)}') WHERE name = 'tree_cut'`,
    )
    editor.close()
    expect((await archive.readTree()).tail).toMatchObject({ kind: 'gap', because: 'another-history' })
    await expect(archive.foldTree()).rejects.toMatchObject({
      code: 'SE_CORRUPT_DATA',
      details: { because: 'another-history' },
    })
  })

  it('an archive in memory works, and ends with close', async () => {
    const archive = await openArchive({ file: ':memory:' })
    const own = await claim(archive)
    await archive.putBatch({
      claim: own,
      sequence: 1,
      link: linkOf(own.instance, 1),
      writes: [write('a', 1)],
    })
    expect((await archive.get('a')).kind).toBe('found')
    expect((await archive.readTree()).tail.kind).toBe('rows')
  })

  it('the clock that stamps are compared with is the one passed in [W4]', async () => {
    const clock = createFakeClock(5_000_000)
    const archive = await openArchive({ clock })
    const own = await claim(archive)
    const at = (ms: number): ItemWrite => ({
      ...write(`at.${ms}`, 0),
      stamp: { time: stampTimeOf(ms), instance: 1 },
    })
    const writes = [at(5_001_000), at(5_001_001)]
    const { outcomes } = await archive.putBatch({
      claim: own,
      sequence: 1,
      link: linkOf(own.instance, 1),
      writes,
    })
    expect(outcomes).toMatchObject([{ kind: 'won' }, { kind: 'refused', because: 'stamp-ahead-of-archive' }])
    expect((await archive.readHeads()).nowMs).toBe(5_000_000)
  })

  it('a damaged file has to be restored: nobody is told to try again later [P72]', async () => {
    const archive = await openArchive()
    const writes = Array.from({ length: 200 }, (_, index) => write(`id${index}`, index + 1))
    await archive.putBatch({ claim: await claim(archive), sequence: 1, link: linkOf(1, 1), writes })
    await archive.close()
    const bytes = await readFile(file)
    bytes.fill(0xaa, 4_096)
    await writeFile(file, bytes)
    const opening = openArchive().then((opened) => opened.readHeads())
    await expect(opening).rejects.toMatchObject({
      code: 'SE_TIER_MISCONFIGURED',
      details: { because: 'damaged' },
    })
  })

  it.each([true, false])(
    'nothing is committed into a file that was removed or replaced while it was open (exclusive: %s) [W1]',
    async (exclusive) => {
      const archive = await openArchive({ exclusive })
      const batchOf = async (sequence: number) => ({
        claim: await claimed,
        sequence,
        link: linkOf(1, sequence),
        writes: [write(`id${sequence}`, sequence)],
      })
      const claimed = claim(archive)
      await archive.putBatch(await batchOf(1))
      const moved = expect.objectContaining({
        code: 'SE_TIER_MISCONFIGURED',
        details: expect.objectContaining({ because: 'file-moved' }),
      })
      await rename(file, `${file}.aside`)
      await expect(archive.putBatch(await batchOf(2))).rejects.toEqual(moved)
      await expect(archive.readHeads()).rejects.toEqual(moved)
      await copyFile(`${file}.aside`, file)
      await expect(archive.putBatch(await batchOf(2))).rejects.toEqual(moved)
      await rename(`${file}.aside`, file)
      expect((await archive.putBatch(await batchOf(2))).outcomes).toMatchObject([{ kind: 'won' }])
    },
  )

  it('an archive that has lost a fact, or finds no number where one was, says so: without its id it tells neither heads nor a time, and takes no living instance for dead [R1, P80]', async () => {
    const archive = sqliteArchive({ file, exclusive: false })
    open.push(archive)
    await archive.open({ branches: createBranchSet(), digests: 'keyed' })
    const [ours, living] = [await claim(archive, 'a'), await claim(archive, 'b')]
    const request = { claim: ours, sequence: 1, link: linkOf(ours.instance, 1), instancesMax: 10 }
    const { cut, nowMs } = await archive.readHeads()
    const deadBeforeMs = nowMs - 60_000
    const editor = new Database(file)
    const rename = (from: string, to: string) =>
      editor.prepare('UPDATE sync_meta SET name = ? WHERE name = ?').run(to, from)
    const lost = (fact: string) => ({ code: 'SE_CORRUPT_DATA', message: expect.stringContaining(fact) })

    rename('archive_id', 'lost')
    await expect(archive.retireInstances({ ...request, deadBeforeMs })).rejects.toMatchObject(
      lost('archive_id'),
    )
    await expect(archive.readHeads()).rejects.toMatchObject(lost('archive_id'))
    await expect(archive.readTail(cut)).rejects.toMatchObject(lost('archive_id'))
    rename('lost', 'archive_id')

    rename('collection_floor', 'lost')
    await expect(claim(archive, 'c')).rejects.toMatchObject(lost('collection_floor'))
    // The instance's own floor stands in its row: what it knows to be collected stays deleted.
    await archive.putBatch({
      claim: ours,
      sequence: 1,
      link: linkOf(ours.instance, 1),
      writes: [write('a', 1)],
    })
    rename('lost', 'collection_floor')

    // A floor that is taken for no number compares with nothing: every deleted item could come back.
    const set = (value: string, name: string) =>
      editor.prepare('UPDATE sync_meta SET value = ? WHERE name = ?').run(value, name)
    for (const value of ['', 'x', '1e99', '-1', '12.5']) {
      set(value, 'collection_floor')
      await expect(claim(archive, 'c')).rejects.toMatchObject(lost('collection_floor'))
      set('0', 'collection_floor')
      set(value, 'last_number')
      await expect(claim(archive, 'c')).rejects.toMatchObject(lost('last_number'))
      set('2', 'last_number')
    }
    editor.close()

    expect(await archive.retireInstances({ ...request, deadBeforeMs })).toEqual([])
    await archive.touchInstance(living)
  })

  it('an archive that has lost facts is not opened, and gets no new ones while it has instances [P52, P80]', async () => {
    const archive = await openArchive({ exclusive: false })
    const { birthId } = await claim(archive)
    await archive.close()
    const editor = new Database(file)
    editor.exec('CREATE TABLE kept AS SELECT * FROM sync_meta')
    for (const { name } of editor.prepare('SELECT name FROM kept').all() as { name: string }[]) {
      editor.prepare('DELETE FROM sync_meta WHERE name = ?').run(name)
      await expect(openArchive({ exclusive: false })).rejects.toMatchObject({
        code: 'SE_CORRUPT_DATA',
        message: expect.stringContaining(name),
      })
      editor.exec('DELETE FROM sync_meta; INSERT INTO sync_meta SELECT * FROM kept')
    }
    editor.exec('DELETE FROM sync_meta')
    await expect(openArchive({ exclusive: false })).rejects.toMatchObject({ code: 'SE_CORRUPT_DATA' })
    editor.exec('INSERT INTO sync_meta SELECT * FROM kept')
    editor.close()
    const again = await openArchive({ exclusive: false })
    expect((await claim(again, 'b')).birthId).toBe(birthId)
  })

  it('a ledger row edited by hand is corrupt, not believed', async () => {
    const archive = await openArchive()
    const own = await claim(archive)
    await archive.putBatch({
      claim: own,
      sequence: 1,
      link: linkOf(own.instance, 1),
      writes: [write('a', 1)],
    })
    await archive.close()
    const editor = new Database(file)
    editor.exec(
      `UPDATE sync_ledger SET entries = CAST(substr(entries, 1, 30) || x'ff' || substr(entries, 32) AS BLOB)`,
    )
    editor.close()
    await archive.open({ branches: createBranchSet(), digests: 'keyed' })
    const from = { archiveId: own.archiveId, positions: new Map() }
    await expect(archive.readTail(from)).rejects.toMatchObject({ code: 'SE_CORRUPT_DATA' })
    await expect(archive.foldTree()).rejects.toMatchObject({ code: 'SE_CORRUPT_DATA' })
    expect((await archive.get('a')).kind).toBe('found')
  })

  it('a ledger row deleted by hand is a gap, not skipped', async () => {
    const archive = await openArchive()
    const own = await claim(archive)
    for (const sequence of [1, 2, 3]) {
      await archive.putBatch({
        claim: own,
        sequence,
        link: linkOf(own.instance, sequence),
        writes: [write('a', sequence)],
      })
    }
    await archive.close()
    const editor = new Database(file)
    editor.exec('DELETE FROM sync_ledger WHERE sequence = 2')
    editor.close()
    await archive.open({ branches: createBranchSet(), digests: 'keyed' })
    const tail = await archive.readTail({ archiveId: own.archiveId, positions: new Map() })
    expect(tail).toMatchObject({ kind: 'gap', because: 'pruned' })
  })

  it.each([
    [undefined, 'archive'],
    [{ file: '' }, 'archive.file'],
    [{ file: ' ' }, 'archive.file'],
    [{ file: 'x ' }, 'archive.file'],
    [{ file: 'x\0y' }, 'archive.file'],
    [{ file: 'x', busyMs: -1 }, 'archive.busyMs'],
    [{ file: 'x', exclusive: 'yes' }, 'archive.exclusive'],
    [{ file: 'x', path: 'y' }, 'archive.path'],
  ])('%o is refused by the name of its field', (options, field) => {
    expect(() => sqliteArchive(options as unknown as SqliteArchiveOptions)).toThrow(
      expect.objectContaining({ field }),
    )
  })

  it('JSON values can be asked by SQL', async () => {
    const archive = await openArchive()
    const own = await claim(archive)
    const bytes = new TextEncoder().encode('{"name":"Alice"}')
    await archive.putBatch({
      claim: own,
      sequence: 1,
      link: linkOf(own.instance, 1),
      writes: [{ ...write('user.alice', 1), bytes }],
    })
    await archive.close()
    const reader = new Database(file)
    const row = reader
      .prepare(`SELECT json_extract(CAST(value AS TEXT), '$.name') AS name FROM sync_items`)
      .get()
    reader.close()
    expect(row).toEqual({ name: 'Alice' })
  })
})

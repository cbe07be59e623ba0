import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBranchSet, type ArchiveTier } from '@se/core'
import { linkOf } from '@se/core/testing'
import { install, type SchemaAccess } from '../src/install.ts'
import { mysqlArchive } from '../src/mysql/index.ts'
import { mysqlMigrations } from '../src/mysql/migrations.ts'
import { faultOf, planOf, type ColumnInfo } from '../src/schema-check.ts'
import { sqliteArchive, type SqliteArchiveOptions } from '../src/sqlite/index.ts'
import { sqliteMigrations } from '../src/sqlite/migrations.ts'
import { tableNames } from '../src/tables.ts'

let directory: string
let file: string
const open: ArchiveTier[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'se-install-'))
  file = join(directory, 'archive.db')
})

afterEach(async () => {
  for (const archive of open.splice(0)) await archive.close()
  await rm(directory, { recursive: true })
})

function newArchive(options: Partial<SqliteArchiveOptions> = {}) {
  const archive = sqliteArchive({ file, ...options })
  open.push(archive)
  return archive
}

const OPTIONS = { branches: createBranchSet(), digests: 'unkeyed' } as const

function edit(work: (database: Database.Database) => void): void {
  const database = new Database(file)
  try {
    work(database)
  } finally {
    database.close()
  }
}

describe('what a table must look like is read from the statement that makes it', () => {
  it.each([
    ['MySQL', mysqlMigrations],
    ['SQLite', sqliteMigrations],
  ])('%s: every table, every column', (_title, migrations) => {
    const plans = migrations.flatMap(({ statements }) => statements(tableNames('sync_'))).map(planOf)
    const tables = plans.filter((plan) => plan !== undefined)
    expect(tables.map(({ table }) => table)).toEqual([
      'sync_items',
      'sync_instances',
      'sync_ledger',
      'sync_tree',
      'sync_meta',
    ])
    expect(tables.map(({ columns }) => columns.length)).toEqual([11, 13, 6, 3, 2])
    expect(
      tables.map(({ columns }) => columns.filter(({ isPrimaryKey }) => isPrimaryKey).map(({ name }) => name)),
    ).toEqual([['id'], ['number'], ['instance', 'sequence'], ['branch', 'page'], ['name']])
    const nullable = tables.flatMap(({ columns }) => columns.filter(({ isNullable }) => isNullable))
    expect(nullable.map(({ name }) => name)).toEqual(['digest', 'batch_instance', 'value'])
  })

  it('and each way to differ from it is told', () => {
    const plan = planOf('CREATE TABLE t (\n  id TEXT NOT NULL PRIMARY KEY,\n  v BLOB\n)')!
    const good: ColumnInfo[] = [
      { name: 'ID', type: 'TEXT', isNullable: false, isPrimaryKey: true, mayBeOmitted: false },
      { name: 'v', type: 'blob', isNullable: true, isPrimaryKey: false, mayBeOmitted: true },
    ]
    expect(faultOf(plan, good)).toBeUndefined()
    const extra = { name: 'x', type: 'text', isNullable: true, isPrimaryKey: false, mayBeOmitted: true }
    expect(faultOf(plan, [...good, extra])).toBeUndefined()
    expect(faultOf(plan, undefined)).toMatchObject({ table: 't', column: undefined, what: 'is missing' })
    expect(faultOf(plan, good.slice(1))).toMatchObject({ column: 'id', what: 'is missing' })
    const changed = (index: number, more: Partial<ColumnInfo>) =>
      good.map((column, at) => (at === index ? { ...column, ...more } : column))
    expect(faultOf(plan, changed(0, { type: 'INTEGER' }))?.what).toContain('another type')
    expect(faultOf(plan, changed(0, { isPrimaryKey: false }))?.what).toBe('is not in the primary key')
    expect(faultOf(plan, changed(1, { isPrimaryKey: true }))?.what).toBe('is in the primary key')
    expect(faultOf(plan, changed(1, { isNullable: false }))?.what).toBe('may not be null')
    expect(faultOf(plan, [...good, { ...extra, mayBeOmitted: false }])).toMatchObject({ column: 'x' })
  })
})

describe('installing', () => {
  function fakeAccess(installed: string[] | undefined, tables: ReadonlyMap<string, readonly ColumnInfo[]>) {
    const ran: string[] = []
    let unitCount = 0
    const access: SchemaAccess = {
      tables: tableNames('sync_'),
      migrations: [
        { name: '0001-t', statements: () => ['CREATE TABLE t (\n  id TEXT NOT NULL PRIMARY KEY\n)'] },
      ],
      migrationsTable: 'CREATE TABLE m',
      installed: async () => installed,
      columns: async () => (ran.length > 0 ? new Map([['t', COLUMNS]]) : tables),
      run: async (statement) => void ran.push(statement),
      async asOne(work) {
        unitCount += 1
        await work()
      },
    }
    return { access, ran, unitCount: () => unitCount }
  }
  const COLUMNS: readonly ColumnInfo[] = [
    { name: 'id', type: 'text', isNullable: false, isPrimaryKey: true, mayBeOmitted: false },
  ]

  it('locks nothing where nothing is to be done [P79]', async () => {
    const { access, ran, unitCount } = fakeAccess(['0001-t'], new Map([['t', COLUMNS]]))
    await install(access)
    expect([ran, unitCount()]).toEqual([[], 0])
  })

  it('runs what is missing, and notes it, as one', async () => {
    const { access, ran, unitCount } = fakeAccess(undefined, new Map())
    await install(access)
    expect(unitCount()).toBe(1)
    expect(ran).toHaveLength(3)
    expect(ran[2]).toBe(`INSERT INTO sync_migrations (name, timestamp) VALUES ('0001-t', '')`)
  })

  it("changes nothing beside a stranger's table", async () => {
    const { access, ran } = fakeAccess(undefined, new Map([['t', []]]))
    await expect(install(access)).rejects.toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
    expect(ran).toEqual([])
  })
})

describe('SQLite: opening', () => {
  it("a stranger's table of the same name is told by table and column, and left as it is [P79]", async () => {
    edit((database) => database.exec('CREATE TABLE sync_items (id INTEGER PRIMARY KEY, name TEXT)'))
    await expect(newArchive().open(OPTIONS)).rejects.toMatchObject({
      code: 'SE_TIER_MISCONFIGURED',
      message: /sync_items.*id.*tablePrefix/,
      details: { because: 'tables', table: 'sync_items', column: 'id' },
    })
    edit((database) => {
      const tables = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).all()
      expect(tables).toEqual([{ name: 'sync_items' }])
    })
    await newArchive({ tablePrefix: 'ours_' }).open(OPTIONS)
  })

  it('a column that was dropped later is told as well', async () => {
    await newArchive().open(OPTIONS)
    await open.pop()!.close()
    edit((database) => database.exec('ALTER TABLE sync_instances DROP COLUMN seen_at'))
    await expect(newArchive().open(OPTIONS)).rejects.toMatchObject({
      details: { because: 'tables', table: 'sync_instances', column: 'seen_at' },
    })
  })

  it('two archives in one file under two prefixes do not meet [P79]', async () => {
    const [one, two] = [
      newArchive({ exclusive: false, tablePrefix: 'one_' }),
      newArchive({ exclusive: false, tablePrefix: 'two_' }),
    ]
    const [a, b] = [await one.open(OPTIONS), await two.open(OPTIONS)]
    expect(a.birthId).not.toBe(b.birthId)
    for (const archive of [one, two]) {
      const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: 'a'.repeat(32) })
      const stamp = { time: Date.now() * 2_048, instance: claim.instance }
      const bytes = Buffer.from(archive === one ? 'one' : 'two')
      const write = { id: 'a', stamp, state: 's', contentType: '', bytes }
      await archive.putBatch({ claim, sequence: 1, link: linkOf(1, 1), writes: [write] })
    }
    for (const [archive, value] of [
      [one, 'one'],
      [two, 'two'],
    ] as const) {
      const lookup = await archive.get('a')
      expect(lookup.kind === 'found' && Buffer.from(lookup.item.bytes).toString()).toBe(value)
      await archive.foldTree()
      expect((await archive.readTree()).pages).toHaveLength(1)
    }
  })

  it.each(['', 'Sync_', '1_', 'sync-', 'a;b', "a'", 'a'.repeat(41)])(
    'the prefix %j is refused by the name of its field',
    (tablePrefix) => {
      const field = 'archive.tablePrefix'
      expect(() => sqliteArchive({ file, tablePrefix })).toThrow(expect.objectContaining({ field }))
      expect(() => mysqlArchive({ url: 'mysql://h/d', tablePrefix })).toThrow(
        expect.objectContaining({ field }),
      )
    },
  )

  it('an archive of a newer version is refused with both versions, and not changed', async () => {
    await newArchive().open(OPTIONS)
    await open.pop()!.close()
    edit((database) => database.exec(`INSERT INTO sync_migrations VALUES ('0002-states', '')`))
    await expect(newArchive().open(OPTIONS)).rejects.toMatchObject({
      code: 'SE_ARCHIVE_TOO_NEW',
      details: { archive: '0002-states', package: '0001-tables' },
    })
  })

  it('what schema() prints makes the tables; then nothing is left to be made', async () => {
    const archive = newArchive({ tablePrefix: 'given_' })
    edit((database) => database.exec(archive.schema()))
    await archive.open(OPTIONS)
    await archive.close()
    edit((database) => {
      const rows = database.prepare('SELECT name FROM given_migrations').all()
      expect(rows).toEqual([{ name: '0001-tables' }])
    })
  })

  it('a file that is no database, and a path that cannot be, say what to change', async () => {
    await writeFile(
      file,
      'This is a text, and long enough to be looked at as the header of a database. '.repeat(20),
    )
    await expect(newArchive().open(OPTIONS)).rejects.toMatchObject({
      code: 'SE_TIER_MISCONFIGURED',
      details: { because: 'tables' },
    })
    await expect(newArchive({ file: join(file, 'archive.db') }).open(OPTIONS)).rejects.toMatchObject({
      code: 'SE_TIER_MISCONFIGURED',
      details: { because: 'missing-right' },
    })
  })

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31])('a time limit of %d is refused', async (timeoutMs) => {
    await expect(newArchive().open({ ...OPTIONS, timeoutMs })).rejects.toMatchObject({
      code: 'SE_INVALID_INPUT',
      field: 'timeoutMs',
    })
  })
})

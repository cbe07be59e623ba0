import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createBranchSet, type ArchiveTier } from '@se/core'
import { startFaultProxy, startPrivateMariaDb, uniqueDatabase, type PrivateServer } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { mysqlArchive, type MysqlArchiveOptions } from '../src/mysql/index.ts'
import { claimed, plainUser, runAll, withConnection } from './mariadb-harness.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const OPTIONS = { branches: createBranchSet(), digests: 'unkeyed' } as const

async function openArchive(options: MysqlArchiveOptions): Promise<ArchiveTier> {
  const archive = mysqlArchive(options)
  cleanups.push(() => archive.close())
  await archive.open(OPTIONS)
  return archive
}

async function until(isSo: () => Promise<boolean>, what: string, withinMs = 20_000): Promise<void> {
  for (const startedMs = Date.now(); Date.now() - startedMs < withinMs; await delay(10)) {
    if (await isSo()) return
  }
  throw new Error(`not within ${withinMs} ms: ${what}`)
}

async function threads(url: string): Promise<number[]> {
  return withConnection(url, async (connection) => {
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()',
    )
    return rows.map((row) => Number(row['ID']))
  })
}

const unavailable = { code: 'SE_TIER_UNAVAILABLE' }

describeWithServer('sql', 'MariaDB archive: a server that changes under it', () => {
  let server: PrivateServer

  beforeAll(async () => {
    server = await startPrivateMariaDb({ args: ['--max-allowed-packet=64M'] })
  })

  afterAll(() => server.stop())

  async function newDatabase(): Promise<string> {
    const { url, drop } = await uniqueDatabase(server.url)
    cleanups.push(drop)
    return url
  }

  it('one that was demoted answers nothing that counts as now, loses all connections, and is taken again [P69, R5]', async () => {
    const url = await newDatabase()
    const archive = await openArchive({ url, poolSize: 4 })
    const { write, put } = await claimed(archive)
    await put(write('a'))
    await Promise.all(
      Array.from({ length: 4 }, () => archive.readTail({ archiveId: '', positions: new Map() })),
    )
    const warm = await threads(url)
    expect(warm.length).toBeGreaterThan(1)
    await runAll(server.url, ['SET GLOBAL read_only = 1'])
    try {
      // Root may write to it all the same; that it is not the primary any more is what counts.
      await expect(archive.readHeads()).rejects.toMatchObject(unavailable)
      expect((await archive.get('a')).kind).toBe('unknown')
      await expect(put(write('b'))).rejects.toMatchObject(unavailable)
      await until(
        async () => (await threads(url)).every((thread) => !warm.includes(thread)),
        'old threads gone',
      )
    } finally {
      await runAll(server.url, ['SET GLOBAL read_only = 0'])
    }
    expect((await archive.get('a')).kind).toBe('found')
    expect((await put(write('b'))).outcomes[0]?.kind).toBe('won')
  })

  it('a failover by read_only, with warm connections: writing goes on at the new primary [P69]', async () => {
    const second = await startPrivateMariaDb()
    cleanups.push(() => second.stop())
    const proxy = await startFaultProxy({ targetPort: server.port })
    cleanups.push(() => proxy.close())
    const url = await newDatabase()
    const through = new URL(url)
    through.hostname = '127.0.0.1'
    through.port = String(proxy.port)
    const user = new URL(await plainUser(url))
    const archive = await openArchive({
      url: Object.assign(through, { username: user.username, password: user.password }).href,
      poolSize: 8,
    })
    const { write, put } = await claimed(archive)
    await put(write('a'))
    await Promise.all(
      Array.from({ length: 8 }, () => archive.readTail({ archiveId: '', positions: new Map() })),
    )
    await copyDatabase(url, second.url, user)
    await runAll(server.url, ['SET GLOBAL read_only = 1'])
    try {
      // 1290 on a living connection: no write is ever possible there again.
      await expect(put(write('b'))).rejects.toMatchObject({
        details: { code: 'ER_OPTION_PREVENTS_STATEMENT' },
      })
      proxy.retarget(second.port)
      expect((await put(write('b'))).outcomes[0]?.kind).toBe('won')
      expect((await archive.get('a')).kind).toBe('found')
      expect((await archive.readHeads()).cut.positions.size).toBe(1)
    } finally {
      await runAll(server.url, ['SET GLOBAL read_only = 0'])
    }
  })

  it('names that the server would store under other bytes come back as they are [P68, P17]', async () => {
    await runAll(server.url, ["SET GLOBAL init_connect = 'SET NAMES utf8'"])
    try {
      const url = await newDatabase()
      const archive = await openArchive({ url: await plainUser(url) })
      const { write, put } = await claimed(archive)
      const ids = [
        'emoji \u{1f600}',
        '\u{1f600}\u{1f601}',
        '\u{20bb7}',
        'e\u0301',
        'é',
        'ß',
        'ﬁ',
        'ẞ',
        '\u{10ffff}',
      ]
      const states = ids.map((id) => ({ ...write(id), state: `state ${id}` }))
      expect((await put(...states)).outcomes.every(({ kind }) => kind === 'won')).toBe(true)
      for (const [index, lookup] of (await archive.getMany(ids)).entries()) {
        expect(lookup).toMatchObject({
          kind: 'found',
          item: { id: ids[index], state: `state ${ids[index]}` },
        })
      }
    } finally {
      await runAll(server.url, ["SET GLOBAL init_connect = ''"])
    }
  })

  it.each([
    ['another time zone', "'+00:00'", "'+01:00'", 'time_zone'],
    ['another collation', "'utf8mb4_bin'", "'utf8mb3_bin'", 'collation_connection'],
    ['another isolation', 'READ COMMITTED', 'SERIALIZABLE  ', 'isolation'],
    ['a laxer mode', 'STRICT_ALL_TABLES', 'NO_ZERO_DATE,ANSI', 'sql_mode'],
  ])(
    '%s than was asked for, by something in between: refused, by its name [P68]',
    async (_title, from, to, name) => {
      expect(to).toHaveLength(from.length)
      const url = new URL(await newDatabase())
      const changing = await startChangingProxy(server.port, from, to)
      cleanups.push(() => changing.close())
      url.hostname = '127.0.0.1'
      url.port = String(changing.port)
      await expect(mysqlArchive({ url: url.href }).open(OPTIONS)).rejects.toMatchObject({
        code: 'SE_TIER_MISCONFIGURED',
        message: expect.stringContaining(name),
        details: { because: 'session' },
      })
    },
  )

  it('a process that was frozen within a transaction holds up the writers of the same rows for seconds only [P61]', async () => {
    const url = await newDatabase()
    const proxy = await startFaultProxy({ targetPort: server.port })
    cleanups.push(() => proxy.close())
    const through = new URL(url)
    through.hostname = '127.0.0.1'
    through.port = String(proxy.port)
    const [frozen, other] = [await openArchive({ url: through.href }), await openArchive({ url })]
    const b = await claimed(other)
    await b.put(b.write('hot'))
    // The younger one: its stamps win.
    const a = await claimed(frozen)
    let held!: () => void
    const isHeld = new Promise<void>((resolve) => (held = resolve))
    let hasHeld = false
    void proxy.cutWhen((chunk, direction) => {
      if (!hasHeld && direction === 'to-server' && chunk.includes('INSERT INTO sync_items')) {
        hasHeld = true
        proxy.stall('to-server')
        held()
      }
      return false
    })
    const stuck = a.put(a.write('hot')).catch((error: unknown) => error)
    await isHeld
    const startedMs = performance.now()
    expect((await b.put(b.write('hot'))).outcomes).toHaveLength(1)
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    await proxy.resume()
    expect(await stuck).toMatchObject(unavailable)
    expect((await a.put(a.write('hot'))).outcomes).toHaveLength(1)
  })

  it('limits that were raised at the server hold for the next batch, on connections of any age [P73]', async () => {
    await runAll(server.url, ['SET GLOBAL max_allowed_packet = 2097152'])
    const url = await newDatabase()
    const archive = await openArchive({ url, poolSize: 2 })
    const { write, put, send } = await claimed(archive)
    const large = write('large', new Uint8Array(5 * 2 ** 20))
    await expect(send(1, [large])).rejects.toMatchObject({ code: 'SE_ARCHIVE_REFUSED_DATA' })
    await runAll(server.url, ['SET GLOBAL max_allowed_packet = 67108864'])
    expect((await put(large)).outcomes[0]?.kind).toBe('won')
  })

  it('what is too large for the server costs no connection [P73]', async () => {
    await runAll(server.url, ['SET GLOBAL max_allowed_packet = 2097152'])
    const url = await newDatabase()
    const archive = await openArchive({ url, poolSize: 1 })
    const { write, put, send } = await claimed(archive)
    const before = await threads(url)
    for (let round = 0; round < 3; round++) {
      const large = write('large', new Uint8Array(5 * 2 ** 20))
      await expect(send(1, [large])).rejects.toMatchObject({ code: 'SE_ARCHIVE_REFUSED_DATA' })
    }
    expect((await put(write('small'))).outcomes[0]?.kind).toBe('won')
    expect(await threads(url)).toEqual(before)
    await runAll(server.url, ['SET GLOBAL max_allowed_packet = 67108864'])
  })

  it('connections do not grow old', async () => {
    const url = await newDatabase()
    const archive = await openArchive({ url, poolSize: 2, connectionAgeMs: 1_000 })
    const { write, put } = await claimed(archive)
    const before = await threads(url)
    await delay(1_100)
    expect((await put(write('a'))).outcomes[0]?.kind).toBe('won')
    expect((await threads(url)).some((thread) => before.includes(thread))).toBe(false)
  })

  it('scanRows whose visitor asks an archive of one connection ends, with an error [P71]', async () => {
    const url = await newDatabase()
    const archive = await openArchive({ url, poolSize: 1, acquireTimeoutMs: 200 })
    const { write, put } = await claimed(archive)
    await put(write('a'))
    await expect(archive.scanRows(async () => void (await archive.readHeads()))).rejects.toMatchObject({
      ...unavailable,
      details: { code: 'SE_NO_FREE_CONNECTION' },
    })
    expect((await archive.get('a')).kind).toBe('found')
  })

  it('tables that are changed by others while writers run: what was acknowledged is there', async () => {
    const url = await newDatabase()
    const archive = await openArchive({ url, poolSize: 2 })
    const { write, put } = await claimed(archive)
    let isRunning = true
    const acknowledged: string[] = []
    const work = (async () => {
      for (let count = 0; isRunning; count++) {
        const one = write(`id.${count}`)
        await put(one).then(
          () => void acknowledged.push(one.id),
          (error: unknown) => expect(error).toMatchObject(unavailable),
        )
        if (acknowledged.length > count + 100) break
      }
    })()
    await runAll(url, [
      'ALTER TABLE sync_items ADD COLUMN note VARCHAR(10) NULL',
      'ALTER TABLE sync_items ADD INDEX sync_items_note (note)',
      'OPTIMIZE TABLE sync_items',
      'ANALYZE TABLE sync_ledger',
      'ALTER TABLE sync_items DROP INDEX sync_items_note',
      'ALTER TABLE sync_items DROP COLUMN note',
      'ALTER TABLE sync_ledger ENGINE = InnoDB',
      'RENAME TABLE sync_tree TO sync_tree_away, sync_tree_away TO sync_tree',
      'FLUSH TABLES',
    ])
    isRunning = false
    await work
    expect(acknowledged.length).toBeGreaterThan(0)
    const lookups = await archive.getMany(acknowledged)
    expect(lookups.every(({ kind }) => kind === 'found')).toBe(true)
  })
})

describeWithServer('sql', 'MariaDB archive: a server whose disk is full', () => {
  it('refuses nothing as data, loses nothing, and goes on once there is room [W6]', async () => {
    const roomFor = (megabytes: number) => `--innodb-data-file-path=ibdata1:12M:autoextend:max:${megabytes}M`
    const args = [
      '--innodb-file-per-table=0',
      '--innodb-autoextend-increment=1',
      '--max-allowed-packet=16M',
      roomFor(90),
    ]
    const server = await startPrivateMariaDb({ args })
    cleanups.push(() => server.stop())
    const archive = await openArchive({ url: server.url })
    const { write, put } = await claimed(archive)
    const stored: string[] = []
    let error: unknown
    for (let count = 0; error === undefined && count < 400; count++) {
      const one = write(`id.${count}`, new Uint8Array(400_000).fill(count))
      await put(one).then(
        () => void stored.push(one.id),
        (thrown: unknown) => (error = thrown),
      )
    }
    expect(error).toMatchObject({ ...unavailable, details: { code: 'ER_RECORD_FILE_FULL' } })
    expect(stored.length).toBeGreaterThan(5)
    expect((await archive.getMany(stored)).every(({ kind }) => kind === 'found')).toBe(true)
    expect((await archive.get(`id.${stored.length}`)).kind).toBe('absent')
    // A full table space has no room for what would free some: not even a table can be dropped.
    args.push(roomFor(300))
    await server.restart()
    await until(
      () =>
        put(write('again', new Uint8Array(400_000))).then(
          () => true,
          () => false,
        ),
      'room again',
    )
    expect((await archive.readTree()).tail.kind).toBe('rows')
  })
})

/** Copies tables and users, as a replica has them. */
async function copyDatabase(from: string, to: string, user: URL): Promise<void> {
  const database = new URL(from).pathname.slice(1)
  await withConnection(to, async (target) => {
    await target.query(`CREATE DATABASE \`${database}\``)
    for (const host of ['%', 'localhost']) {
      await target.query(`CREATE USER '${user.username}'@'${host}' IDENTIFIED BY '${user.password}'`)
      await target.query(`GRANT ALL ON \`${database}\`.* TO '${user.username}'@'${host}'`)
    }
  })
  const targetUrl = new URL(to)
  targetUrl.pathname = `/${database}`
  const source = await createConnection(from)
  const target = await createConnection(targetUrl.href)
  try {
    await copyTables(source, target)
  } finally {
    await source.end()
    await target.end()
  }
}

async function copyTables(source: Connection, target: Connection): Promise<void> {
  const [tables] = await source.query<RowDataPacket[]>('SHOW TABLES')
  for (const row of tables) {
    const name = String(Object.values(row)[0])
    const [[made]] = (await source.query<RowDataPacket[]>(`SHOW CREATE TABLE \`${name}\``)) as unknown as [
      [Record<string, string>],
    ]
    await target.query(made['Create Table'] ?? '')
    const [rows] = await source.query<RowDataPacket[]>(`SELECT * FROM \`${name}\``)
    for (const values of rows) await target.query(`INSERT INTO \`${name}\` SET ?`, [values])
  }
}

/** Carries bytes to a server on this machine and back, and changes one text on its way there. */
async function startChangingProxy(targetPort: number, from: string, to: string) {
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1')
    for (const socket of [client, target]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.on('data', (chunk: Buffer) => {
      const at = chunk.indexOf(from)
      if (at >= 0) chunk.write(to, at, 'latin1')
      target.write(chunk)
    })
    target.pipe(client)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return {
    port: (listener.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        listener.close(() => resolve())
      }),
  }
}

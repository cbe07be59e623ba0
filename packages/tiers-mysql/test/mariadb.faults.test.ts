import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'
import { CompiledQuery } from 'kysely'
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createBranchSet,
  stampTimeOf,
  type ArchiveTier,
  type Clock,
  type InstanceClaim,
  type ItemWrite,
} from '@se/core'
import { systemClock, systemRandom } from '@se/core/node'
import { linkOf, seededRandom } from '@se/core/testing'
import { startFaultProxy, uniqueDatabase, type FaultProxy } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { mysqlArchive, type MysqlArchiveOptions } from '../src/mysql/index.ts'
import { connect } from '../src/mysql/connect.ts'
import { MysqlDatabase } from '../src/mysql/database.ts'
import { parseMysqlUrl } from '../src/mysql/url.ts'
import type { RetryReport } from '../src/index.ts'
import { seed } from './contract-harness.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function openArchive(options: MysqlArchiveOptions): Promise<ArchiveTier> {
  const archive = mysqlArchive(options)
  await archive.open({ branches: createBranchSet(), digests: 'keyed' })
  cleanups.push(() => archive.close())
  return archive
}

let nonceCount = 0
function claim(archive: ArchiveTier): Promise<InstanceClaim> {
  nonceCount += 1
  return archive.claimInstance({
    memory: undefined,
    knownNonces: [],
    nonce: nonceCount.toString(16).padStart(32, '0'),
  })
}

function connectOptions(url: string, lockWaitSeconds: number) {
  return {
    server: parseMysqlUrl(url),
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 5_000,
    lockWaitSeconds,
    clock: systemClock,
  }
}

/** A connection as the pool makes them. */
function connectTo(url: string, lockWaitSeconds: number) {
  return connect(connectOptions(url, lockWaitSeconds))
}

const timeBase = stampTimeOf(Date.now() - 60_000)
function write(
  id: string,
  tick: number,
  instance: number,
  bytes: Uint8Array = Uint8Array.of(tick & 0xff),
): ItemWrite {
  return { id, stamp: { time: timeBase + tick, instance }, state: 'default', contentType: '', bytes }
}

/** Another client of the database, with transactions of its own. */
async function stranger(url: string): Promise<Connection> {
  const connection = await createConnection(url)
  cleanups.push(() => connection.end())
  return connection
}

async function throughProxy(url: string): Promise<{ url: string; proxy: FaultProxy }> {
  const direct = new URL(url)
  const proxy = await startFaultProxy({ targetPort: Number(direct.port) })
  cleanups.push(() => proxy.close())
  const proxied = new URL(url)
  proxied.hostname = '127.0.0.1'
  proxied.port = String(proxy.port)
  return { url: proxied.href, proxy }
}

/** Most that a limit lasts in a hurry, ms. */
const HURRY_MS = 150

/** A clock whose limits end at once while nothing is to be expected anyway: a busy machine has its time else. */
function hurriedClock() {
  let isHurried = false
  const clock: Clock = {
    ...systemClock,
    setTimer: (delayMs, callback) =>
      systemClock.setTimer(isHurried ? Math.min(delayMs, HURRY_MS) : delayMs, callback),
  }
  return {
    clock,
    hurry(isToBe: boolean) {
      isHurried = isToBe
    },
  }
}

const isSent = (text: string) => (chunk: Buffer, direction: string) =>
  direction === 'to-server' && chunk.includes(text)

describeWithServer('sql', 'MariaDB archive: other writers', (serverUrl) => {
  async function newDatabase(): Promise<string> {
    const { url, drop } = await uniqueDatabase(serverUrl)
    cleanups.push(drop)
    return url
  }

  it('writers of two pools on the same ids all get through, and the newest stamp wins [W7, W3]', async () => {
    const url = await newDatabase()
    const random = seededRandom(seed)
    const archives = [await openArchive({ url }), await openArchive({ url })]
    const newest = new Map<string, ItemWrite>()
    let tick = 0
    const work = async (archive: ArchiveTier) => {
      const own = await claim(archive)
      for (let sequence = 1; sequence <= 25; sequence++) {
        const ids = new Set(Array.from({ length: 20 }, () => `hot.${random.below(40)}`))
        const writes = [...ids].map((id) => write(id, (tick += 1), own.instance, random.bytes(8)))
        for (const one of writes) newest.set(one.id, one)
        const receipt = await archive.putBatch({
          claim: own,
          sequence,
          link: linkOf(own.instance, sequence),
          writes,
        })
        expect(receipt.outcomes).toHaveLength(writes.length)
      }
    }
    await Promise.all([...archives, ...archives].map(work))
    for (const lookup of await archives[0]!.getMany([...newest.keys()])) {
      expect(lookup.kind).toBe('found')
      if (lookup.kind === 'found') expect(lookup.item.bytes).toEqual(newest.get(lookup.item.id)?.bytes)
    }
    expect((await archives[0]!.readHeads()).cut.positions).toEqual(
      new Map([1, 2, 3, 4].map((number) => [number, { sequence: 25, link: linkOf(number, 25) }])),
    )
  })

  it('a deadlock is rolled back and the transaction redone [W7]', async () => {
    const url = await newDatabase()
    const retries: RetryReport[] = []
    const other = await stranger(url)
    const archive = await openArchive({
      url,
      onRetry(report) {
        retries.push(report)
        void other.query('ROLLBACK')
      },
    })
    const own = await claim(archive)
    await archive.putBatch({
      claim: own,
      sequence: 1,
      link: linkOf(own.instance, 1),
      writes: [write('a', 1, own.instance), write('b', 1, own.instance)],
    })
    await other.query('CREATE TABLE weight (n INT PRIMARY KEY) ENGINE=InnoDB')
    await other.query('BEGIN')
    // The server rolls back whoever has changed less.
    await other.query(`INSERT INTO weight VALUES ${Array.from({ length: 500 }, (_, n) => `(${n})`).join()}`)
    await other.query(`SELECT id FROM sync_items WHERE id = 'b' FOR UPDATE`)
    const batch = {
      claim: own,
      sequence: 2,
      link: linkOf(own.instance, 2),
      writes: [write('a', 2, own.instance), write('b', 2, own.instance)],
    }
    const receipt = archive.putBatch(batch)
    await waitForLockWait(serverUrl, url)
    await other.query(`SELECT id FROM sync_items WHERE id = 'a' FOR UPDATE`)
    expect((await receipt).outcomes.map(({ kind }) => kind)).toEqual(['won', 'won'])
    expect(retries.map(({ error }) => (error as { errno: number }).errno)).toEqual([1213])
  })

  it('lock waits are tried again a bounded number of times, then the archive is unavailable [W7]', async () => {
    const url = await newDatabase()
    const retries: RetryReport[] = []
    const archive = await openArchive({
      url,
      lockWaitSeconds: 1,
      attemptsMax: 2,
      onRetry: (report) => void retries.push(report),
    })
    const own = await claim(archive)
    const writes = [write('a', 1, own.instance)]
    const other = await stranger(url)
    await other.query('BEGIN')
    await other.query('SELECT * FROM sync_instances FOR UPDATE')
    await expect(
      archive.putBatch({ claim: own, sequence: 1, link: linkOf(own.instance, 1), writes }),
    ).rejects.toMatchObject({
      code: 'SE_TIER_UNAVAILABLE',
      details: { code: 'ER_LOCK_WAIT_TIMEOUT' },
    })
    expect(retries.map(({ attempts }) => attempts)).toEqual([1])
    await other.query('ROLLBACK')
    expect(
      await archive.putBatch({ claim: own, sequence: 1, link: linkOf(own.instance, 1), writes }),
    ).toMatchObject({ wasCommittedBefore: false })
  })

  it('an id that another inserts between our look and our insert: rolled back, all redone [P39]', async () => {
    const url = await newDatabase()
    const { url: proxied, proxy } = await throughProxy(url)
    const retries: RetryReport[] = []
    const direct = await openArchive({ url })
    const archive = await openArchive({ url: proxied, onRetry: (report) => void retries.push(report) })
    const [theirs, ours] = [await claim(direct), await claim(archive)]
    let held!: () => void
    const isHeld = new Promise<void>((resolve) => (held = resolve))
    let hasHeld = false
    void proxy.cutWhen((chunk, direction) => {
      if (!hasHeld && isSent('INSERT INTO sync_items')(chunk, direction)) {
        hasHeld = true
        proxy.stall('to-server')
        held()
      }
      return false
    })
    const writes = [write('a', 1, ours.instance), write('b', 9, ours.instance)]
    const receipt = archive.putBatch({ claim: ours, sequence: 1, link: linkOf(ours.instance, 1), writes })
    await isHeld
    await direct.putBatch({
      claim: theirs,
      sequence: 1,
      link: linkOf(theirs.instance, 1),
      writes: [write('a', 5, theirs.instance)],
    })
    await proxy.resume()
    expect((await receipt).outcomes).toMatchObject([
      { kind: 'superseded', by: { time: timeBase + 5, instance: theirs.instance } },
      { kind: 'won', version: 1 },
    ])
    expect(retries.map(({ error }) => (error as { code: string }).code)).toEqual(['ER_BAD_NULL_ERROR'])
  })

  it('several processes open an empty database at once: one identity, one set of tables', async () => {
    const url = await newDatabase()
    const archives = Array.from({ length: 4 }, () => mysqlArchive({ url }))
    cleanups.push(() => Promise.all(archives.map((archive) => archive.close())))
    const branches = createBranchSet(['user.'])
    const found = await Promise.all(archives.map((archive) => archive.open({ branches, digests: 'keyed' })))
    expect(new Set(found.map(({ archiveId }) => archiveId)).size).toBe(1)
    for (const description of found) expect(description).toEqual(found[0])
  })
})

describeWithServer('sql', 'MariaDB archive: faults of the network', (serverUrl) => {
  async function proxied(options: Partial<MysqlArchiveOptions> = {}) {
    const { url, drop } = await uniqueDatabase(serverUrl)
    cleanups.push(drop)
    const { url: proxyUrl, proxy } = await throughProxy(url)
    const archive = await openArchive({ url: proxyUrl, ...options })
    return { url, proxy, archive, own: await claim(archive) }
  }

  // `client`: the server keeps its end of the connection and does not notice.
  it.each([
    { isForwarded: true, side: 'client', wasCommittedBefore: true, title: 'arrives and its answer is lost' },
    {
      isForwarded: false,
      side: 'client',
      wasCommittedBefore: false,
      title: 'never arrives, and the server waits on',
    },
    {
      isForwarded: true,
      side: 'both',
      wasCommittedBefore: undefined,
      title: 'arrives as the connection breaks',
    },
  ] as const)(
    'the COMMIT $title: sent again, it is applied once [W5, P61]',
    async ({ isForwarded, side, wasCommittedBefore }) => {
      const { url, proxy, archive, own } = await proxied()
      await archive.putBatch({
        claim: own,
        sequence: 1,
        link: linkOf(own.instance, 1),
        writes: [write('a', 1, own.instance)],
      })
      const isCut = proxy.cutWhen(isSent('COMMIT'), { isForwarded, side })
      const writes = [write('a', 2, own.instance), write('b', 2, own.instance)]
      const lost = archive.putBatch({ claim: own, sequence: 2, link: linkOf(own.instance, 2), writes })
      await expect(lost).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
      await isCut
      let wasEnded = false
      void proxy.cutWhen((chunk, direction) => {
        wasEnded ||= isSent('KILL CONNECTION')(chunk, direction)
        return false
      })
      const again = await archive.putBatch({ claim: own, sequence: 2, link: linkOf(own.instance, 2), writes })
      // Ended by us: not every server would do it by itself, and this one only after its limit of silence.
      if (side === 'client') expect(wasEnded).toBe(true)
      if (wasCommittedBefore !== undefined) expect(again.wasCommittedBefore).toBe(wasCommittedBefore)
      expect(again.outcomes).toMatchObject([
        { kind: 'won', version: 2, wasLive: true },
        { kind: 'won', version: 1, wasLive: false },
      ])
      const tail = await archive.readTail({ archiveId: own.archiveId, positions: new Map() })
      expect(tail.kind === 'rows' && tail.rows.map(({ sequence }) => sequence)).toEqual([1, 2])
      // The old session is gone from the server, with its locks.
      const [open] = await (
        await stranger(url)
      ).query<RowDataPacket[]>(
        `SELECT COUNT(*) AS n FROM information_schema.innodb_trx t
        JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE()`,
      )
      expect(open[0]?.['n']).toBe(0)
    },
  )

  it('several writers after a lost connection: the old session is ended once, and none of the new ones [P61]', async () => {
    const { url, proxy, archive, own } = await proxied()
    const others = await Promise.all(Array.from({ length: 5 }, () => claim(archive)))
    for (let round = 1; round <= 5; round++) {
      const isCut = proxy.cutWhen(isSent('COMMIT'), { isForwarded: false, side: 'client' })
      const writes = [write(`lost.${round}`, round, own.instance)]
      const batch = { claim: own, sequence: round, link: linkOf(own.instance, round), writes }
      await expect(archive.putBatch(batch)).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
      await isCut
      const receipts = await Promise.all([
        archive.putBatch(batch),
        ...others.map((other) =>
          archive.putBatch({
            claim: other,
            sequence: round,
            link: linkOf(other.instance, round),
            writes: [write(`${other.instance}`, round, other.instance)],
          }),
        ),
      ])
      expect(receipts.map(({ outcomes }) => outcomes[0]?.kind)).toEqual(receipts.map(() => 'won'))
    }
    expect((await (await openArchive({ url })).readHeads()).cut.positions.size).toBe(6)
  })

  it.each(['UPDATE', 'FOR UPDATE', 'INSERT INTO sync_items', 'insert into `sync_ledger`'])(
    'the connection breaks at %s: nothing of the batch is there, and it is applied once when sent again [W5]',
    async (statement) => {
      const { url, proxy, archive, own } = await proxied()
      const isCut = proxy.cutWhen(
        (chunk, direction) =>
          direction === 'to-server' &&
          chunk.toString('latin1').toLowerCase().includes(statement.toLowerCase()),
        { isForwarded: true, side: 'client' },
      )
      const batch = {
        claim: own,
        sequence: 1,
        link: linkOf(own.instance, 1),
        writes: [write('a', 1, own.instance)],
      }
      await expect(archive.putBatch(batch)).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
      await isCut
      expect((await (await openArchive({ url })).get('a')).kind).toBe('absent')
      expect(await archive.putBatch(batch)).toMatchObject({
        wasCommittedBefore: false,
        outcomes: [{ kind: 'won', version: 1 }],
      })
    },
  )

  it('a server that does not answer: lookups are unknown, the rest is unavailable, in bounded time [R1]', async () => {
    const { clock, hurry } = hurriedClock()
    const { proxy, archive, own } = await proxied({ clock })
    const batch = {
      claim: own,
      sequence: 1,
      link: linkOf(own.instance, 1),
      writes: [write('a', 1, own.instance)],
    }
    await archive.putBatch(batch)
    proxy.blackHole()
    hurry(true)
    expect(await archive.get('a')).toMatchObject({ kind: 'unknown', because: 'timeout' })
    await expect(archive.readHeads()).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    await expect(
      archive.putBatch({ ...batch, sequence: 2, link: linkOf(batch.claim.instance, 2) }),
    ).rejects.toMatchObject({
      code: 'SE_TIER_UNAVAILABLE',
    })
    hurry(false)
    await proxy.resume()
    expect((await archive.get('a')).kind).toBe('found')
    expect(
      await archive.putBatch({ ...batch, sequence: 2, link: linkOf(batch.claim.instance, 2) }),
    ).toMatchObject({ outcomes: [{ kind: 'held' }] })
  })

  it('close ends in bounded time also when the server does not answer', async () => {
    const { clock, hurry } = hurriedClock()
    const { proxy, archive } = await proxied({ clock })
    await archive.getMany(['a'])
    proxy.blackHole()
    hurry(true)
    await archive.close()
    expect((await archive.get('a')).kind).toBe('unknown')
    await proxy.resume()
  })

  it('a server that refuses connections: lookups are unknown, never absent [R1]', async () => {
    const { proxy, archive } = await proxied()
    await proxy.refuse()
    expect((await archive.get('a')).kind).toBe('unknown')
    expect((await archive.getMany(['a', 'b'])).map(({ kind }) => kind)).toEqual(['unknown', 'unknown'])
    await expect(archive.readHeads()).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    await expect(archive.scanIds(() => undefined)).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    await proxy.resume()
    expect((await archive.get('a')).kind).toBe('absent')
  })

  it('a scan whose visitor fails leaves no session with the patience of a scan [P61]', async () => {
    const { url, drop } = await uniqueDatabase(serverUrl)
    cleanups.push(drop)
    const database = new MysqlDatabase({
      ...connectOptions(url, 5),
      poolSize: 1,
      acquireTimeoutMs: 5_000,
      connectionAgeMs: 60_000,
      random: systemRandom,
      tablePrefix: 'sync_',
    })
    cleanups.push(() => database.close())
    await database.open()
    const failing = database.snapshot(() => Promise.reject(new Error('arranged')), true)
    await expect(failing).rejects.toThrow('arranged')
    const text = 'SELECT @@session.idle_readonly_transaction_timeout AS seconds'
    const patience = database.read((reader) => reader.rows(CompiledQuery.raw(text)))
    expect(await patience).toEqual([{ seconds: 3 }])
  })

  it('every connection of the pool has the same session settings [P47]', async () => {
    const { url, drop } = await uniqueDatabase(serverUrl)
    cleanups.push(drop)
    const connections = await Promise.all([7, 7, 7].map((lockWaitSeconds) => connectTo(url, lockWaitSeconds)))
    expect(new Set(connections.map(({ session }) => session.thread?.id)).size).toBe(3)
    for (const connection of connections) {
      const settings = await connection.arrays<[string, string]>(
        `SHOW SESSION VARIABLES WHERE variable_name IN
          ('autocommit', 'sql_mode', 'time_zone', 'innodb_lock_wait_timeout', 'tx_isolation', 'transaction_isolation',
            'in_predicate_conversion_threshold')`,
        [],
      )
      const byName = new Map(settings)
      expect(byName.get('tx_isolation') ?? byName.get('transaction_isolation')).toBe('READ-COMMITTED')
      expect(byName.get('sql_mode')).toContain('STRICT_ALL_TABLES')
      expect(byName.get('time_zone')).toBe('+00:00')
      expect(byName.get('autocommit')).toBe('ON')
      expect(byName.get('innodb_lock_wait_timeout')).toBe('7')
      expect(byName.get('in_predicate_conversion_threshold') ?? '0').toBe('0')
      connection.destroy()
    }
  })

  it('a row set to what it was is not counted as changed [P40]', async () => {
    const { url, drop } = await uniqueDatabase(serverUrl)
    cleanups.push(drop)
    const connection = await connectTo(url, 5)
    await connection.command('CREATE TABLE t (id INT PRIMARY KEY, n INT)')
    await connection.command('INSERT INTO t VALUES (1, 1)')
    expect(await connection.run('UPDATE t SET n = ? WHERE id = 1', [1])).toBe(0)
    expect(await connection.run('UPDATE t SET n = ? WHERE id = 1', [2])).toBe(1)
    connection.destroy()
  })

  it('no error tells the password, nor what the url says [P49]', async () => {
    const url = new URL(serverUrl)
    url.username = 'some-user'
    url.password = 'hunter2-secret'
    const denied = await openArchive({ url: url.href }).catch((error: unknown) => error)
    expect(denied).toMatchObject({
      code: 'SE_TIER_MISCONFIGURED',
      details: { code: 'ER_ACCESS_DENIED_ERROR', because: 'credentials' },
    })
    expect((denied as Error).message).not.toContain('some-user')
    url.port = '1'
    const refused = await openArchive({ url: url.href }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    for (const error of [denied, refused]) {
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('hunter2')
    }
  })
})

describe('MySQL archive: configuration', () => {
  it.each([
    ['not a url: hunter2', 'archive.url'],
    ['postgres://u:hunter2@h/d', 'archive.url'],
    ['mysql://u:hunter2@h', 'archive.url'],
    ['mysql://u:hunter2@h/d?ssl=true', 'archive.url'],
    ['mysql://u:hunter2%@h/d', 'archive.url'],
  ])('%s is refused by the name of its field, and not repeated [P49]', (url, field) => {
    let error: unknown
    try {
      mysqlArchive({ url })
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'SE_INVALID_CONFIG', field })
    expect(inspect(error)).not.toContain('hunter2')
  })

  it('a url is read with its escapes', () => {
    expect(parseMysqlUrl('mysql://us%40er:p%3Aw%2F@[::1]:3307/my%20db')).toEqual({
      host: '::1',
      port: 3307,
      user: 'us@er',
      password: 'p:w/',
      database: 'my db',
    })
    expect(parseMysqlUrl('mariadb://root@db.example/x')).toMatchObject({ port: 3306, password: '' })
  })

  it.each([
    [{ poolSize: 0 }, 'archive.poolSize'],
    [{ statementTimeoutMs: 1 }, 'archive.statementTimeoutMs'],
    [{ lockWaitSeconds: 0.5 }, 'archive.lockWaitSeconds'],
    [{ poolsize: 3 }, 'archive.poolsize'],
  ])('%o is refused by the name of its field', (options, field) => {
    expect(() => mysqlArchive({ url: 'mysql://h/d', ...options })).toThrow(expect.objectContaining({ field }))
  })
})

/** Resolves when a transaction of the database waits for a lock. */
async function waitForLockWait(serverUrl: string, url: string): Promise<void> {
  const connection = await createConnection(serverUrl)
  try {
    for (;;) {
      const [rows] = await connection.query<RowDataPacket[]>(
        `SELECT COUNT(*) AS n FROM information_schema.innodb_trx t
          JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
          WHERE t.trx_state = 'LOCK WAIT' AND p.db = ?`,
        [new URL(url).pathname.slice(1)],
      )
      if (Number(rows[0]?.['n']) > 0) return
      // The server refreshes that table only when nobody has read it for 100 ms.
      await setTimeout(120)
    }
  } finally {
    await connection.end()
  }
}

// Goal: the archive keeps its promises on servers that are not MariaDB, as far as documentation tells what they are. Method: the contract
// suite through a proxy that refuses what they refuse, and lets one COMMIT in ten lose against another transaction.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createBranchSet } from '@se/core'
import { archiveContract, createFakeClock, linkOf, seededRandom } from '@se/core/testing'
import { startFaultProxy, startPrivateMariaDb, uniqueDatabase, type PrivateServer } from '@se/testkit'
import {
  PROFILES,
  startIncompatibleProxy,
  type IncompatibleProxy,
  type IncompatibleProxyOptions,
  type ProfileName,
} from '@se/testkit/incompatible'
import { describeWithServer } from '@se/testkit/vitest'
import { mysqlArchive, type MysqlArchiveOptions } from '../src/mysql/index.ts'
import { seed } from './contract-harness.ts'
import { claimed, mariaDbHarness } from './mariadb-harness.ts'

const OPTIONS = { branches: createBranchSet(), digests: 'unkeyed' } as const
const CONFLICT_RATE = 0.1

/** Cases that say little of a server but take long: left out where the whole suite is not run. */
const SLOW = [
  'any order and any replay',
  'values come back as bytes',
  'getMany answers in the order asked',
  'folded pages are what the rows give',
  'several processes fold at once',
  'scans of large values',
  'many starts leave few instances',
]
/** One that answers COMMIT with conflicts, and one that is strictest about sessions. */
const WHOLE_SUITE: readonly ProfileName[] = ['tidb', 'vitess']

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

describeWithServer('sql', 'archive on servers that are not MariaDB, emulated', () => {
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

  async function start(profile: ProfileName, more: Partial<IncompatibleProxyOptions> = {}) {
    const proxy = await startIncompatibleProxy({ profile, targetPort: server.port, ...more })
    cleanups.push(() => proxy.close())
    return proxy
  }

  function through(url: string, { port }: { readonly port: number }): string {
    const changed = new URL(url)
    changed.port = String(port)
    return changed.href
  }

  async function openArchive(options: MysqlArchiveOptions) {
    const archive = mysqlArchive(options)
    cleanups.push(() => archive.close())
    await archive.open(OPTIONS)
    return archive
  }

  describe.each(Object.keys(PROFILES) as ProfileName[])('%s: contract', (profile) => {
    let proxy: IncompatibleProxy

    beforeAll(async () => {
      const conflicts = { rate: CONFLICT_RATE, random: seededRandom(seed) }
      proxy = await startIncompatibleProxy({ profile, targetPort: server.port, conflicts })
    })

    afterAll(() => proxy.close())

    const cases = WHOLE_SUITE.includes(profile)
      ? archiveContract
      : archiveContract.filter(({ title }) => !SLOW.some((beginning) => title.startsWith(beginning)))

    for (const { title, run } of cases) {
      it(title, async () => {
        const url = await newDatabase()
        await run(mariaDbHarness(url, { url: through(url, proxy) }))
      })
    }

    it('none of its statements is one that this server refuses, or does not keep', () => {
      expect(proxy.uses).toEqual([])
      expect(proxy.commitCount).toBeGreaterThan(100)
      if (PROFILES[profile].conflicts.length === 0) expect(proxy.conflictCount).toBe(0)
      else expect(proxy.conflictCount).toBeGreaterThan(5)
    })
  })

  it.each(Object.keys(PROFILES) as ProfileName[])(
    '%s: six open at once, without a lock that has a name: one identity [P79]',
    async (profile) => {
      const proxy = await start(profile, { conflicts: { rate: CONFLICT_RATE, random: seededRandom(seed) } })
      const url = through(await newDatabase(), proxy)
      const archives = Array.from({ length: 6 }, () => mysqlArchive({ url, poolSize: 2 }))
      cleanups.push(() => Promise.all(archives.map((archive) => archive.close())))
      const found = await Promise.all(archives.map((archive) => archive.open(OPTIONS)))
      for (const description of found) expect(description.birthId).toBe(found[0]!.birthId)
      const claims = await Promise.all(archives.map((archive) => claimed(archive)))
      expect(new Set(claims.map(({ claim }) => claim.instance)).size).toBe(6)
      expect(proxy.uses).toEqual([])
    },
  )

  describe.each(['tidb', 'group-replication', 'galera'] as const)('%s: conflicts at COMMIT', (profile) => {
    it('every one of them is redone, and told [W7]', async () => {
      const proxy = await start(profile)
      const errors: number[] = []
      const archive = await openArchive({
        url: through(await newDatabase(), proxy),
        onRetry: ({ error }) => errors.push((error as { errno: number }).errno),
      })
      const { write, put } = await claimed(archive)
      const numbers = PROFILES[profile].conflicts.map(({ errno }) => errno)
      for (let round = 1; round <= numbers.length; round++) {
        proxy.conflictAt(1)
        expect(await put(write('a'))).toMatchObject({
          sequence: round,
          wasCommittedBefore: false,
          outcomes: [{ kind: 'won', version: round }],
        })
      }
      expect(new Set(errors)).toEqual(new Set(numbers))
      expect(errors).toHaveLength(numbers.length)
    })
  })

  it('TiDB: a row that is too large is refused as data, and others go on [W6]', async () => {
    const archive = await openArchive({ url: through(await newDatabase(), await start('tidb')) })
    const { claim, write, put } = await claimed(archive)
    const large = [write('large', new Uint8Array(6 * 2 ** 20 + 1)), write('small')]
    await expect(
      archive.putBatch({ claim, sequence: 1, link: linkOf(claim.instance, 1), writes: large }),
    ).rejects.toMatchObject({ code: 'SE_ARCHIVE_REFUSED_DATA' })
    expect((await archive.get('small')).kind).toBe('absent')
    expect((await put(write('large', new Uint8Array(6 * 2 ** 20)))).outcomes[0]?.kind).toBe('won')
  })

  it('Vitess: a scan that lasts too long ends as unavailable, and the archive goes on', async () => {
    const clock = createFakeClock()
    const proxy = await start('vitess', { clock })
    const archive = await openArchive({ url: through(await newDatabase(), proxy) })
    const { write, put } = await claimed(archive)
    await put(...Array.from({ length: 1_001 }, (_, index) => write(`id.${index}`)))
    await expect(archive.scanRows(() => clock.advance(20_001))).rejects.toMatchObject({
      code: 'SE_TIER_UNAVAILABLE',
    })
    expect((await put(write('a'))).outcomes[0]?.kind).toBe('won')
    let count = 0
    await archive.scanRows((rows) => void (count += rows.length))
    expect(count).toBe(1_002)
  })

  it('Vitess: after a snapshot, batches are READ COMMITTED again, also where it failed [P47]', async () => {
    const proxy = await start('vitess')
    const front = await startFaultProxy({ targetPort: proxy.port })
    cleanups.push(() => front.close())
    const begun: string[] = []
    void front.cutWhen((chunk, direction) => {
      const text = direction === 'to-server' ? chunk.toString('latin1') : ''
      const found = /SET (?:SESSION )?TRANSACTION ISOLATION LEVEL [A-Z]+|START TRANSACTION.*/.exec(text)
      if (found !== null) begun.push(found[0])
      return false
    })
    const archive = await openArchive({ url: through(await newDatabase(), front), poolSize: 1 })
    const { write, put } = await claimed(archive)
    await put(write('a'))
    begun.length = 0
    const stop = new Error('stop')
    await expect(archive.scanRows(() => Promise.reject(stop))).rejects.toBe(stop)
    await archive.readTree()
    await put(write('b'))
    await put(write('c'))
    expect(begun).toEqual([
      'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE',
      'START TRANSACTION WITH CONSISTENT SNAPSHOT',
      // The scan failed: its session is given up, and a new one is set up.
      'SET SESSION TRANSACTION ISOLATION LEVEL READ',
      'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE',
      'START TRANSACTION WITH CONSISTENT SNAPSHOT',
      'SET SESSION TRANSACTION ISOLATION LEVEL READ',
      'START TRANSACTION',
      'START TRANSACTION',
    ])
    expect(proxy.uses).toEqual([])
  })

  it('Vitess: a commit in doubt is settled without a KILL, once the server has ended the old transaction [W5, P61]', async () => {
    const clock = createFakeClock()
    const proxy = await start('vitess', { clock })
    const front = await startFaultProxy({ targetPort: proxy.port })
    cleanups.push(() => front.close())
    const archive = await openArchive({ url: through(await newDatabase(), front), lockWaitSeconds: 1 })
    const { claim, write, send } = await claimed(archive)
    const writes = [write('a')]
    const isCut = front.cutWhen((chunk, direction) => direction === 'to-server' && chunk.includes('COMMIT'), {
      isForwarded: false,
      side: 'client',
    })
    await expect(send(1, writes)).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    await isCut
    const again = send(1, writes)
    // Its first statement waits for the row that the lost transaction has written.
    await clock.advance(20_001)
    expect(await again).toMatchObject({ wasCommittedBefore: false, outcomes: [{ kind: 'won', version: 1 }] })
    expect((await archive.readHeads()).cut.positions.get(claim.instance)?.sequence).toBe(1)
    expect(proxy.uses).toEqual([])
  })

  it('Aurora: when the writer becomes a reader, the pool is left, and the address leads to the new one [P69]', async () => {
    const [old, next] = [await start('aurora'), await start('aurora')]
    const address = await startFaultProxy({ targetPort: old.port })
    cleanups.push(() => address.close())
    const archive = await openArchive({ url: through(await newDatabase(), address), poolSize: 4 })
    const { write, put } = await claimed(archive)
    // Several connections are open, and idle.
    await Promise.all([put(write('a')), ...Array.from({ length: 3 }, () => archive.readHeads())])
    old.demote()
    address.retarget(next.port)
    await expect(put(write('b'))).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    expect((await put(write('c'))).outcomes[0]?.kind).toBe('won')
    const before = old.commitCount
    for (const id of ['d', 'e', 'f']) await put(write(id))
    await archive.readHeads()
    expect(old.commitCount).toBe(before)
    expect(next.commitCount).toBeGreaterThan(3)
  })

  it('Aurora: a reader is not "now": its heads are an error [P69, R5]', async () => {
    const proxy = await start('aurora')
    const archive = await openArchive({ url: through(await newDatabase(), proxy) })
    await archive.readHeads()
    proxy.demote()
    await expect(archive.readHeads()).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    await expect(
      mysqlArchive({ url: through(await newDatabase(), proxy) }).open(OPTIONS),
    ).rejects.toMatchObject({
      code: 'SE_TIER_UNAVAILABLE',
    })
  })
})

// Goal: what a batch has read stays so until the batch is in, whoever collects or writes meanwhile.
// Method: the batch is held between two of its statements; the others go as far as the server lets them.
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createBranchSet, stampTimeOf, type CompleteArchiveTier, type ItemWrite, type Stamp } from '@se/core'
import { startFaultProxy, uniqueDatabase, type FaultProxy } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { mysqlArchive } from '../src/mysql/index.ts'
import { claimed } from './mariadb-harness.ts'

const MINUTE_AGO_MS = Date.now() - 60_000

describeWithServer('sql', 'MariaDB archive: a batch between two of its statements', (serverUrl) => {
  const cleanups: (() => Promise<unknown>)[] = []
  let admin: Connection
  let stranger: Connection
  let proxy: FaultProxy
  let direct: CompleteArchiveTier
  let held: CompleteArchiveTier

  beforeEach(async () => {
    const { url, drop } = await uniqueDatabase(serverUrl)
    cleanups.push(drop)
    admin = await connect(url)
    stranger = await connect(url)
    proxy = await startFaultProxy({ targetPort: Number(new URL(url).port) })
    cleanups.push(() => proxy.close())
    const proxied = new URL(url)
    proxied.host = `127.0.0.1:${proxy.port}`
    direct = await openArchive(url)
    held = await openArchive(proxied.href)
  })

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function connect(url: string): Promise<Connection> {
    const connection = await createConnection(url)
    cleanups.push(() => connection.end())
    return connection
  }

  async function openArchive(url: string): Promise<CompleteArchiveTier> {
    const archive = mysqlArchive({ url })
    cleanups.push(() => archive.close())
    await archive.open({ branches: createBranchSet(), digests: 'unkeyed' })
    return archive
  }

  /**
   * From now on the first statement with this text is prepared, and then kept from the server, with all that follow. Resolves when it was.
   *
   * @param executions `1`: it is executed, and what follows is kept
   */
  function holdAt(text: string, executions: 0 | 1 = 0): Promise<void> {
    return new Promise((resolve) => {
      let left: number | undefined
      void proxy.cutWhen((chunk, direction) => {
        if (direction !== 'to-server') return false
        if (left !== undefined) left -= 1
        else if (chunk.includes(text)) left = executions
        if (left === 0) {
          proxy.stall('to-server')
          resolve()
        }
        return false
      })
    })
  }

  /** Resolves when the work has ended, or waits for a lock. */
  async function asFarAsItGets(work: Promise<unknown>): Promise<void> {
    let hasEnded = false
    const ended = () => void (hasEnded = true)
    work.then(ended, ended)
    while (!hasEnded) {
      const [[row]] = await admin.query<RowDataPacket[]>(
        `SELECT COUNT(*) AS n FROM information_schema.innodb_trx t
          JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
          WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()`,
      )
      if (Number(row?.['n']) > 0) return
      // The server refreshes that table only when nobody has read it for 100 ms.
      await delay(120)
    }
  }

  const at = (tick: number, instance: number): Stamp => ({
    time: stampTimeOf(MINUTE_AGO_MS) + tick,
    instance,
  })
  const put = (tick: number, instance: number): ItemWrite => ({
    id: 'a',
    stamp: at(tick, instance),
    state: 'default',
    contentType: '',
    bytes: Uint8Array.of(tick),
  })
  const removal = (tick: number, instance: number): ItemWrite => ({
    ...put(tick, instance),
    bytes: undefined,
  })

  // Where the batch is while a tombstone is collected that is newer than its write, what the collection waits for, and how the batch ends.
  it.each([
    ['before it looks for rows', 'FORCE INDEX (PRIMARY)', 'nothing', 'refused'],
    ['when it has locked the tombstone', 'into `sync_ledger`', 'the row', 'superseded'],
    ['when it has taken its sequence', 'set `last_sequence`', 'its instance', 'superseded'],
  ] as const)(
    'collected %s: the write stays older than the delete [P90, W4]',
    async (_title, statement, waitsFor, kind) => {
      const [theirs, ours] = [await claimed(direct), await claimed(held)]
      const deleted = removal(9, theirs.claim.instance)
      await theirs.put(deleted)
      const isHeld = holdAt(statement, waitsFor === 'its instance' ? 1 : 0)
      const receipt = ours.put(put(5, ours.claim.instance))
      await isHeld
      const collected = direct.collectTombstones(MINUTE_AGO_MS + 30_000)
      let isCollected = false
      void collected.then(() => (isCollected = true))
      await asFarAsItGets(collected)
      expect(isCollected).toBe(waitsFor === 'nothing')
      await proxy.resume()
      const [outcome] = (await receipt).outcomes
      // A batch that is planned anew may find the tombstone gone by then.
      if (waitsFor === 'the row') expect(['refused', 'superseded']).toContain(outcome?.kind)
      else expect(outcome).toMatchObject({ kind })
      expect(await collected).toBe(1)
      expect(await direct.get('a')).toEqual({ kind: 'absent' })
    },
  )

  it('an instance that is claimed while the floor is raised begins with it [P90, W4]', async () => {
    const theirs = await claimed(direct)
    await theirs.put(removal(9, theirs.claim.instance))
    const isHeld = holdAt('into `sync_instances`')
    const claiming = claimed(held)
    await isHeld
    const collected = direct.collectTombstones(MINUTE_AGO_MS + 30_000)
    await asFarAsItGets(collected)
    expect(await direct.get('a')).toMatchObject({ kind: 'absent', tombstone: at(9, theirs.claim.instance) })
    await proxy.resume()
    const ours = await claiming
    expect(await collected).toBe(1)
    expect((await ours.put(put(5, ours.claim.instance))).outcomes).toMatchObject([{ kind: 'refused' }])
  })

  it('a batch of another instance waits for no floor, nor for its batches [P90]', async () => {
    const [theirs, ours] = [await claimed(direct), await claimed(held)]
    const isHeld = holdAt('set `last_sequence`', 1)
    const receipt = ours.put(put(5, ours.claim.instance))
    await isHeld
    await theirs.put({ ...put(6, theirs.claim.instance), id: 'b' })
    await proxy.resume()
    expect((await receipt).outcomes).toMatchObject([{ kind: 'won' }])
  })

  it('the row that it has looked at is not removed and made again before it is in [P89, W3]', async () => {
    const [theirs, ours] = [await claimed(direct), await claimed(held)]
    const { instance } = theirs.claim
    await theirs.put(put(2, instance))
    await theirs.put(removal(3, instance))
    const isHeld = holdAt('INSERT INTO sync_items')
    const receipt = ours.put(put(5, ours.claim.instance))
    await isHeld
    const others = (async () => {
      await stranger.query(`DELETE FROM sync_items WHERE id = 'a' AND digest IS NULL`)
      // The second has the version that the held batch believes to be next but one.
      await theirs.put(put(8, instance))
      await theirs.put(put(9, instance))
    })()
    await asFarAsItGets(others)
    await proxy.resume()
    expect((await receipt).outcomes).toMatchObject([{ kind: 'won', version: 3 }])
    await others
    expect(await direct.get('a')).toMatchObject({ kind: 'found', item: { stamp: at(9, instance) } })
  })
})

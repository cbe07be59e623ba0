// Goal: several primaries, of which some lag, freeze, die: no read older than acknowledged, no fence, nothing lost.
// Method: a private cluster behind an address that leads each new connection to the next node.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ArchiveTier } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { describeWithGalera } from '@se/testkit/vitest'
import { mysqlArchive } from '../src/mysql/index.ts'
import { seed } from './contract-harness.ts'
import { startGaleraHarness, type GaleraHarness } from './galera-harness.ts'
import { OPEN, startGaleraWork, writtenBeyond, type GaleraWork } from './galera-work.ts'
import { Acknowledged, LedgerWriter } from './ledger-writer.ts'

const WRITERS = 3

describeWithGalera('Galera archive', () => {
  let harness: GaleraHarness
  const cleanups: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    harness = await startGaleraHarness()
  })

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  afterAll(() => harness.stop())

  async function newWork(): Promise<GaleraWork> {
    const work = await startGaleraWork(harness, WRITERS)
    cleanups.push(() => work.close())
    return work
  }

  async function stranger(url: string): Promise<Connection> {
    const connection = await createConnection(url)
    cleanups.push(() => connection.end())
    return connection
  }

  it('connections to three nodes in turn: no read in 2,000 writes is older than acknowledged [P78, W3]', async () => {
    const { acknowledged, archives, writers, checkNothingLost } = await newWork()
    const random = seededRandom(seed)
    const ids = Array.from({ length: 10 }, (_, index) => `hot.${index}`)
    const stale: string[] = []
    let readCount = 0
    const work = async (writer: LedgerWriter) => {
      for (let round = 0; round < 167; round++) {
        const chosen = new Set(Array.from({ length: 4 }, () => random.pick(ids)))
        for (let index = 0; chosen.size < 4; index++) chosen.add(ids[index]!)
        await writer.put([...chosen])
        const found = await Promise.all(archives.map((one) => acknowledged.staleAmong(one, [...chosen])))
        for (const one of found) {
          if (one === undefined) continue
          readCount += chosen.size
          stale.push(...one)
        }
      }
    }
    await Promise.all(writers.map(work))
    expect(stale.length, `of ${readCount} reads`).toBe(0)
    expect(readCount).toBeGreaterThan(5_000)
    await checkNothingLost()
  }, 240_000)

  it('failover to a node that is behind: it is waited for, nobody is fenced, nothing is lost [P78, P91]', async () => {
    const { url, acknowledged, archives, writers, checkNothingLost } = await newWork()
    for (let round = 0; round < 5; round++) {
      const [behind, good] = round % 2 === 0 ? [1, 0] : [0, 1]
      harness.leadTo(good)
      harness.address.cut()
      for (const writer of writers) await writer.put(['before'])
      // The node goes on answering, and applies nothing.
      const holder = await stranger(harness.atNode(url, behind))
      await holder.query('FLUSH TABLES WITH READ LOCK')
      for (let count = 0; count < 20; count++)
        await writers[count % WRITERS]!.put([`id.${round}.${count}`, 'hot'])
      harness.leadTo(behind)
      harness.address.cut()
      let haveRead = false
      const reads = Promise.all(archives.map((one) => staleOnceAnswered(acknowledged, one)))
      void reads.finally(() => (haveRead = true))
      const writes = writers.map((writer) => writer.put(['hot', 'after']))
      // Either they wait there for what the node lacks, or they were answered without it.
      while (!haveRead && (await waitingAt(holder)) < WRITERS);
      await holder.query('UNLOCK TABLES')
      await Promise.all(writes)
      expect((await reads).flat()).toEqual([])
    }
    harness.leadTo()
    await checkNothingLost()
  }, 240_000)

  it('a node that is killed: its writers go on at the others, nobody is fenced, nothing is lost [W5, W7]', async () => {
    const { acknowledged, archives, writers, checkNothingLost } = await newWork()
    let isOver = false
    const stale: string[] = []
    const work = async (writer: LedgerWriter, index: number) => {
      for (let count = 0; !isOver; count++) {
        const ids = ['hot', `own.${index}.${count}`]
        await writer.put(ids)
        stale.push(...((await acknowledged.staleAmong(archives[count % WRITERS]!, ids)) ?? []))
      }
    }
    const working = Promise.all(writers.map(work))
    const [, node] = harness.cluster.nodes
    await writtenBeyond(writers, 20, working)
    await node!.kill()
    harness.leadTo(0, 2)
    await writtenBeyond(writers, 20, working)
    await node!.restart()
    harness.leadTo()
    await writtenBeyond(writers, 20, working)
    isOver = true
    await working
    expect(stale).toEqual([])
    await checkNothingLost()
  }, 240_000)

  it('all nodes killed at once and bootstrapped: everybody goes on, and nothing is lost [W5, W7]', async () => {
    const { writers, checkNothingLost } = await newWork()
    let isOver = false
    const working = Promise.all(
      writers.map(async (writer, index) => {
        for (let count = 0; !isOver; count++) await writer.put(['hot', `own.${index}.${count}`])
      }),
    )
    await writtenBeyond(writers, 20, working)
    await Promise.all(harness.cluster.nodes.map((one) => one.kill()))
    await harness.cluster.bootstrap()
    await writtenBeyond(writers, 20, working)
    isOver = true
    await working
    await checkNothingLost()
  }, 240_000)

  it('six opens at once over three nodes make one archive with six instances, ten times [P79, P81]', async () => {
    for (let round = 0; round < 10; round++) {
      const url = await harness.newDatabase()
      const archives = Array.from({ length: 6 }, (_, index) =>
        mysqlArchive({ url: harness.atNode(url, index % 3), poolSize: 2 }),
      )
      try {
        const opened = await Promise.all(archives.map((one) => one.open(OPEN)))
        expect(new Set(opened.map(({ archiveId }) => archiveId)).size, `round ${round}`).toBe(1)
        const acknowledged = new Acknowledged()
        const writers = await Promise.all(archives.map((one) => LedgerWriter.claim(one, acknowledged)))
        expect(new Set(writers.map(({ instance }) => instance)).size).toBe(6)
        await Promise.all(writers.map((writer) => writer.put(['hot'])))
        expect(await acknowledged.staleAmong(archives[0]!, ['hot'])).toEqual([])
      } finally {
        await Promise.all(archives.map((one) => one.close()))
      }
    }
  }, 240_000)
})

/** All ids, read again until the archive could tell: its connections had been cut. */
async function staleOnceAnswered(
  acknowledged: Acknowledged,
  archive: ArchiveTier,
): Promise<readonly string[]> {
  const { ids } = acknowledged
  for (;;) {
    const stale = await acknowledged.staleAmong(archive, ids)
    if (stale !== undefined) return stale
    await nextTurn()
  }
}

/** Statements of others that the node of a connection has not answered for a while. */
async function waitingAt(connection: Connection): Promise<number> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS count FROM information_schema.processlist
      WHERE user = 'root' AND command <> 'Sleep' AND time_ms >= 100 AND id <> CONNECTION_ID()`,
  )
  return Number(rows[0]?.['count'])
}

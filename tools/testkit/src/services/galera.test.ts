// Goal: a cluster of one's own that does what clusters do when nodes are killed, frozen, emptied, and all lost at once.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { RowDataPacket } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startKillableProcess } from '../process-killer.ts'
import { connectSql } from './connect.ts'
import { findGaleraProvider } from './galera.ts'
import { startPrivateGalera, type PrivateGalera } from './index.ts'
import { identifyProcess } from './process-identity.ts'

/** User and group `nobody` of Debian. */
const nobody = 65_534

describe.skipIf(findGaleraProvider() === undefined)('startPrivateGalera', { timeout: 120_000 }, () => {
  let cluster: PrivateGalera
  let count = 0

  beforeAll(async () => {
    const startedAt = performance.now()
    cluster = await startPrivateGalera()
    console.log(`private galera of 3: up in ${Math.round(performance.now() - startedAt)} ms`)
  })

  afterAll(() => cluster.stop())

  async function query(index: number, statement: string): Promise<RowDataPacket[]> {
    const connection = await connectSql(cluster.urls[index] ?? '')
    try {
      // Waits for what other nodes committed before; fails while the cluster finds out who belongs to it.
      if (statement.startsWith('SELECT')) await connection.query('SET SESSION wsrep_sync_wait = 15')
      const [rows] = await connection.query<RowDataPacket[]>(statement)
      return rows
    } finally {
      connection.destroy()
    }
  }

  async function write(index: number): Promise<void> {
    count += 1
    await query(index, `INSERT INTO kept VALUES (${count})`)
  }

  async function expectAllEverywhere(): Promise<void> {
    await cluster.waitUntilSynced()
    for (const index of cluster.urls.keys()) {
      expect(await query(index, 'SELECT COUNT(*) AS count FROM kept')).toEqual([{ count }])
    }
  }

  test('what one node commits, the others have; each has the database', async () => {
    await query(0, 'CREATE TABLE kept (id INT PRIMARY KEY) ENGINE=InnoDB')
    await write(1)
    await write(2)
    await expectAllEverywhere()
  })

  test('a node that is gone is given up well before those that are left must agree: they would give up each other', async () => {
    const [row] = await query(0, 'SELECT @@global.wsrep_provider_options AS options')
    const options = String(row?.['options'])
    const seconds = (name: string) => Number(new RegExp(`evs.${name} = PT([0-9.]+)S`).exec(options)?.[1])
    expect(seconds('install_timeout')).toBeGreaterThanOrEqual(2 * seconds('suspect_timeout'))
    expect(seconds('inactive_timeout')).toBeGreaterThanOrEqual(seconds('install_timeout'))
  })

  test('a killed node comes back with what it missed', async () => {
    const [, node] = cluster.nodes
    await node?.kill()
    await write(0)
    await node?.restart()
    await write(1)
    await expectAllEverywhere()
  })

  test('a frozen node is left behind, and catches up by itself', async () => {
    const [, , node] = cluster.nodes
    await node?.pause()
    await write(0)
    node?.resume()
    await expectAllEverywhere()
  })

  test('all nodes killed at once: the newest data begin the cluster again, and nothing is lost', async () => {
    // The first node ends earlier, so its data are older.
    await cluster.nodes[0]?.kill()
    await write(1)
    await expect(cluster.bootstrap()).rejects.toThrow(/one still runs/)
    await Promise.all(cluster.nodes.map((node) => node.kill()))
    await expect(cluster.bootstrap(3)).rejects.toThrow(/index of a node/)
    await cluster.bootstrap()
    await expectAllEverywhere()
  })

  test('it leaves nothing behind', async () => {
    const left = cluster.nodes.map(({ pid, directory }) => ({ pid, directory }))
    await cluster.stop()
    for (const { pid, directory } of left) {
      expect(identifyProcess(pid)).toBeUndefined()
      expect(existsSync(directory)).toBe(false)
    }
  })

  test('refuses a node count out of range', async () => {
    await expect(startPrivateGalera({ nodeCount: 1 })).rejects.toThrow(/nodeCount.*2 to 7/)
  })

  const child = new URL('../../test/children/own-galera.ts', import.meta.url)
  const isRoot = process.getuid?.() === 0
  // The checkout may lie where only root can read it.
  const isReadable = () =>
    spawnSync('test', ['-r', fileURLToPath(child)], { uid: nobody, gid: nobody }).status === 0

  test.skipIf(!isRoot || !isReadable())(
    'an ordinary user starts one too, and a node that lost its data is given all of them',
    async () => {
      const owner = startKillableProcess({ file: child, userId: nobody, cwd: '/' })
      await owner.waitForLine('ended')
      expect(await owner.ended).toEqual({ code: 0, signal: null })
      expect(owner.lines).toEqual([`formed by user ${nobody}`, 'given all data', 'ended'])
    },
  )
})

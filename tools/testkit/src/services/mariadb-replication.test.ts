// Goal: a test decides what the replica has, when it takes over, and which server a client reaches.
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectSql } from './connect.ts'
import { startPrivateMariaDbPair, type PrivateMariaDbPair } from './index.ts'

const connections: Connection[] = []
let pair: PrivateMariaDbPair

beforeAll(async () => {
  pair = await startPrivateMariaDbPair()
})

afterAll(async () => {
  for (const connection of connections) connection.destroy()
  await pair.stop()
})

async function connect(url: string): Promise<Connection> {
  const connection = await connectSql(url)
  connections.push(connection)
  return connection
}

async function idsOf(connection: Connection): Promise<number[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT id FROM kept ORDER BY id')
  return rows.map((row) => Number(row['id']))
}

describe('startPrivateMariaDbPair: from its start to a failover', () => {
  let old: Connection
  let onReplica: Connection

  test('the replica follows, and takes no writes', async () => {
    old = await connect(pair.url)
    onReplica = await connect(pair.appUrls[1])
    await old.query('CREATE TABLE kept (id INT PRIMARY KEY) ENGINE=InnoDB')
    await old.query('INSERT INTO kept VALUES (1)')
    await pair.waitForReplica()
    expect(await idsOf(onReplica)).toEqual([1])
    await expect(onReplica.query('INSERT INTO kept VALUES (9)')).rejects.toMatchObject({ errno: 1290 })
  })

  test('it is held, or late by seconds, and catches up', async () => {
    await pair.holdReplica()
    await old.query('INSERT INTO kept VALUES (2)')
    let hasCaughtUp = false
    const caughtUp = pair.waitForReplica().then(() => {
      hasCaughtUp = true
    })
    for (let round = 0; round < 20; round++) expect(await idsOf(onReplica)).toEqual([1])
    expect(hasCaughtUp).toBe(false)
    await pair.releaseReplica()
    await caughtUp
    expect(await idsOf(onReplica)).toEqual([1, 2])

    await pair.delayReplica(600)
    await old.query('INSERT INTO kept VALUES (3)')
    for (let round = 0; round < 20; round++) expect(await idsOf(onReplica)).toEqual([1, 2])
    await pair.delayReplica(0)
    await pair.waitForReplica()
    expect(await idsOf(onReplica)).toEqual([1, 2, 3])
  })

  test('it follows again after its restart', async () => {
    await pair.servers[1].restart()
    await old.query('INSERT INTO kept VALUES (4)')
    await pair.waitForReplica()
    onReplica = await connect(pair.appUrls[1])
    expect(await idsOf(onReplica)).toEqual([1, 2, 3, 4])
  })

  test('a demoted primary refuses writes on connections it has, and goes on reading', async () => {
    await old.query('BEGIN')
    await old.query('INSERT INTO kept VALUES (5)')
    await pair.demote()
    await expect(old.query('COMMIT')).rejects.toMatchObject({ errno: 1290 })
    await old.query('ROLLBACK')
    expect(await idsOf(old)).toEqual([1, 2, 3, 4])
  })

  test('a replica promoted while it lags has lost what it had not applied; the address moves for new connections', async () => {
    const root = await connect(pair.servers[0].url)
    await pair.holdReplica()
    await root.query('INSERT INTO kept VALUES (6)')
    await pair.promote()
    pair.moveAddress()
    const young = await connect(pair.url)
    await young.query('INSERT INTO kept VALUES (7)')
    expect(await idsOf(young)).toEqual([1, 2, 3, 4, 7])
    expect(await idsOf(old)).toEqual([1, 2, 3, 4, 6])
    pair.cutConnections()
    await expect(old.query('SELECT 1')).rejects.toThrow()
  })
})

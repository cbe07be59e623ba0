// Goal: in front of a real MariaDB the proxy notices each statement that is not for the profile's server, and the two sides never
// lose step, whatever it answers by itself.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createFakeClock, seededRandom } from '@se/core/testing'
import { seed } from '../seed.ts'
import { connectSql } from '../services/connect.ts'
import { startPrivateMariaDb, type PrivateServer } from '../services/index.ts'
import {
  startIncompatibleProxy,
  type IncompatibleProxy,
  type IncompatibleProxyOptions,
} from './incompatible-proxy.ts'
import { PROFILES, type ProfileName } from './profiles.ts'

let mariaDb: PrivateServer
let direct: Connection
const ended: (() => unknown)[] = []

beforeAll(async () => {
  mariaDb = await startPrivateMariaDb({ args: ['--max-allowed-packet=64M'] })
  direct = await connectSql(mariaDb.url)
})

beforeEach(async () => {
  await direct.query(
    'CREATE OR REPLACE TABLE rule_example (id INT PRIMARY KEY, value LONGBLOB) ENGINE=InnoDB',
  )
})

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

afterAll(async () => {
  direct?.destroy()
  await mariaDb?.stop()
})

async function start(profile: ProfileName, more: Partial<IncompatibleProxyOptions> = {}) {
  const proxy = await startIncompatibleProxy({ profile, targetPort: mariaDb.port, ...more })
  ended.push(() => proxy.close())
  return proxy
}

async function dial(proxy: Pick<IncompatibleProxy, 'port'>): Promise<Connection> {
  const url = new URL(mariaDb.url)
  url.port = String(proxy.port)
  const connection = await connectSql(url.href)
  ended.push(() => connection.destroy())
  return connection
}

/** Number of the error, 0: there was none. */
function numberOf(outcome: Promise<unknown>): Promise<number> {
  return outcome.then(
    () => 0,
    (error: { errno?: number }) => error.errno ?? -1,
  )
}

async function idsThere(): Promise<readonly number[]> {
  const [rows] = await direct.query<RowDataPacket[]>('SELECT id FROM rule_example ORDER BY id')
  return rows.map((row) => row['id'] as number)
}

const NO_SUCH_THREAD = 1094
const allRules = Object.values(PROFILES).flatMap(({ name, rules }) =>
  rules.map((rule) => [`${name}: ${rule.name}`, name, rule] as const),
)

describe('each statement that is not for the server is noticed', () => {
  test.each(allRules)('%s', async (_title, profile, rule) => {
    const proxy = await start(profile)
    const client = await dial(proxy)
    const expected = rule.error?.errno ?? 0
    // MariaDB takes it: without the proxy no test would notice it.
    const plain = await connectSql(mariaDb.url)
    expect([0, NO_SUCH_THREAD]).toContain(await numberOf(plain.query(rule.example)))
    await plain.end()
    expect(await numberOf(client.query(rule.example))).toBe(expected)
    await client.query('ROLLBACK')
    // `LOCK TABLES` cannot be prepared on every version.
    if (rule.error !== undefined) expect(await numberOf(client.execute(rule.example))).toBe(expected)
    expect(new Set(proxy.uses.map(({ rule: name }) => name))).toEqual(new Set([rule.name]))
    expect(proxy.uses).toHaveLength(rule.error === undefined ? 1 : 2)
    const [rows] = await client.query('SELECT 1 AS one')
    expect(rows).toEqual([{ one: 1 }])
  })
})

describe.each(Object.values(PROFILES))('$name', ({ name, version, variables, conflicts }) => {
  test('tells its version and its variables', async () => {
    const proxy = await start(name)
    const socket = connect({ port: proxy.port, host: '127.0.0.1' })
    ended.push(() => socket.destroy())
    const [greeting] = (await once(socket, 'data')) as [Buffer]
    expect(greeting.toString('latin1', 5).split('\0')[0]).toBe(version)
    const client = await dial(proxy)
    const [rows] = await client.execute<RowDataPacket[]>(
      `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'read_only', 'no_such_variable')`,
    )
    expect(Object.fromEntries(rows.map((row) => [row['Variable_name'], row['Value']]))).toEqual({
      version: variables['version'],
      read_only: 'OFF',
    })
  })

  test('passes values of any size, above 16 MiB as well', async () => {
    const client = await dial(await start(name))
    for (const [id, bytes] of [0, 1, 300, 70_000, name === 'tidb' ? 5 * 2 ** 20 : 17 * 2 ** 20].entries()) {
      const value = Buffer.alloc(bytes, id)
      await client.execute('INSERT INTO rule_example VALUES (?, ?)', [id, value])
      const [rows] = await client.execute<RowDataPacket[]>('SELECT value FROM rule_example WHERE id = ?', [
        id,
      ])
      expect(value.equals(rows[0]?.['value'] as Buffer)).toBe(true)
    }
  })

  test('without conflicts asked for there are none', async () => {
    const proxy = await start(name)
    const client = await dial(proxy)
    for (let id = 0; id < 20; id++) {
      await client.beginTransaction()
      await client.execute('INSERT INTO rule_example (id) VALUES (?)', [id])
      await client.commit()
    }
    expect([proxy.commitCount, proxy.conflictCount]).toEqual([20, 0])
    if (conflicts.length === 0) expect(() => proxy.conflictAt(1)).toThrow(/knows no conflicts/)
  })
})

describe('a conflict at COMMIT', () => {
  const withConflicts = Object.values(PROFILES).filter(({ conflicts }) => conflicts.length > 0)

  test.each(withConflicts)(
    '$name: the transaction is rolled back before its client hears of it',
    async ({ name, conflicts }) => {
      const proxy = await start(name)
      const client = await dial(proxy)
      const errors = new Set<number>()
      for (let round = 1; round <= 2 * conflicts.length; round++) {
        proxy.conflictAt(2)
        for (const id of [round, 100 + round]) {
          await client.query('START TRANSACTION')
          await client.execute('INSERT INTO rule_example (id) VALUES (?)', [id])
          const errno = await numberOf(client.query('COMMIT'))
          if (id === round) expect(errno).toBe(0)
          else errors.add(errno)
        }
        // Its locks are free at once.
        await direct.query('SELECT id FROM rule_example WHERE id > 100 FOR UPDATE NOWAIT')
      }
      expect(errors).toEqual(new Set(conflicts.map(({ errno }) => errno)))
      expect(await idsThere()).toEqual(Array.from({ length: 2 * conflicts.length }, (_, index) => index + 1))
      expect(proxy.conflictCount).toBe(2 * conflicts.length)
    },
  )

  test('comes as often as was asked for, and the same for the same seed', async () => {
    const random = seed()
    const outcomes: number[][] = []
    for (let run = 0; run < 2; run++) {
      await direct.query('DELETE FROM rule_example')
      const proxy = await start('galera', { conflicts: { rate: 0.5, random: seededRandom(random) } })
      const client = await dial(proxy)
      const errors: number[] = []
      for (let id = 0; id < 60; id++) {
        await client.query('START TRANSACTION')
        await client.execute('INSERT INTO rule_example (id) VALUES (?)', [id])
        errors.push(await numberOf(client.query('COMMIT')))
      }
      expect((await idsThere()).length).toBe(errors.filter((errno) => errno === 0).length)
      outcomes.push(errors)
    }
    expect(outcomes[0]).toEqual(outcomes[1])
    expect(outcomes[0]!.filter((errno) => errno === 1213).length).toBeGreaterThan(10)
    expect(outcomes[0]!.filter((errno) => errno === 0).length).toBeGreaterThan(10)
  })
})

describe('limits', () => {
  test('TiDB: a row of more than 6 MiB, prepared', async () => {
    const client = await dial(await start('tidb'))
    const insert = (bytes: number) =>
      numberOf(client.execute('REPLACE INTO rule_example VALUES (1, ?)', [Buffer.alloc(bytes)]))
    expect(await insert(6 * 2 ** 20)).toBe(0)
    expect(await insert(6 * 2 ** 20 + 1)).toBe(8025)
    expect(await insert(1)).toBe(0)
  })

  test('Vitess: after 20 s the locks of a transaction are free, although its client is silent', async () => {
    const clock = createFakeClock()
    const client = await dial(await start('vitess', { clock }))
    await client.query('START TRANSACTION')
    await client.query('INSERT INTO rule_example (id) VALUES (1)')
    await clock.advance(19_000)
    const select = 'SELECT id FROM rule_example WHERE id = 1 FOR UPDATE NOWAIT'
    expect(await numberOf(direct.query(select))).toBe(1205)
    await clock.advance(1_001)
    await vi.waitFor(async () => expect(await numberOf(direct.query(select))).toBe(0))
    expect(await numberOf(client.query('COMMIT'))).toBe(1105)
    await client.query('ROLLBACK')
    await client.query('INSERT INTO rule_example (id) VALUES (2)')
    expect(await idsThere()).toEqual([2])
  })
})

test('Aurora: a demoted writer says so in its variables, on the connections that are there, and refuses writes', async () => {
  const proxy = await start('aurora')
  const [before, busy] = [await dial(proxy), await dial(proxy)]
  const isReader = async (client: Connection) => {
    const [rows] = await client.execute<RowDataPacket[]>('SELECT @@global.innodb_read_only AS is_reader')
    return Number(rows[0]?.['is_reader'])
  }
  expect(await isReader(before)).toBe(0)
  await busy.query('START TRANSACTION')
  await busy.query('INSERT INTO rule_example (id) VALUES (1)')
  proxy.demote()
  const after = await dial(proxy)
  for (const client of [before, after]) {
    expect(await isReader(client)).toBe(1)
    expect(await numberOf(client.query('INSERT INTO rule_example (id) VALUES (2)'))).toBe(1290)
  }
  expect(await numberOf(busy.query('COMMIT'))).toBe(1290)
  expect(await idsThere()).toEqual([])
  const other = await start('tidb')
  expect(() => other.demote()).toThrow(/does not say/)
})

test('a server that is down, and a proxy that closes, break the client', async () => {
  const proxy = await start('galera')
  const client = await dial(proxy)
  const lost = new Promise((resolve) =>
    (client as unknown as { connection: Connection }).connection.once('error', resolve),
  )
  await proxy.close()
  await lost
  expect(await numberOf(dial(proxy))).not.toBe(0)
})

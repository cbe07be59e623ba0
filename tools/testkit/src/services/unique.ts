import { randomBytes } from 'node:crypto'
import type { RowDataPacket } from 'mysql2'
import { connectRedis, connectSql, endRedis } from './connect.ts'

/** Names this run of the tests in all it creates on a shared server, so that the run can remove it again. */
export const RUN_VARIABLE = 'SE_TEST_RUN'

const SCAN_COUNT = 1_000
const ownRun = randomBytes(4).toString('hex')

/** This run's name: from the environment of whoever acquired the servers, else this process' own. */
export function testRun(): string {
  return process.env[RUN_VARIABLE] ?? ownRun
}

/** A database of one's own on a server shared with other tests. */
export interface UniqueDatabase {
  readonly url: string
  readonly name: string
  /** Removes it with all it holds. May be called again. */
  drop(): Promise<void>
}

/**
 * Creates an empty database with a random name on the server.
 *
 * It is dropped by `drop()`, else by the `release()` of the test services when the run ends: the name carries the
 * run, so that also what a failed or killed test process created is found.
 *
 * @param sqlUrl `mysql://user:password@host:port/database`; the user must be allowed to create databases
 */
export async function uniqueDatabase(sqlUrl: string): Promise<UniqueDatabase> {
  const name = `se_test_${testRun()}_${randomBytes(5).toString('hex')}`
  await runSql(sqlUrl, `CREATE DATABASE \`${name}\``)
  const url = new URL(sqlUrl)
  url.pathname = `/${name}`
  return { url: url.href, name, drop: () => runSql(sqlUrl, `DROP DATABASE IF EXISTS \`${name}\``) }
}

/** Drops all databases on the server that any process of the run created. */
export async function dropDatabasesOfRun(sqlUrl: string, run: string): Promise<void> {
  const connection = await connectSql(sqlUrl)
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT schema_name AS name FROM information_schema.schemata WHERE LEFT(schema_name, ?) = ?',
      [`se_test_${run}_`.length, `se_test_${run}_`],
    )
    for (const row of rows) await connection.query(`DROP DATABASE IF EXISTS \`${String(row['name'])}\``)
  } finally {
    connection.destroy()
  }
}

async function runSql(sqlUrl: string, statement: string): Promise<void> {
  const connection = await connectSql(sqlUrl)
  try {
    await connection.query(statement)
  } finally {
    connection.destroy()
  }
}

/** A key prefix nobody else uses on a Redis shared with other tests; ends in `:`, contains no braces. */
export function uniquePrefix(): string {
  return `${prefixOfRun(testRun())}${randomBytes(5).toString('hex')}:`
}

/** What all prefixes of a run begin with. */
export function prefixOfRun(run: string): string {
  return `se-test-${run}-`
}

/**
 * Removes all keys of one Redis node that begin with the prefix. For a cluster, call it once for each primary.
 *
 * @returns how many there were
 */
export async function dropPrefix(redisUrl: string, prefix: string): Promise<number> {
  const client = await connectRedis(redisUrl)
  const pattern = `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`
  let count = 0
  try {
    let cursor = '0'
    do {
      const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)
      cursor = next
      // One key a command: in a cluster, keys of different slots cannot share one.
      const removed = await Promise.all(keys.map((key) => client.unlink(key)))
      count += removed.reduce((sum, one) => sum + one, 0)
    } while (cursor !== '0')
  } finally {
    endRedis(client)
  }
  return count
}

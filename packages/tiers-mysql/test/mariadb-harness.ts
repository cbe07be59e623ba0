import { createConnection, type Connection } from 'mysql2/promise'
import { stampTimeOf, type ArchiveTier, type ItemWrite } from '@se/core'
import { linkOf, type ArchiveHarness } from '@se/core/testing'
import { mysqlArchive, type MysqlArchiveOptions } from '../src/mysql/index.ts'
import { tableNames } from '../src/tables.ts'
import { treeHarness } from './contract-harness.ts'

/**
 * An archive in a database of its own; a backup is a copy of each table beside it.
 *
 * @param adminUrl of a user who may make tables there
 * @param prelude statements before those that copy tables: where a server may be behind, they make it catch up first
 */
export function mariaDbHarness(
  adminUrl: string,
  options: MysqlArchiveOptions,
  prelude: readonly string[] = [],
): ArchiveHarness {
  const { tablePrefix = 'sync_' } = options
  const { items, instances, ledger, tree, meta } = tableNames(tablePrefix)
  const tables = [items, instances, ledger, tree, meta]
  let backupCount = 0
  return {
    ...treeHarness,
    archive: mysqlArchive(options),
    peer: mysqlArchive({ ...options, poolSize: 2 }),
    async backup() {
      const prefix = `backup${(backupCount += 1)}_`
      const copies = tables.flatMap((table) => [
        `CREATE TABLE ${prefix}${table} LIKE ${table}`,
        `INSERT INTO ${prefix}${table} SELECT * FROM ${table}`,
      ])
      await runAll(adminUrl, [...prelude, ...copies])
      const returns = tables.flatMap((table) => [
        `DELETE FROM ${table}`,
        `INSERT INTO ${table} SELECT * FROM ${prefix}${table}`,
      ])
      return () => runAll(adminUrl, [...prelude, ...returns])
    },
  }
}

export async function runAll(url: string, statements: readonly string[]): Promise<void> {
  await withConnection(url, async (connection) => {
    for (const statement of statements) await connection.query(statement)
    await connection.query('COMMIT')
  })
}

export async function withConnection<T>(
  url: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await createConnection(url)
  try {
    return await work(connection)
  } finally {
    await connection.end()
  }
}

/** Makes a user who has nothing but the rights of the README, and no SUPER. @returns his url */
export async function plainUser(url: string, rights = 'ALL'): Promise<string> {
  const { pathname } = new URL(url)
  const database = decodeURIComponent(pathname.slice(1))
  const name = `plain${(userCount += 1)}`
  await runAll(url, [
    `CREATE USER '${name}'@'%' IDENTIFIED BY 'secret'`,
    `CREATE USER '${name}'@'localhost' IDENTIFIED BY 'secret'`,
    `GRANT ${rights} ON \`${database}\`.* TO '${name}'@'%'`,
    `GRANT ${rights} ON \`${database}\`.* TO '${name}'@'localhost'`,
  ])
  const plain = new URL(url)
  plain.username = name
  plain.password = 'secret'
  return plain.href
}
let userCount = 0

let nonceCount = 0
/** An instance, and how to write under it. */
export async function claimed(archive: ArchiveTier) {
  nonceCount += 1
  const nonce = nonceCount.toString(16).padStart(32, '0')
  const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce })
  let sequence = 0
  let time = stampTimeOf(Date.now() - 60_000)
  const write = (id: string, bytes: Uint8Array | undefined = Uint8Array.of(1)): ItemWrite => {
    const stamp = { time: (time += 1), instance: claim.instance }
    return { id, stamp, state: 'default', contentType: '', bytes }
  }
  const send = (at: number, writes: readonly ItemWrite[]) =>
    archive.putBatch({ claim, sequence: at, link: linkOf(claim.instance, at), writes })
  const put = async (...writes: readonly ItemWrite[]) => {
    const receipt = await send(sequence + 1, writes)
    sequence += 1
    return receipt
  }
  return { claim, write, send, put }
}

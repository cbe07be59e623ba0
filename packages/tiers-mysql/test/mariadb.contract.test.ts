import { createConnection } from 'mysql2/promise'
import { afterEach, it } from 'vitest'
import { archiveContract, type ArchiveHarness } from '@se/core/testing'
import { uniqueDatabase } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { mysqlArchive } from '../src/mysql/index.ts'
import { treeHarness } from './contract-harness.ts'

const TABLES = ['sync_items', 'sync_instances', 'sync_ledger', 'sync_tree', 'sync_meta']

describeWithServer('sql', 'MariaDB archive: contract', (serverUrl) => {
  const drops: (() => Promise<void>)[] = []

  afterEach(async () => {
    for (const drop of drops.splice(0)) await drop()
  })

  /** A database of its own; a backup is a copy of each table beside it. */
  async function newHarness(): Promise<ArchiveHarness> {
    const { url, drop } = await uniqueDatabase(serverUrl)
    drops.push(drop)
    let backupCount = 0
    return {
      ...treeHarness,
      archive: mysqlArchive({ url }),
      peer: mysqlArchive({ url, poolSize: 2 }),
      async backup() {
        const prefix = `backup${(backupCount += 1)}_`
        await runAll(
          url,
          TABLES.flatMap((table) => [
            `CREATE TABLE ${prefix}${table} LIKE ${table}`,
            `INSERT INTO ${prefix}${table} SELECT * FROM ${table}`,
          ]),
        )
        return () =>
          runAll(
            url,
            TABLES.flatMap((table) => [
              `DELETE FROM ${table}`,
              `INSERT INTO ${table} SELECT * FROM ${prefix}${table}`,
            ]),
          )
      },
    }
  }

  for (const { title, run } of archiveContract) it(title, async () => run(await newHarness()))
})

async function runAll(url: string, statements: readonly string[]): Promise<void> {
  const connection = await createConnection(url)
  try {
    for (const statement of statements) await connection.query(statement)
  } finally {
    await connection.end()
  }
}

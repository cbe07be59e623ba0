import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { RowDataPacket } from 'mysql2/promise'
import { describe, expect, it } from 'vitest'
import { fieldsMarkdown } from '@se/core'
import { optionsTableIn } from '@se/core/testing'
import { startPrivateMariaDb, uniqueDatabase } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { MYSQL_ARCHIVE_FIELDS } from '../src/mysql/mysql-archive.ts'
import { SQLITE_ARCHIVE_FIELDS } from '../src/sqlite/sqlite-archive.ts'
import { withConnection } from './mariadb-harness.ts'

/** Goal: what the README shows runs, and prints what it says. Each `ts` block runs as a program of its own. */
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)

function check(code: string, environment: Record<string, string> = {}): void {
  const printed = execFileSync(
    process.execPath,
    ['--conditions=@se/source', '--input-type=module-typescript', '--eval', code],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const said = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
  expect(said.length).toBeGreaterThan(0)
  expect(printed.trimEnd().split('\n')).toEqual(said)
}

describe('README', () => {
  it.each([
    ['sqliteArchive', SQLITE_ARCHIVE_FIELDS],
    ['mysqlArchive', MYSQL_ARCHIVE_FIELDS],
  ])('has the table of the options of %s as the code has it [P77]', (name, fields) => {
    expect(optionsTableIn(readme, name)).toBe(fieldsMarkdown(fields))
  })

  it('shows SQLite and MySQL', () => {
    expect(blocks).toHaveLength(2)
  })

  it('runs its block for SQLite', () => {
    check(blocks[0]!)
  })
})

describeWithServer('sql', 'README, with a server', (serverUrl) => {
  it('says what a commit survives at the settings that a server has once a binlog is on [P42]', async () => {
    const server = await startPrivateMariaDb({ args: ['--log-bin'] })
    try {
      const [settings] = await withConnection(server.url, (connection) =>
        connection.query<RowDataPacket[]>(
          'SELECT @@innodb_flush_log_at_trx_commit AS flushes, @@log_bin AS has_binlog, @@sync_binlog AS syncs',
        ),
      )
      expect(settings).toEqual([{ flushes: 1, has_binlog: 1, syncs: 0 }])
      const [, , killed, powerLoss] = /^\|.*with a binlog and `sync_binlog=0` \(MariaDB's default.*$/m
        .exec(readme)![0]
        .split(/ *\| */)
      expect(killed).toBe('yes')
      expect(powerLoss).toMatch(/^\*\*no\*\*/)
    } finally {
      await server.stop()
    }
  })

  it('runs its block for MySQL', async () => {
    const { url, drop } = await uniqueDatabase(serverUrl)
    try {
      check(blocks[1]!, { SQL_URL: url })
    } finally {
      await drop()
    }
  })
})

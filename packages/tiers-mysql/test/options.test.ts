import { describe, it } from 'vitest'
import { optionsContract } from '@se/core/testing'
import { MYSQL_ARCHIVE_FIELDS, mysqlArchive } from '../src/mysql/mysql-archive.ts'
import { SQLITE_ARCHIVE_FIELDS, sqliteArchive } from '../src/sqlite/sqlite-archive.ts'

/** Goal: a wrong option is refused before anything is connected, by its name. */
const refusals = { code: 'SE_INVALID_CONFIG', path: 'archive.' }

describe('options of mysqlArchive [P77]', () => {
  const call = async (given: object) => mysqlArchive({ url: 'mysql://u@localhost/d', ...given })
  for (const { title, run } of optionsContract(MYSQL_ARCHIVE_FIELDS, call, refusals)) it(title, run)
})

describe('options of sqliteArchive [P77]', () => {
  const call = async (given: object) => sqliteArchive({ file: ':memory:', ...given })
  for (const { title, run } of optionsContract(SQLITE_ARCHIVE_FIELDS, call, refusals)) it(title, run)
})

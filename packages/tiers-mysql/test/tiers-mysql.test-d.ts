/** The types of the public face, as an engine's owner sees them. Checked by the compiler; nothing here runs. */
import type { ArchiveTier, CompleteArchiveTier, LedgerRow, WriteOutcome } from '@se/core'
import { decodeLedgerRow, encodeLedgerRow, type RetryReport } from '../src/index.ts'
import { mysqlArchive, type MysqlArchiveOptions, type SqlArchive } from '../src/mysql/index.ts'
import {
  sqliteArchive,
  type SqlArchive as SqliteSqlArchive,
  type SqliteArchiveOptions,
} from '../src/sqlite/index.ts'
import { expectTypeOf } from 'vitest'

const url = 'mysql://user@localhost/app'
const archive = mysqlArchive({ url, poolSize: 4, lockWaitSeconds: 5 })

// Both fit where the engine takes an archive, do their own upkeep, and show the statements that make their tables.
expectTypeOf(mysqlArchive).parameters.toEqualTypeOf<[MysqlArchiveOptions]>()
expectTypeOf(sqliteArchive).parameters.toEqualTypeOf<[SqliteArchiveOptions]>()
expectTypeOf(archive).toEqualTypeOf<SqlArchive>()
expectTypeOf(sqliteArchive).returns.toEqualTypeOf<SqlArchive>()
expectTypeOf<SqliteSqlArchive>().toEqualTypeOf<SqlArchive>()
expectTypeOf<SqlArchive>().toExtend<ArchiveTier>()
expectTypeOf<SqlArchive>().toExtend<CompleteArchiveTier>()
expectTypeOf(archive.schema()).toEqualTypeOf<string>()
expectTypeOf(archive.foldTree()).resolves.toEqualTypeOf<number>()
expectTypeOf(archive.putBatch)
  .returns.resolves.toHaveProperty('outcomes')
  .toEqualTypeOf<readonly WriteOutcome[]>()

// Each is told where its data is, and reads no option of the other.
// @ts-expect-error a url is needed
mysqlArchive({ poolSize: 4 })
// @ts-expect-error a file is needed
sqliteArchive({})
// @ts-expect-error a server has no file
mysqlArchive({ url, file: 'app.db' })
// @ts-expect-error a file has no pool
sqliteArchive({ file: 'app.db', poolSize: 4 })
// @ts-expect-error the unit is in the name
mysqlArchive({ url, connectTimeout: 5_000 })
// @ts-expect-error it is locked or it is not
sqliteArchive({ file: 'app.db', exclusive: 'yes' })
sqliteArchive({ file: ':memory:', tablePrefix: 'app_', attemptsMax: 3 })

// A report says which database it is about, and is not for changing.
mysqlArchive({
  url,
  onRetry: (report) => {
    expectTypeOf(report).toEqualTypeOf<RetryReport>()
    expectTypeOf(report.backend).toEqualTypeOf<'mysql' | 'sqlite'>()
    // @ts-expect-error a report is read
    report.attempts = 0
  },
})

// A ledger row is read by what the database gives, and written as bytes.
expectTypeOf(decodeLedgerRow).returns.toEqualTypeOf<LedgerRow>()
expectTypeOf(encodeLedgerRow).parameters.toEqualTypeOf<[LedgerRow]>()
expectTypeOf(encodeLedgerRow).returns.toEqualTypeOf<Buffer>()

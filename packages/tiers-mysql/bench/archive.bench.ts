import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createConnection } from 'mysql2/promise'
import { createBranchSet, stampTimeOf, type ArchiveTier, type ItemWrite } from '@se/core'
import { linkOf } from '@se/core/testing'
import { defineCase, elapsedMs } from '@se/bench'
import { startPrivateMariaDb } from '@se/testkit'
import { mysqlArchive } from '../src/mysql/index.ts'
import { sqliteArchive } from '../src/sqlite/index.ts'

export const area = 'archive'

const BATCH_ITEMS = 1_000
const VALUE_BYTES = 100
/** Batches of one timed sample. */
const BATCHES = 10
/** Rows that are there before the first sample. */
const ROWS_BEFORE = 50_000

/** Makes the batches both sides write: half of the ids are new, half replace rows picked evenly from all. */
function batchSource() {
  let created = 0
  let time = stampTimeOf(Date.now() - 3_600_000)
  const bytes = Buffer.alloc(VALUE_BYTES, 7)
  const write = (index: number): ItemWrite => ({
    id: `user.${String(index * 7_919).padStart(12, '0')}`,
    stamp: { time: (time += 1), instance: 1 },
    state: 'default',
    contentType: 'application/json',
    bytes,
  })
  const fresh = (count: number) => Array.from({ length: count }, () => write(created++))
  return {
    fresh,
    next(): ItemWrite[] {
      const half = BATCH_ITEMS / 2
      const stride = Math.floor(created / half)
      const offset = created % stride
      const replaced = Array.from({ length: half }, (_, index) => write(index * stride + offset))
      return [...replaced, ...fresh(half)]
    },
  }
}

/** Fills an archive, and returns a function that times `BATCHES` batches, in items per second. */
async function timedArchive(archive: ArchiveTier): Promise<() => Promise<number>> {
  await archive.open({ branches: createBranchSet(), digests: 'keyed' })
  const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: 'b'.repeat(32) })
  const source = batchSource()
  let sequence = 0
  const put = (writes: readonly ItemWrite[]) => {
    sequence += 1
    return archive.putBatch({ claim, sequence, link: linkOf(claim.instance, sequence), writes })
  }
  for (let rows = 0; rows < ROWS_BEFORE; rows += BATCH_ITEMS) await put(source.fresh(BATCH_ITEMS))
  return async () => {
    const batches = Array.from({ length: BATCHES }, () => source.next())
    const ms = await elapsedMs(async () => {
      for (const writes of batches) await put(writes)
    })
    return (BATCHES * BATCH_ITEMS * 1_000) / ms
  }
}

/** The same for a bare upsert. */
async function timedUpserts(
  upsert: (writes: readonly ItemWrite[]) => Promise<unknown> | unknown,
): Promise<() => Promise<number>> {
  const source = batchSource()
  for (let rows = 0; rows < ROWS_BEFORE; rows += BATCH_ITEMS) await upsert(source.fresh(BATCH_ITEMS))
  return async () => {
    const batches = Array.from({ length: BATCHES }, () => source.next())
    const ms = await elapsedMs(async () => {
      for (const writes of batches) await upsert(writes)
    })
    return (BATCHES * BATCH_ITEMS * 1_000) / ms
  }
}

const NOTES = [
  `${BATCH_ITEMS} items of ${VALUE_BYTES} B a batch, half new and half replacing, over ${ROWS_BEFORE} rows and growing`,
  'bare: one table (id, value, stamp), no other index, no comparison of stamps',
  'ours: rows with 11 columns, digests, versions, ledger row, one transaction',
]

export const cases = [
  defineCase({
    case: 'archive.sqlite.putBatch.1000x100B',
    unit: 'items/s',
    better: 'higher',
    async setup() {
      const directory = await mkdtemp(join(tmpdir(), 'se-bench-'))
      const archive = sqliteArchive({ file: join(directory, 'archive.db') })
      const database = new Database(join(directory, 'bare.db'))
      for (const pragma of [
        'locking_mode = EXCLUSIVE',
        'journal_mode = WAL',
        'synchronous = FULL',
        'cache_size = -65536',
        'wal_autocheckpoint = 10000',
      ]) {
        database.pragma(pragma)
      }
      database.exec(
        'CREATE TABLE bare (id TEXT NOT NULL PRIMARY KEY, value BLOB, stamp INTEGER NOT NULL) STRICT',
      )
      const statement = database.prepare(
        'INSERT INTO bare VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value, stamp = excluded.stamp',
      )
      const upsert = database.transaction((writes: readonly ItemWrite[]) => {
        for (const { id, bytes, stamp } of writes) statement.run(id, bytes, stamp.time)
      })
      return {
        ours: await timedArchive(archive),
        against: { 'bare better-sqlite3 upserts in one transaction': await timedUpserts(upsert) },
        notes: () => NOTES,
        async teardown() {
          await archive.close()
          database.close()
          await rm(directory, { recursive: true })
        },
      }
    },
  }),
  defineCase({
    case: 'archive.mysql.putBatch.1000x100B',
    unit: 'items/s',
    better: 'higher',
    async setup() {
      const server = await startPrivateMariaDb({
        args: ['--innodb-buffer-pool-size=512M', '--innodb-log-file-size=256M'],
      })
      const archive = mysqlArchive({ url: server.url })
      const connection = await createConnection(server.url)
      await connection.query(
        'CREATE TABLE bare (id VARBINARY(255) NOT NULL PRIMARY KEY, value LONGBLOB, stamp BIGINT NOT NULL) ENGINE=InnoDB',
      )
      const rows = Array.from({ length: BATCH_ITEMS }, () => '(?, ?, ?)').join(', ')
      const text = `INSERT INTO bare VALUES ${rows} ON DUPLICATE KEY UPDATE value = VALUES(value), stamp = VALUES(stamp)`
      const upsert = (writes: readonly ItemWrite[]) =>
        connection.execute(
          text,
          writes.flatMap(({ id, bytes, stamp }) => [id, bytes as Buffer, stamp.time]),
        )
      return {
        ours: await timedArchive(archive),
        against: { 'bare mysql2 multi-row upsert, prepared, one connection': await timedUpserts(upsert) },
        notes: () => NOTES,
        async teardown() {
          await archive.close()
          await connection.end()
          await server.stop()
        },
      }
    },
  }),
]

import { Buffer } from 'node:buffer'
import Database from 'better-sqlite3'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { createConnection, type Connection } from 'mysql2/promise'
import type { ArchivePlace } from '../place.ts'

/** Values in the archive's table, read and changed behind the engine's back, which must have stopped. */
export interface ItemValues {
  /** @throws Error when there is no row with a value */
  read(id: string): Promise<Buffer>
  /** Changes the value and nothing else: not the stamp, not the digest. @throws Error when there is no such row */
  write(id: string, value: Buffer): Promise<void>
}

export function itemValues(archive: ArchivePlace): ItemValues {
  return archive.kind === 'sqlite' ? inSqlite(archive.file) : inMysql(archive.url)
}

const SELECT = 'SELECT value FROM sync_items WHERE id = ?'
const UPDATE = 'UPDATE sync_items SET value = ? WHERE id = ?'

function inSqlite(file: string): ItemValues {
  const withDatabase = <T>(work: (database: Database.Database) => T): T => {
    const database = new Database(file, { fileMustExist: true })
    try {
      return work(database)
    } finally {
      database.close()
    }
  }
  return {
    read: async (id) =>
      withDatabase((database) =>
        found(id, (database.prepare(SELECT).get(id) as { value: unknown } | undefined)?.value),
      ),
    write: async (id, value) =>
      withDatabase((database) => changed(id, database.prepare(UPDATE).run(value, id).changes)),
  }
}

function inMysql(url: string): ItemValues {
  const withConnection = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    const connection = await createConnection({
      uri: url.replace(/^mariadb:/, 'mysql:'),
      flags: ['-FOUND_ROWS'],
    })
    try {
      return await work(connection)
    } finally {
      await connection.end()
    }
  }
  return {
    read: (id) =>
      withConnection(async (connection) => {
        const [rows] = await connection.execute<RowDataPacket[]>(SELECT, [id])
        return found(id, rows[0]?.['value'])
      }),
    write: (id, value) =>
      withConnection(async (connection) => {
        const [{ affectedRows }] = await connection.execute<ResultSetHeader>(UPDATE, [value, id])
        changed(id, affectedRows)
      }),
  }
}

function found(id: string, value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw new Error(`there is no row with a value for ${id}`)
  return value
}

function changed(id: string, count: number): void {
  if (count !== 1) throw new Error(`the row of ${id} could not be changed`)
}

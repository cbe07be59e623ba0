import { close, fdatasync, mkdtempSync, openSync, rmSync, writeSync, writev } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/** How long one sample lasts, ms. */
const SAMPLE_MS = 250
/** The bare file is filled with zeros once and written round and round, as the log's segments are used again. */
const BARE_FILE_BYTES = 64 * 1024 * 1024

/** Anything that N writers can append to, each waiting for its acknowledgement. */
export interface Appender {
  append(payload: Uint8Array): Promise<unknown>
}

/**
 * N writers, each with a payload of its own, appending again as soon as it is acknowledged.
 *
 * @returns acknowledgements per second
 */
export async function closedLoop(appender: Appender, writers: number, payloadBytes: number): Promise<number> {
  let count = 0
  const start = performance.now()
  const end = start + SAMPLE_MS
  const writer = async (_: unknown, index: number) => {
    const payload = new Uint8Array(payloadBytes).fill(index)
    do {
      await appender.append(payload)
      count++
    } while (performance.now() < end)
  }
  await Promise.all(Array.from({ length: writers }, writer))
  return count / ((performance.now() - start) / 1000)
}

/** Writes whatever is queued as one group, without framing, checksum or bookkeeping: what the log is measured against. */
export class BareGroups implements Appender {
  readonly #descriptor: number
  readonly #directory: string
  #queue: { payload: Uint8Array; resolve: () => void; reject: (error: unknown) => void }[] = []
  #isWriting = false
  #position = 0

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'se-wal-bare-'))
    this.#descriptor = openFilled(join(this.#directory, 'bare'))
  }

  append(payload: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ payload, resolve, reject })
      if (this.#isWriting) return
      this.#isWriting = true
      process.nextTick(this.#write)
    })
  }

  readonly #write = (): void => {
    const group = this.#queue
    this.#queue = []
    const fail = (error: unknown) => group.forEach(({ reject }) => reject(error))
    const payloads = group.map(({ payload }) => payload)
    writev(this.#descriptor, payloads, this.#position, (writeError, written) => {
      if (writeError) return fail(writeError)
      this.#position += written
      if (this.#position > BARE_FILE_BYTES - 8 * 1024 * 1024) this.#position = 0
      fdatasync(this.#descriptor, (syncError) => {
        if (syncError) return fail(syncError)
        for (const { resolve } of group) resolve()
        process.nextTick(() => {
          if (this.#queue.length > 0) this.#write()
          else this.#isWriting = false
        })
      })
    })
  }

  close(): void {
    close(this.#descriptor)
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** The same groups, each a transaction of SQLite in WAL mode that is synced at its end. */
export class SqliteGroups implements Appender {
  readonly #database: Database.Database
  readonly #directory: string
  readonly #commit: (payloads: readonly Uint8Array[]) => void
  #queue: { payload: Uint8Array; resolve: () => void }[] = []

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'se-wal-sqlite-'))
    this.#database = new Database(join(this.#directory, 'log.db'))
    this.#database.pragma('journal_mode = WAL')
    this.#database.pragma('synchronous = FULL')
    this.#database.exec('CREATE TABLE log (sequence INTEGER PRIMARY KEY, bytes BLOB NOT NULL)')
    const insert = this.#database.prepare('INSERT INTO log (bytes) VALUES (?)')
    this.#commit = this.#database.transaction((payloads: readonly Uint8Array[]) => {
      for (const payload of payloads) insert.run(payload)
    })
  }

  append(payload: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push({ payload, resolve })
      if (this.#queue.length === 1) process.nextTick(this.#write)
    })
  }

  readonly #write = (): void => {
    const group = this.#queue
    this.#queue = []
    this.#commit(group.map(({ payload }) => payload))
    for (const { resolve } of group) resolve()
  }

  close(): void {
    this.#database.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** The same writes and syncs with callbacks alone: no writer, no promise. @returns payloads per second */
export function bareLoop(group: number, payloadBytes: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'se-wal-loop-'))
  const descriptor = openFilled(join(directory, 'bare'))
  const payloads = Array.from({ length: group }, (_, index) => new Uint8Array(payloadBytes).fill(index))
  let count = 0
  let position = 0
  const start = performance.now()
  return new Promise<number>((resolve, reject) => {
    const next = () =>
      writev(descriptor, payloads, position, (writeError, written) => {
        if (writeError) return reject(writeError)
        position = position > BARE_FILE_BYTES - 16 * 1024 * 1024 ? 0 : position + written
        fdatasync(descriptor, (syncError) => {
          if (syncError) return reject(syncError)
          count += group
          const elapsedMs = performance.now() - start
          if (elapsedMs < SAMPLE_MS) next()
          else resolve(count / (elapsedMs / 1000))
        })
      })
    next()
  }).finally(() => {
    close(descriptor)
    rmSync(directory, { recursive: true, force: true })
  })
}

function openFilled(path: string): number {
  const descriptor = openSync(path, 'wx+')
  const zeros = Buffer.alloc(1024 * 1024)
  for (let position = 0; position < BARE_FILE_BYTES; position += zeros.length) {
    writeSync(descriptor, zeros, 0, zeros.length, position)
  }
  return descriptor
}

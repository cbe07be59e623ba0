import type { Clock } from '@se/core'
import type { PoolConnection, QueryError, ResultSetHeader } from 'mysql2'
import type { CompiledQuery } from 'kysely'
import type { SqlValue } from '../item-row.ts'
import { codedError, STATEMENT_TIMEOUT } from './errors.ts'

/** A connection of the pool, with its session set up. */
export class MysqlConnection {
  /** Name of the lock that this session holds on the server for as long as it lives. */
  readonly mark: string
  /** Largest packet the server takes, bytes. */
  readonly packetBytesMax: number
  readonly #connection: PoolConnection
  readonly #clock: Clock
  readonly #timeoutMs: number

  constructor(
    connection: PoolConnection,
    session: { readonly mark: string; readonly packetBytesMax: number },
    limits: { readonly clock: Clock; readonly timeoutMs: number },
  ) {
    this.#connection = connection
    this.mark = session.mark
    this.packetBytesMax = session.packetBytesMax
    this.#clock = limits.clock
    this.#timeoutMs = limits.timeoutMs
  }

  /** A statement without values: BEGIN, COMMIT and the like. */
  async command(text: string): Promise<void> {
    await this.#timed((done) => this.#connection.query(text, done))
  }

  /** Prepared; rows as objects. */
  rows<R>(text: string, values: readonly SqlValue[]): Promise<R[]> {
    return this.#timed((done) => this.#connection.execute(text, values as SqlValue[], done))
  }

  /** Prepared; rows as arrays, which is cheaper where they are many. */
  arrays<R extends readonly unknown[]>(text: string, values: readonly SqlValue[]): Promise<R[]> {
    const options = { sql: text, values: values as SqlValue[], rowsAsArray: true }
    return this.#timed((done) => this.#connection.execute(options, done))
  }

  /** Prepared; @returns rows changed (a row set to what it was is none: `-FOUND_ROWS` [P40]) */
  async run(text: string, values: readonly SqlValue[]): Promise<number> {
    const header = await this.#timed<ResultSetHeader>((done) =>
      this.#connection.execute(text, values as SqlValue[], done),
    )
    return header.affectedRows
  }

  query<R>(query: CompiledQuery<R>): Promise<R[]> {
    return this.rows<R>(query.sql, query.parameters as readonly SqlValue[])
  }

  release(): void {
    this.#connection.release()
  }

  /** Closes our end. The server may not notice for long: see `mark`. */
  destroy(): void {
    this.#connection.destroy()
  }

  /** A server that never answers must not be waited for: the connection is given up. */
  #timed<T>(start: (done: (error: QueryError | null, result: unknown) => void) => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#clock.setTimer(this.#timeoutMs, () => {
        reject(codedError(STATEMENT_TIMEOUT, `no answer within ${this.#timeoutMs} ms`))
        this.#connection.destroy()
      })
      start((error, result) => {
        cancel()
        if (error) reject(error)
        else resolve(result as T)
      })
    })
  }
}

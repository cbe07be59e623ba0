import { setLimit, type Clock } from '@se/core'
import type { CompiledQuery } from 'kysely'
import type { Socket } from 'node:net'
import type { Connection, QueryError, ResultSetHeader } from 'mysql2'
import type { SqlValue } from '../item-row.ts'
import type { StatementLimits } from '../statement-sizes.ts'
import { OWN_CODES } from './error-table.ts'
import { codedError, driverError } from './errors.ts'
import { isolationStatement, patienceStatement, type Isolation, type Topology } from './topology.ts'

/** A session as the server knows it. */
export interface ServerThread {
  /** Given again after a restart of the server. */
  readonly id: number
  /** Address and port that it came from, as the server sees them. */
  readonly host: string
}

/** What is known of a session once it has been set up. */
export interface Session {
  /** `undefined`: the server does not tell its sessions apart. */
  readonly thread: ServerThread | undefined
  /** Largest packet the server takes, bytes. */
  readonly packetBytesMax: number
  readonly topology: Topology
}

/** Head of a packet, and what a value takes in it beside its bytes, at most. */
const PACKET_HEADER_BYTES = 64
const VALUE_OVERHEAD_BYTES = 12

/** Upper bound of a statement's values in a packet; exact as to their bytes. */
function packetBytes(values: readonly SqlValue[]): number {
  let bytes = PACKET_HEADER_BYTES + values.length * VALUE_OVERHEAD_BYTES
  for (const value of values) {
    if (typeof value === 'string') bytes += Buffer.byteLength(value)
    else if (typeof value === 'object' && value !== null) bytes += value.length
  }
  return bytes
}

/** Values of one statement, bytes, unless a single row is larger. */
const STATEMENT_BYTES = 4 * 1024 * 1024
/** How long a farewell to the server may take, ms. */
const QUIT_MS = 500

/** A connection with its session set up. */
export class MysqlConnection {
  readonly session: Session
  /** Monotonic, ms. */
  readonly openedAtMs: number
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #onEnd: (() => void)[] = []
  /** Statements that wait for their answer: the driver says nothing to those of a connection that is destroyed. */
  readonly #waiting = new Set<(error: Error) => void>()
  /** Of the next transaction. */
  #isolation: Isolation = 'READ COMMITTED'
  #isEnded = false

  constructor(
    connection: Connection,
    session: Session,
    limits: { readonly clock: Clock; readonly timeoutMs: number },
  ) {
    this.#connection = connection
    this.session = session
    this.#clock = limits.clock
    this.#timeoutMs = limits.timeoutMs
    this.openedAtMs = limits.clock.monotonicMs()
    const end = (): void => this.#end()
    connection.on('error', end)
    connection.on('end', end)
  }

  /** Whether the server, the network or we have ended it. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** What one statement may be: half of a packet is left for what is not counted. */
  get limits(): StatementLimits {
    const half = this.session.packetBytesMax / 2
    return { bytesMax: Math.min(STATEMENT_BYTES, half), textBytesMax: half }
  }

  onEnd(listener: () => void): void {
    this.#onEnd.push(listener)
  }

  /** A statement without values: BEGIN, COMMIT and the like. */
  async command(text: string): Promise<void> {
    await this.#timed((done) => this.#connection.query(text, done))
  }

  /** Prepared; rows as objects. */
  async rows<R>(text: string, values: readonly SqlValue[]): Promise<R[]> {
    this.#checkPacket(values)
    return this.#timed((done) => this.#connection.execute(text, values as SqlValue[], done))
  }

  /** Prepared; rows as arrays, which is cheaper where they are many. */
  async arrays<R extends readonly unknown[]>(text: string, values: readonly SqlValue[]): Promise<R[]> {
    this.#checkPacket(values)
    const options = { sql: text, values: values as SqlValue[], rowsAsArray: true }
    return this.#timed((done) => this.#connection.execute(options, done))
  }

  /** Prepared; @returns rows changed (a row set to what it was is none: `-FOUND_ROWS` [P40]) */
  async run(text: string, values: readonly SqlValue[]): Promise<number> {
    this.#checkPacket(values)
    const header = await this.#timed<ResultSetHeader>((done) =>
      this.#connection.execute(text, values as SqlValue[], done),
    )
    return header.affectedRows
  }

  query<R>(query: CompiledQuery<R>): Promise<R[]> {
    return this.rows<R>(query.sql, query.parameters as readonly SqlValue[])
  }

  /** Gives the session the patience that a scan's visitor needs, or takes it back. */
  async setPatience(isScan: boolean): Promise<void> {
    const statement = patienceStatement(this.session.topology, isScan)
    if (statement !== undefined) await this.command(statement)
  }

  /** Isolates the next transaction. */
  async isolate(level: Isolation): Promise<void> {
    if (level === this.#isolation) return
    const { topology } = this.session
    await this.command(isolationStatement(topology, level))
    if (topology.isVitess) this.#isolation = level
  }

  /** Closes our end at once, and fails what waits for an answer. The server may not notice for long: see `LostSessions`. */
  destroy(): void {
    this.#end()
    destroySocket(this.#connection)
    for (const fail of this.#waiting) fail(codedError(OWN_CODES.closed, 'the connection was given up'))
  }

  /** Says goodbye, in bounded time. */
  quit(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        this.destroy()
        resolve()
      }
      const cancel = this.#clock.setTimer(QUIT_MS, done)
      this.#connection.end(done)
    })
  }

  /** The server would cut the connection in the middle of such a packet, which looks like an outage [W6]. */
  #checkPacket(values: readonly SqlValue[]): void {
    const { packetBytesMax } = this.session
    const bytes = packetBytes(values)
    if (bytes <= packetBytesMax || packetBytesMax === 0) return
    throw codedError(
      OWN_CODES.packetTooLarge,
      `${bytes} bytes are more than max_allowed_packet, ${packetBytesMax} bytes`,
    )
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    for (const listener of this.#onEnd) listener()
  }

  /** A server that never answers must not be waited for: the connection is given up. */
  #timed<T>(start: (done: (error: QueryError | null, result: unknown) => void) => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const fail = (error: Error): void => {
        ended()
        reject(error)
      }
      const ended = (): void => {
        cancel()
        this.#waiting.delete(fail)
      }
      const cancel = setLimit(this.#clock, this.#timeoutMs, () => {
        fail(codedError(OWN_CODES.statementTimeout, `no answer within ${this.#timeoutMs} ms`))
        this.destroy()
      })
      this.#waiting.add(fail)
      start((error, result) => {
        if (error) return fail(driverError(error))
        ended()
        resolve(result as T)
      })
    })
  }
}

/**
 * Ends a connection of the driver at once. Its own `destroy` only says that nothing more will be sent, and then waits for the
 * other side: one that hangs would keep the process alive for ever [P70].
 */
function destroySocket(connection: Connection): void {
  connection.destroy()
  const { stream } = connection as Connection & { readonly stream: Socket }
  stream.destroy()
}

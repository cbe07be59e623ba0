import type { StorageError } from '@se/core'
import type { Cluster, Redis } from 'ioredis'
import { STRIPE_COUNT } from '@se/core/hash'
import { createClient, type ScriptClient } from './client.ts'
import { Deadlines, Line } from './deadlines.ts'
import { failureOf, unavailable } from './failures.ts'
import type { ParsedOptions } from './options.ts'
import { slotOfStripe } from './slots.ts'

/** Shortest time between two times that a connection is ended for what it answers, ms. */
const RECONNECT_PAUSE_MS = 1_000
/** Pause between two questions to a node that does not answer, ms. */
const PROBE_PAUSE_MS = 500

/** A client that reconnects by itself, and calls on it that end within a bound and fail with a typed error. */
export interface RedisConnection {
  readonly isCluster: boolean
  /** It was closed, and stays so. */
  readonly isClosed: boolean
  /** The newest thing that stands against the connection, or against one to a node; `undefined`: nothing does. */
  readonly failure: StorageError | undefined
  /** Connects. Waits for the first attempt and does not say how it ended: Redis may be down at start. */
  open(): Promise<void>
  /** Ends what is under way; a client of its own it ends with all sockets. */
  close(): Promise<void>
  /**
   * Runs commands.
   *
   * @param stripe whose keys they have; `undefined`: of several, which a Cluster cannot have in one call
   * @throws TierUnavailable when they were not all answered in time
   * @throws TierMisconfigured when they will not be before an operator changes something
   */
  run<T>(stripe: number | undefined, commands: (client: ScriptClient) => Promise<T>): Promise<T>
}

export function createConnection(options: ParsedOptions): RedisConnection {
  return new ClientConnection(options)
}

/** A node of a Cluster, or the whole client where it is none. */
class NodeLine extends Line {
  /** `host:port`; `''`: the client itself. */
  readonly name: string
  failure: StorageError | undefined
  endedAtMs = Number.NEGATIVE_INFINITY
  /** The node does not answer. Until it does its stripes fail at once, so that no caller waits for them and is late with the others. */
  isDown = false
  cancelProbe: (() => void) | undefined

  constructor(name: string) {
    super()
    this.name = name
  }
}

class ClientConnection implements RedisConnection {
  readonly #options: ParsedOptions
  readonly #client: ScriptClient
  readonly #isOwn: boolean
  readonly #lines = new Map<string, NodeLine>()
  readonly #deadlines: Deadlines
  readonly #listeners: (() => void)[] = []
  /** The connection is not what was asked for, and the client goes on with it all the same. */
  #misfit: StorageError | undefined
  #isClosed = false

  constructor(options: ParsedOptions) {
    this.#options = options
    this.#client = createClient(options)
    this.#isOwn = options.target.kind !== 'client'
    this.#deadlines = new Deadlines(options.clock, options.commandTimeoutMs, {
      exceeded: (line) => this.#exceeded(line as NodeLine),
      failed: (line, error) => this.#failed(line as NodeLine, error),
      // A caller may have commands of his own on his client that are meant to wait.
      silent: (line) => this.#isOwn && this.#endLine(line as NodeLine),
    })
    this.#listen()
  }

  get isCluster(): boolean {
    return this.#client.isCluster
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get failure(): StorageError | undefined {
    for (const line of this.#lines.values()) if (line.failure !== undefined) return line.failure
    return undefined
  }

  #listen(): void {
    const client = this.#client
    const on = <Args extends unknown[]>(event: string, listener: (...args: Args) => void) => {
      const listens = listener as (...args: unknown[]) => void
      client.on(event, listens)
      this.#listeners.push(() => client.off(event, listens))
    }
    // Without a listener ioredis prints to the console; with one a Redis that is down crashes no process.
    on('error', (error: Error) => this.#connectionFailed(this.#line(''), error))
    on('node error', (error: Error, name: string) => this.#connectionFailed(this.#line(name), error))
    on('connect', () => void (this.#misfit = undefined))
    on('ready', () => void (this.#line('').failure = this.#misfit))
    if (!this.#isOwn) return
    if (isCluster(client)) on('+node', (node: Redis) => this.#watchHandshake(node))
    else this.#watchHandshake(client)
  }

  /** TCP is connected by the system even where the server hangs: then nothing would ever be answered, nor tried again. */
  #watchHandshake(client: Redis): void {
    const { clock, connectTimeoutMs } = this.#options
    const line = this.#line(this.isCluster ? nameOf(client) : '')
    client.on('connect', () => {
      clock.setBackgroundTimer(connectTimeoutMs, () => {
        if (client.status !== 'connect') return
        this.#connectionFailed(
          line,
          unavailable('timeout', `connected, but not ready within ${connectTimeoutMs} ms`),
        )
        client.disconnect(!this.isCluster)
      })
    })
    if (this.isCluster) client.on('ready', () => void (line.failure = undefined))
  }

  async open(): Promise<void> {
    const client = this.#client
    const { clock, connectTimeoutMs } = this.#options
    if (client.status === 'ready' || client.status === 'end') return
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(connectTimeoutMs, done)
      function done() {
        cancel()
        client.off('ready', done)
        client.off('close', done)
        resolve()
      }
      client.on('ready', done)
      client.on('close', done)
      if (client.status === 'wait') client.connect().catch(done)
    })
  }

  close(): Promise<void> {
    this.#isClosed = true
    for (const removeListener of this.#listeners.splice(0)) removeListener()
    for (const line of this.#lines.values()) line.cancelProbe?.()
    // What fails now is no news to anyone.
    if (this.#isOwn) this.#client.on('error', () => undefined)
    this.#deadlines.end(unavailable('disconnected', 'the cache was closed'))
    if (!this.#isOwn) return Promise.resolve()
    this.#client.disconnect()
    return Promise.resolve()
  }

  run<T>(stripe: number | undefined, commands: (client: ScriptClient) => Promise<T>): Promise<T> {
    const line = this.#lineOf(stripe)
    if (this.#isClosed || this.#client.status !== 'ready') return Promise.reject(this.#notReady())
    if (this.#misfit !== undefined) return Promise.reject(this.#misfit)
    if (line.isDown)
      return Promise.reject(unavailable('disconnected', `${line.name} does not answer`, line.failure))
    return this.#deadlines.bound(line, commands(this.#client)).then((value) => {
      line.failure = undefined
      return value
    })
  }

  #notReady(): Error {
    if (this.#isClosed) return unavailable('disconnected', 'the cache was closed')
    const { status } = this.#client
    if (status === 'end') return unavailable('disconnected', 'the client was ended, and does not reconnect')
    const { failure } = this
    return failure ?? unavailable('disconnected', `the connection is in state ${status}`)
  }

  #failed(line: NodeLine, error: unknown): Error {
    const failure = failureOf(error)
    const { verdict } = failure
    if (verdict === undefined) return failure.error
    // Said by the server: the line carries answers. What only one value or one key met is no matter of the line.
    if (verdict.because !== 'disconnected' && verdict.because !== 'timeout') line.answered++
    else this.#markDown(line)
    if (verdict.command !== 'too-big' && verdict.command !== 'wrong-type') {
      line.failure = failure.error as StorageError
    }
    if (verdict.connection === 'reconnect') this.#endLine(line)
    return failure.error
  }

  #exceeded(line: NodeLine): Error {
    const error = unavailable('timeout', `no answer within ${this.#options.commandTimeoutMs} ms`)
    line.failure = error
    this.#markDown(line)
    return error
  }

  /** Of a Cluster: a client of one server is up or down as a whole, and says so itself. */
  #markDown(line: NodeLine): void {
    if (line.name === '' || line.isDown || this.#isClosed) return
    line.isDown = true
    this.#probeLater(line)
  }

  #probeLater(line: NodeLine): void {
    line.cancelProbe = this.#options.clock.setBackgroundTimer(PROBE_PAUSE_MS, () => {
      this.#probe(line).then(
        () => (line.isDown = false),
        () => !this.#isClosed && this.#probeLater(line),
      )
    })
  }

  /** Asks for any key of a stripe that the node had; if another one has it by now, the client finds out. Any answer will do. */
  async #probe(line: NodeLine): Promise<void> {
    const client = this.#client
    const stripe = STRIPES.find((each) => this.#lineOf(each) === line)
    if (stripe === undefined) return
    const answeredBefore = line.answered
    await this.#deadlines
      .bound(line, client.exists(`{${String(stripe).padStart(2, '0')}}`))
      .catch((error: unknown) => {
        if (line.answered === answeredBefore) throw error
      })
  }

  #connectionFailed(line: NodeLine, error: Error): void {
    const { error: told, verdict } = failureOf(error)
    const failure = told as StorageError
    line.failure = failure
    this.#options.onConnectionError(failure)
    // A server that does not have the database leaves the connection at another one.
    if (verdict?.because === 'unknown-database') this.#misfit = failure
  }

  /** The server that answers there is not, or not now, the one that was asked for: the same address may lead to a better one. */
  #endLine(line: NodeLine): void {
    const nowMs = this.#options.clock.monotonicMs()
    if (this.#isClosed || nowMs - line.endedAtMs < RECONNECT_PAUSE_MS) return
    line.endedAtMs = nowMs
    const client = this.#client
    if (!isCluster(client)) {
      if (client.status === 'ready') client.disconnect(true)
      return
    }
    for (const node of client.nodes()) if (nameOf(node) === line.name) node.disconnect()
    client.refreshSlotsCache()
  }

  #lineOf(stripe: number | undefined): NodeLine {
    const client = this.#client
    if (stripe === undefined || !isCluster(client)) return this.#line('')
    return this.#line(client.slots[slotOfStripe(stripe)]?.[0] ?? '')
  }

  #line(name: string): NodeLine {
    let line = this.#lines.get(name)
    if (line === undefined) this.#lines.set(name, (line = new NodeLine(name)))
    return line
  }
}

const STRIPES: readonly number[] = Array.from({ length: STRIPE_COUNT }, (_, stripe) => stripe)

/** Not by its class: several copies of ioredis may meet in a process. */
function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster
}

function nameOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`
}

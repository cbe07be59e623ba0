import { setLimit, type CancelTimer, type Clock } from '@se/core'
import { OWN_CODES } from './error-table.ts'
import { codedError } from './errors.ts'

/** What a pool needs of a connection. */
export interface Poolable {
  /** Monotonic, ms. */
  readonly openedAtMs: number
  /** Ended by the server, the network or ourselves. */
  readonly isEnded: boolean
  onEnd(listener: () => void): void
  /** At once. */
  destroy(): void
  /** In order, in bounded time. */
  quit(): Promise<void>
}

export interface PoolOptions<C extends Poolable> {
  /** @param gaveUp fires when no caller wants the connection any more: the pool was closed */
  open(gaveUp: AbortSignal): Promise<C>
  /** How long a connection may be idle before it is not used again, ms. */
  idleMsMax(connection: C): number
  /** Most connections. */
  readonly size: number
  /** Longest wait for a free one, ms. */
  readonly acquireTimeoutMs: number
  /** A connection older than this is not used again, ms: addresses move, and limits are read when one is opened. */
  readonly ageMsMax: number
  readonly clock: Clock
}

interface Waiter<C> {
  readonly resolve: (connection: C) => void
  readonly reject: (error: unknown) => void
  readonly cancel: CancelTimer
}

/** How long a close waits for connections that are in use, ms. */
const CLOSE_WAIT_MS = 1_000

/**
 * Connections that are alike. The youngest use is given first, so that those that are not needed grow old; waiting for one
 * has a bound; one drain ends all that are there, wherever they are.
 */
export class ConnectionPool<C extends Poolable> {
  readonly #options: PoolOptions<C>
  /** The last one was released last. */
  readonly #idle: { readonly connection: C; readonly sinceMs: number }[] = []
  readonly #inUse = new Set<C>()
  /** Those in use that are to be ended when they come back. */
  readonly #drained = new WeakSet<C>()
  readonly #waiters: Waiter<C>[] = []
  #openingCount = 0
  readonly #closing = new AbortController()
  #onQuiet: (() => void) | undefined

  constructor(options: PoolOptions<C>) {
    this.#options = options
  }

  /**
   * A connection of one's own; give it back with `release` or `discard`.
   *
   * @throws with code SE_NO_FREE_CONNECTION, SE_CLOSED, or what `open` throws
   */
  acquire(): Promise<C> {
    if (this.#isClosed) return Promise.reject(closedError())
    const idle = this.#takeIdle()
    if (idle !== undefined) return Promise.resolve(idle)
    if (this.#count < this.#options.size) return this.#open()
    const { acquireTimeoutMs, size, clock } = this.#options
    return new Promise<C>((resolve, reject) => {
      const waiter: Waiter<C> = {
        resolve,
        reject,
        cancel: setLimit(clock, acquireTimeoutMs, () => {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
          reject(
            codedError(
              OWN_CODES.acquireTimeout,
              `none of ${size} connections was free within ${acquireTimeoutMs} ms`,
            ),
          )
        }),
      }
      this.#waiters.push(waiter)
    })
  }

  /** It may be used again. */
  release(connection: C): void {
    if (!this.#inUse.delete(connection)) return
    if (this.#isClosed || connection.isEnded || this.#drained.has(connection) || this.#isOld(connection)) {
      this.#retire(connection)
    } else {
      this.#idle.push({ connection, sinceMs: this.#options.clock.monotonicMs() })
    }
    this.#serveNext()
  }

  /** It must not be used again. */
  discard(connection: C): void {
    if (!this.#inUse.delete(connection)) return
    connection.destroy()
    this.#serveNext()
  }

  /** No connection that is there now is given out again. */
  drain(): void {
    for (const { connection } of this.#idle.splice(0)) connection.destroy()
    for (const connection of this.#inUse) this.#drained.add(connection)
  }

  /** Ends everything in bounded time: waiting callers get an error, and a caller that still uses a connection after a moment loses it. */
  async close(): Promise<void> {
    this.#closing.abort(closedError())
    for (const { cancel, reject } of this.#waiters.splice(0)) {
      cancel()
      reject(closedError())
    }
    await Promise.all(this.#idle.splice(0).map(({ connection }) => connection.quit()))
    if (this.#count === 0) return
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.setTimer(CLOSE_WAIT_MS, resolve)
      this.#onQuiet = () => {
        cancel()
        resolve()
      }
    })
    for (const connection of this.#inUse) connection.destroy()
    this.#inUse.clear()
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  get #count(): number {
    return this.#idle.length + this.#inUse.size + this.#openingCount
  }

  #takeIdle(): C | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      const { connection, sinceMs } = idle
      const idleMs = this.#options.clock.monotonicMs() - sinceMs
      if (!connection.isEnded && !this.#isOld(connection) && idleMs < this.#options.idleMsMax(connection)) {
        this.#inUse.add(connection)
        return connection
      }
      this.#retire(connection)
    }
    return undefined
  }

  #isOld(connection: C): boolean {
    return this.#options.clock.monotonicMs() - connection.openedAtMs >= this.#options.ageMsMax
  }

  #retire(connection: C): void {
    if (connection.isEnded) connection.destroy()
    else void connection.quit()
  }

  async #open(): Promise<C> {
    this.#openingCount += 1
    try {
      const connection = await this.#options.open(this.#closing.signal)
      if (this.#isClosed) {
        connection.destroy()
        throw closedError()
      }
      connection.onEnd(() => this.#forget(connection))
      this.#inUse.add(connection)
      return connection
    } finally {
      this.#openingCount -= 1
      // A caller that waits gets the room that a failure leaves.
      this.#serveNext()
    }
  }

  /** An idle one was ended by the server. */
  #forget(connection: C): void {
    const at = this.#idle.findIndex((idle) => idle.connection === connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  #serveNext(): void {
    if (this.#isClosed) {
      if (this.#count === 0) this.#onQuiet?.()
      return
    }
    while (this.#waiters.length > 0) {
      const idle = this.#takeIdle()
      if (idle === undefined && this.#count >= this.#options.size) return
      const { cancel, resolve, reject } = this.#waiters.shift()!
      cancel()
      if (idle === undefined) void this.#open().then(resolve, reject)
      else resolve(idle)
    }
  }
}

function closedError(): Error {
  return codedError(OWN_CODES.closed, 'the archive is closed')
}

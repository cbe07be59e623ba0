import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { InvalidInput } from '@se/core'

/** `to-server`: what the client sends. `to-client`: what the server answers. */
export type Direction = 'to-server' | 'to-client'

/** `both`: either end loses its connection. `client`: the server keeps its end and does not notice, until `close()`. */
export type CutSide = 'both' | 'client'

export interface FaultProxyOptions {
  /** Port of the real server. */
  readonly targetPort: number
  /** Default 127.0.0.1. */
  readonly targetHost?: string
}

export interface CutWhenOptions {
  /** Whether the chunk that matched still reaches its receiver. Default true: the COMMIT arrives, its answer never does. */
  readonly isForwarded?: boolean
  /** Default `both`. */
  readonly side?: CutSide
}

/** A TCP proxy between a client and a server on this machine, and the faults a network has. */
export interface FaultProxy {
  /** Where the client connects, on 127.0.0.1. The same for the life of the proxy. */
  readonly port: number
  /** Clients connected now. */
  readonly connections: number
  /** Clients that ever connected. */
  readonly acceptedCount: number
  /**
   * From now on new connections lead to another server; those there are stay with theirs, as when an address moves.
   *
   * @param targetPorts of the other server, on the same host; of several, each connection takes the next in turn
   */
  retarget(...targetPorts: readonly number[]): void
  /** Breaks all connections at once (RST). New ones are let through. */
  cut(side?: CutSide): void
  /** Holds traffic back from now on, also of new connections; nothing is lost, `resume()` delivers it. */
  stall(direction?: Direction | 'both'): void
  /** Swallows traffic from now on. `resume()` breaks the connections that lost something. */
  blackHole(direction?: Direction | 'both'): void
  /** Breaks all connections, and refuses new ones until `resume()`. */
  refuse(): Promise<void>
  /** Ends stalling, swallowing and refusing. */
  resume(): Promise<void>
  /**
   * Lets this many more bytes through in the direction, over all connections, then breaks the connection that carries
   * the last one, however the bytes fall into packets. Resolves when that has happened.
   */
  dropAfter(bytes: number, direction?: Direction): Promise<void>
  /**
   * Breaks a connection when the predicate says so about a chunk, once. Resolves when that has happened. A chunk is what
   * one read of the socket returned: small commands come whole, large ones in pieces.
   */
  cutWhen(
    predicate: (chunk: Buffer, direction: Direction) => boolean,
    options?: CutWhenOptions,
  ): Promise<void>
  /** Breaks all connections and stops listening. */
  close(): Promise<void>
}

type Mode = 'forward' | 'hold' | 'swallow'

/** What to do with a chunk that meets a condition: how much of it passes before the cut. */
interface Trap {
  readonly side: CutSide
  /** Bytes of the chunk to let through before the cut, or undefined when this chunk does not spring the trap. */
  check(chunk: Buffer, direction: Direction): number | undefined
  sprung(): void
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  hasLost: boolean
  /** An end went away while its direction did not forward; the other end learns of it at `resume()`. */
  hasEnded: boolean
  isCut: boolean
}

/** Starts a proxy to a server on this machine. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { targetHost = '127.0.0.1' } = options
  let targetPorts = checkedPorts([options.targetPort])
  let turn = 0
  const modes: Record<Direction, Mode> = { 'to-server': 'forward', 'to-client': 'forward' }
  const links = new Set<Link>()
  /** Server ends that stay open after a cut on the client's side only. */
  const orphans = new Set<Socket>()
  const traps = new Set<Trap>()
  let acceptedCount = 0

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    acceptedCount++
    const targetPort = targetPorts[turn++ % targetPorts.length]
    const server = connect({ port: targetPort ?? 0, host: targetHost, allowHalfOpen: true, noDelay: true })
    const link: Link = { client, server, hasLost: false, hasEnded: false, isCut: false }
    links.add(link)
    carry(link, client, server, 'to-server')
    carry(link, server, client, 'to-client')
  })

  function carry(link: Link, source: Socket, sink: Socket, direction: Direction): void {
    source.on('data', (chunk: Buffer) => {
      if (link.isCut) return
      if (modes[direction] === 'swallow') {
        link.hasLost = true
        return
      }
      for (const trap of traps) {
        const passed = trap.check(chunk, direction)
        if (passed === undefined) continue
        traps.delete(trap)
        cutBehind(link, direction, chunk.subarray(0, passed), trap.side)
        trap.sprung()
        return
      }
      if (!sink.write(chunk)) source.pause()
    })
    sink.on('drain', () => {
      if (modes[direction] !== 'hold') source.resume()
    })
    source.on('end', () => {
      if (link.isCut) return
      if (modes[direction] === 'forward') sink.end()
      else link.hasEnded = true
    })
    source.on('error', () => {
      if (link.isCut) return
      if (modes[direction] === 'forward') cutLink(link, 'both')
      else link.hasEnded = true
    })
    source.on('close', () => {
      if (link.client.destroyed && link.server.destroyed) links.delete(link)
    })
    if (modes[direction] === 'hold') source.pause()
  }

  function cutLink(link: Link, side: CutSide): void {
    link.isCut = true
    links.delete(link)
    link.client.resetAndDestroy()
    if (side === 'both') link.server.resetAndDestroy()
    else keepOpen(link.server)
  }

  /** Delivers the last bytes to the receiver, then breaks the link: a plain reset would overtake them. */
  function cutBehind(link: Link, direction: Direction, last: Buffer, side: CutSide): void {
    link.isCut = true
    links.delete(link)
    if (direction === 'to-client') {
      link.client.end(last)
      link.client.resume()
      if (side === 'both') link.server.resetAndDestroy()
      else keepOpen(link.server)
      return
    }
    link.client.resetAndDestroy()
    if (side === 'both') link.server.end(last)
    else link.server.write(last)
    keepOpen(link.server)
  }

  /** Reads and drops what the server still says, so that it never blocks on us. */
  function keepOpen(server: Socket): void {
    orphans.add(server)
    server.once('close', () => orphans.delete(server))
    server.resume()
  }

  function setMode(direction: Direction | 'both', mode: Mode): void {
    for (const one of direction === 'both' ? (['to-server', 'to-client'] as const) : [direction]) {
      modes[one] = mode
      for (const link of links) {
        const source = one === 'to-server' ? link.client : link.server
        if (mode === 'hold') source.pause()
        else source.resume()
      }
    }
  }

  function cut(side: CutSide = 'both'): void {
    for (const link of links) cutLink(link, side)
  }

  function listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen({ port, host: '127.0.0.1' }, () => {
        listener.removeListener('error', reject)
        resolve()
      })
    })
  }

  function stopListening(): Promise<void> {
    return new Promise((resolve) => {
      if (!listener.listening) resolve()
      else {
        listener.close(() => {
          resolve()
        })
        cut()
      }
    })
  }

  await listen(0)
  const { port } = listener.address() as AddressInfo

  return {
    port,
    get connections() {
      return links.size
    },
    get acceptedCount() {
      return acceptedCount
    },
    retarget(...ports) {
      targetPorts = checkedPorts(ports)
      turn = 0
    },
    cut,
    stall(direction = 'both') {
      setMode(direction, 'hold')
    },
    blackHole(direction = 'both') {
      setMode(direction, 'swallow')
    },
    refuse: stopListening,
    async resume() {
      for (const link of links) if (link.hasLost || link.hasEnded) cutLink(link, 'both')
      setMode('both', 'forward')
      if (!listener.listening) await listen(port)
    },
    dropAfter(bytes, direction = 'to-server') {
      if (!Number.isSafeInteger(bytes) || bytes < 0) {
        throw new InvalidInput('bytes', `must be a safe integer of at least 0, is ${bytes}`)
      }
      let left = bytes
      return new Promise((resolve) => {
        traps.add({
          side: 'both',
          check(chunk, itsDirection) {
            if (itsDirection !== direction) return undefined
            if (chunk.length >= left) return left
            left -= chunk.length
            return undefined
          },
          sprung: resolve,
        })
      })
    },
    cutWhen(predicate, { isForwarded = true, side = 'both' } = {}) {
      return new Promise((resolve) => {
        traps.add({
          side,
          check(chunk, direction) {
            if (!predicate(chunk, direction)) return undefined
            return isForwarded ? chunk.length : 0
          },
          sprung: resolve,
        })
      })
    },
    async close() {
      for (const server of orphans) server.resetAndDestroy()
      await stopListening()
      cut()
    },
  }
}

function checkedPorts(ports: readonly number[]): readonly number[] {
  const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535
  if (ports.length === 0 || !ports.every(isPort)) {
    throw new InvalidInput('targetPort', `must be an integer from 1 to 65535, is ${ports.join()}`)
  }
  return ports
}

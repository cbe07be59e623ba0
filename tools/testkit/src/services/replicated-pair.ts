import { startFaultProxy, type FaultProxy } from '../fault-proxy.ts'
import type { PrivateServer } from './server-process.ts'

/** A primary, a replica that follows it, and an address that clients are told: all that a failover is made of. */
export interface ReplicatedPair {
  /** Url of the address. It leads to the primary until it is moved. */
  readonly url: string
  /** The primary and the replica; their urls are for the test's own errands and need not be what clients may use. */
  readonly servers: readonly [primary: PrivateServer, replica: PrivateServer]
  /** The replica stands still with what it has, and is behind from the next write on. */
  holdReplica(): Promise<void>
  releaseReplica(): Promise<void>
  /**
   * Resolves when the replica has all that the primary had when this was called.
   *
   * @throws TestServerUnavailable when that takes longer than 30 s
   */
  waitForReplica(): Promise<void>
  /**
   * The replica takes writes from now on, with what it has: what it was not given is lost. Nothing else changes, so that
   * both take writes if the old primary was not demoted.
   */
  promote(): Promise<void>
  /** The old primary refuses writes from now on. */
  demote(): Promise<void>
  /** From now on new connections to the address lead to the promoted server; those there are stay as they are. */
  moveAddress(): void
  /** Breaks the connections that came through the address. */
  cutConnections(): void
  /** Ends both servers and removes their directories. Called again, it does nothing. */
  stop(): Promise<void>
}

/** The parts that are the same for every kind of server. */
export type PairFrame = Pick<ReplicatedPair, 'servers' | 'moveAddress' | 'cutConnections' | 'stop'> & {
  readonly address: FaultProxy
}

/** Starts the two servers and the address in front of the first. */
export async function startPairFrame(
  startServer: (role: 'primary' | 'replica') => Promise<PrivateServer>,
): Promise<PairFrame> {
  const ends: (() => Promise<void>)[] = []
  const stop = async () => {
    await Promise.all(ends.splice(0).map((end) => end()))
  }
  try {
    const primary = await startServer('primary')
    ends.push(() => primary.stop())
    const replica = await startServer('replica')
    ends.push(() => replica.stop())
    const address = await startFaultProxy({ targetPort: primary.port })
    ends.push(() => address.close())
    return {
      address,
      servers: [primary, replica],
      moveAddress: () => {
        address.retarget(replica.port)
      },
      cutConnections: () => {
        address.cut()
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

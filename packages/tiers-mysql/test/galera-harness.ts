import {
  startFaultProxy,
  startPrivateGalera,
  uniqueDatabase,
  type FaultProxy,
  type PrivateGalera,
} from '@se/testkit'

/** A cluster, and an address in front of it that leads each new connection to the next of some nodes. */
export interface GaleraHarness {
  readonly cluster: PrivateGalera
  readonly address: FaultProxy
  /** A new, empty database that every node knows; its url leads through the address. */
  newDatabase(): Promise<string>
  /** The same database at one node, past the address. */
  atNode(url: string, index: number): string
  /** Leads new connections to these nodes in turn. Default: all. */
  leadTo(...indexes: readonly number[]): void
  stop(): Promise<void>
}

export async function startGaleraHarness(): Promise<GaleraHarness> {
  const cluster = await startPrivateGalera()
  const ports = cluster.nodes.map(({ port }) => port)
  const address = await startFaultProxy({ targetPort: ports[0]! })
  address.retarget(...ports)
  return {
    cluster,
    address,
    async newDatabase() {
      const { url } = await uniqueDatabase(cluster.urls[0]!)
      // A node that has not heard of the database yet would refuse it.
      await cluster.waitUntilSynced()
      return withPort(url, address.port)
    },
    atNode: (url, index) => withPort(url, ports[index]!),
    leadTo: (...indexes) => {
      address.retarget(...(indexes.length === 0 ? ports : indexes.map((index) => ports[index]!)))
    },
    async stop() {
      await address.close()
      await cluster.stop()
    },
  }
}

function withPort(url: string, port: number): string {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.href
}

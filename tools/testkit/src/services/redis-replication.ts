import { setTimeout as delay } from 'node:timers/promises'
import { TestServerUnavailable } from '../errors.ts'
import { startFaultProxy } from '../fault-proxy.ts'
import { connectRedis, endRedis } from './connect.ts'
import { startPrivateRedis, type PrivateRedisOptions } from './redis.ts'
import { startPairFrame, type ReplicatedPair } from './replicated-pair.ts'
import type { PrivateServer } from './server-process.ts'

const REPLICATED_WITHIN_MS = 30_000
const REPLICATED_POLL_MS = 10

/** Arguments of a primary that feeds its first replica at once: by default it waits 5 s for further ones. */
export const SYNC_AT_ONCE = ['--repl-diskless-sync-delay', '0']

/** Runs one command on a connection of its own; the answer as text. */
export async function callRedis(
  server: PrivateServer,
  command: string,
  ...args: readonly string[]
): Promise<string> {
  const client = await connectRedis(server.url)
  try {
    return String(await client.call(command, ...args))
  } finally {
    endRedis(client)
  }
}

/**
 * Resolves when the replica has all that the primary had when this was called.
 *
 * Neither can tell alone. The replica says right after its first copy that the link is up and that it has applied all it
 * read, while the primary sends it nothing yet, for up to a second. The primary counts nothing before its first replica
 * has come, so its count means something only once the link is up.
 *
 * @throws TestServerUnavailable when that takes longer than 30 s
 */
export async function waitForReplica(primary: PrivateServer, replica: PrivateServer): Promise<void> {
  const deadline = performance.now() + REPLICATED_WITHIN_MS
  let written: number | undefined
  for (;;) {
    const info = await callRedis(replica, 'INFO', 'replication')
    const isLinked = info.includes('master_link_status:up')
    const applied = offsetIn(info, 'slave_repl_offset')
    if (isLinked && written !== undefined && applied >= written) return
    if (performance.now() > deadline) {
      throw new TestServerUnavailable(
        `private redis: the replica stands at ${applied} (${isLinked ? 'linked' : 'not linked'}), its primary at ${written ?? 'nothing known'}, after ${REPLICATED_WITHIN_MS} ms`,
      )
    }
    if (isLinked) written ??= offsetIn(await callRedis(primary, 'INFO', 'replication'), 'master_repl_offset')
    await delay(REPLICATED_POLL_MS)
  }
}

function offsetIn(info: string, field: string): number {
  return Number(new RegExp(`\\b${field}:(\\d+)`).exec(info)?.[1] ?? -1)
}

/**
 * Starts a Redis primary with a replica, and an address that can be moved from one to the other. `demote` makes the old
 * primary a replica of the promoted server: what only it had is lost.
 *
 * @throws TestServerUnavailable when there is no redis-server, or it does not start
 */
export async function startPrivateRedisPair(
  options: Omit<PrivateRedisOptions, 'port' | 'isDetached'> = {},
): Promise<ReplicatedPair> {
  const { address, ...frame } = await startPairFrame(() =>
    startPrivateRedis({ ...options, args: [...SYNC_AT_ONCE, ...(options.args ?? [])] }),
  )
  const [primary, replica] = frame.servers
  // What the primary sends goes through here, so that it can be held back.
  const link = await startFaultProxy({ targetPort: primary.port })
  const stop = async () => {
    await Promise.all([frame.stop(), link.close()])
  }
  try {
    await callRedis(replica, 'REPLICAOF', '127.0.0.1', String(link.port))
    await waitForReplica(primary, replica)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ...frame,
    url: `redis://127.0.0.1:${address.port}`,
    async holdReplica() {
      link.stall('to-client')
    },
    releaseReplica: () => link.resume(),
    waitForReplica: () => waitForReplica(primary, replica),
    async promote() {
      await callRedis(replica, 'REPLICAOF', 'NO', 'ONE')
    },
    async demote() {
      await callRedis(primary, 'REPLICAOF', '127.0.0.1', String(replica.port))
    },
    stop,
  }
}

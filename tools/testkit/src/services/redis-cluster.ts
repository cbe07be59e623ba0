import { setTimeout as delay } from 'node:timers/promises'
import { InvalidInput } from '@se/core'
import { TestServerUnavailable } from '../errors.ts'
import { callRedis, SYNC_AT_ONCE, waitForReplica } from './redis-replication.ts'
import { startPrivateRedis, type PrivateRedisOptions } from './redis.ts'
import type { PrivateServer } from './server-process.ts'

const SLOT_COUNT = 16_384
const FORMED_WITHIN_MS = 30_000
const FORMED_POLL_MS = 20

export interface PrivateRedisClusterOptions extends Omit<PrivateRedisOptions, 'port' | 'isDetached'> {
  /** Nodes that own slots, 3 to 10. Default 3: with fewer, no majority is left when one dies. */
  readonly primaryCount?: number
  /** Replicas of each primary, 0 or 1. Default 0. */
  readonly replicasPerPrimary?: number
}

export interface PrivateRedisCluster {
  /** Urls of all nodes, primaries first. */
  readonly urls: readonly string[]
  readonly primaries: readonly PrivateServer[]
  /** `replicas[i]` belongs to `primaries[i]`; empty without replicas. */
  readonly replicas: readonly PrivateServer[]
  /** Resolves when each replica has all that its primary had when this was called. */
  waitForReplicas(): Promise<void>
  /** Ends all nodes and removes their directories. */
  stop(): Promise<void>
}

/**
 * Starts a Redis Cluster of one's own on 127.0.0.1, its slots spread evenly over the primaries, and waits until every
 * node agrees that it is complete.
 *
 * @throws InvalidInput for a node count out of range
 * @throws TestServerUnavailable when there is no redis-server, or the cluster does not form
 */
export async function startPrivateRedisCluster(
  options: PrivateRedisClusterOptions = {},
): Promise<PrivateRedisCluster> {
  const { primaryCount = 3, replicasPerPrimary = 0, args = [], ...redis } = options
  if (!Number.isInteger(primaryCount) || primaryCount < 3 || primaryCount > 10) {
    throw new InvalidInput('primaryCount', `must be an integer from 3 to 10, is ${primaryCount}`)
  }
  if (replicasPerPrimary !== 0 && replicasPerPrimary !== 1) {
    throw new InvalidInput('replicasPerPrimary', `must be 0 or 1, is ${String(replicasPerPrimary)}`)
  }
  const nodeCount = primaryCount * (1 + replicasPerPrimary)
  const nodes: PrivateServer[] = []
  async function stop(): Promise<void> {
    await Promise.all(nodes.map((node) => node.stop()))
  }

  try {
    for (let index = 0; index < nodeCount; index++) {
      const clusterArgs = [
        '--cluster-enabled',
        'yes',
        '--cluster-node-timeout',
        '2000',
        ...SYNC_AT_ONCE,
        ...args,
      ]
      nodes.push(await startPrivateRedis({ ...redis, args: clusterArgs }))
    }
    const primaries = nodes.slice(0, primaryCount)
    const replicas = nodes.slice(primaryCount)
    for (const [index, node] of nodes.entries()) {
      // Distinct epochs from the start spare the nodes the rounds in which they would settle on them.
      await callRedis(node, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
      if (index < primaryCount) {
        const first = Math.floor((SLOT_COUNT * index) / primaryCount)
        const last = Math.floor((SLOT_COUNT * (index + 1)) / primaryCount) - 1
        await callRedis(node, 'CLUSTER', 'ADDSLOTSRANGE', String(first), String(last))
      }
      if (index > 0) await callRedis(node, 'CLUSTER', 'MEET', '127.0.0.1', String(nodes[0]?.port))
    }
    await forAll(nodes, async (node) => {
      const info = await callRedis(node, 'CLUSTER', 'INFO')
      const isComplete = info.includes(`cluster_known_nodes:${nodeCount}\r`)
      return isComplete && info.includes('cluster_state:ok')
    })
    for (const [index, replica] of replicas.entries()) {
      const primary = primaries[index]
      if (primary === undefined) continue
      await callRedis(replica, 'CLUSTER', 'REPLICATE', (await callRedis(primary, 'CLUSTER', 'MYID')).trim())
    }
    await forAll(replicas, async (replica) =>
      (await callRedis(replica, 'INFO', 'replication')).includes('master_link_status:up'),
    )
    const waitForReplicas = async () => {
      for (const [index, primary] of primaries.entries()) {
        const replica = replicas[index]
        if (replica !== undefined) await waitForReplica(primary, replica)
      }
    }
    return { urls: nodes.map((node) => node.url), primaries, replicas, waitForReplicas, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function forAll(
  nodes: readonly PrivateServer[],
  isSettled: (node: PrivateServer) => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + FORMED_WITHIN_MS
  for (const node of nodes) {
    while (!(await isSettled(node))) {
      if (performance.now() > deadline) {
        throw new TestServerUnavailable(`private redis cluster: not complete within ${FORMED_WITHIN_MS} ms`)
      }
      await delay(FORMED_POLL_MS)
    }
  }
}

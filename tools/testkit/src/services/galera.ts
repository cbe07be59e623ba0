import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { InvalidInput } from '@se/core'
import type { RowDataPacket } from 'mysql2'
import { TestServerUnavailable } from '../errors.ts'
import { connectSql } from './connect.ts'
import { findBinary } from './find-binary.ts'
import { findFreePorts } from './free-port.ts'
import {
  decodeRecovered,
  decodeSavedState,
  encodeSavedState,
  encodeView,
  newestOf,
  NO_POSITION,
  positionText,
  type GaleraPosition,
} from './galera-state.ts'
import {
  createData,
  dataDirectory,
  giveToServer,
  isGreeting,
  serverArguments,
  sqlProgram,
  type SqlProgram,
} from './mariadb-data.ts'
import { PRIVATE_DATABASE, privateSqlUrl, SQL_READY_WITHIN_MS } from './mariadb.ts'
import { startServer, type PrivateServer } from './server-process.ts'

const run = promisify(execFile)
const PORT_ATTEMPTS_MAX = 5
const PORTS_PER_NODE = 4
const RECOVER_WITHIN_MS = 60_000
const SYNCED_WITHIN_MS = 60_000
const SYNCED_POLL_MS = 20

/** Names the replication library where it is not in one of the usual places. */
export const GALERA_VARIABLE = 'SE_TEST_GALERA_PROVIDER'

const USUAL_PROVIDERS = [
  '/usr/lib/galera/libgalera_smm.so',
  '/usr/lib64/galera-4/libgalera_smm.so',
  '/usr/lib64/galera/libgalera_smm.so',
  '/usr/lib/libgalera_smm.so',
]

/**
 * A node that is gone is noticed after 3 s instead of 5, and a view is agreed on in tenths of a second. Not shorter: a
 * busy machine must not look like a node that is gone.
 *
 * The time to agree runs from when a node is missed, not from when it is given up. It must be well above the 3 s: where
 * both end together, as with the default (half of `evs.inactive_timeout`), the nodes that are left give up each other, and
 * none of them is a majority any more.
 */
const QUICKLY = {
  'evs.keepalive_period': 'PT0.2S',
  'evs.inactive_check_period': 'PT0.2S',
  'evs.join_retrans_period': 'PT0.2S',
  'evs.suspect_timeout': 'PT3S',
  'evs.install_timeout': 'PT9S',
  'evs.inactive_timeout': 'PT12S',
  'gcache.size': '16M',
}

export interface PrivateGaleraOptions {
  /** 2 to 7. Default 3: with fewer, no majority is left when one dies. */
  readonly nodeCount?: number
  /** Further arguments of each server. They come last and win. */
  readonly args?: readonly string[]
  /** Further settings of the replication library, e.g. `{ 'gcs.fc_limit': '256' }`. They win. */
  readonly providerOptions?: Readonly<Record<string, string>>
}

export interface PrivateGalera {
  /** Url of each node; the user is root, without a password, the database is there and empty. */
  readonly urls: readonly string[]
  /**
   * The nodes, to be killed, paused and restarted each for itself. `restart()` brings the node back with what it still has:
   * it is given the write sets it lacks, or all data, and is ready when it is synced. While no majority is left it
   * cannot come back: see `bootstrap`.
   */
  readonly nodes: readonly PrivateServer[]
  /** Resolves when the nodes that run are one cluster with a quorum, and each says that it is synced. */
  waitUntilSynced(): Promise<void>
  /**
   * After all nodes ended: a new cluster begins with the data of one of them, and the others join it.
   *
   * @param from index of the node to begin with. Default: the one with the newest data; with another one, what only the
   *   others have is lost.
   * @throws InvalidInput while a node still runs, or when there is no such node
   */
  bootstrap(from?: number): Promise<void>
  /** Ends all nodes and removes their directories. */
  stop(): Promise<void>
}

/** Starts of a node that joins a cluster which gives it the data. */
const JOIN_ATTEMPTS_MAX = 3

/** The replication library on this machine, if all else that a cluster needs is there too. */
export function findGaleraProvider(): string | undefined {
  const given = process.env[GALERA_VARIABLE] ?? ''
  const provider = given === '' ? USUAL_PROVIDERS.find((path) => existsSync(path)) : given
  const programs = ['mariadbd', 'rsync', 'wsrep_sst_rsync']
  return programs.every((name) => findBinary(name) !== undefined) ? provider : undefined
}

/**
 * Starts a Galera cluster of one's own on 127.0.0.1 and waits until every node is synced.
 *
 * The nodes begin as a cluster does after a power cut: with the same data and the same view of who belongs to it. So all
 * start at once, and none has to be given a copy of the data, which takes 3 s a node.
 *
 * @throws InvalidInput for a node count out of range
 * @throws TestServerUnavailable when there is no Galera on this machine, or the cluster does not form
 */
export async function startPrivateGalera(options: PrivateGaleraOptions = {}): Promise<PrivateGalera> {
  const { nodeCount = 3 } = options
  if (!Number.isInteger(nodeCount) || nodeCount < 2 || nodeCount > 7) {
    throw new InvalidInput('nodeCount', `must be an integer from 2 to 7, is ${nodeCount}`)
  }
  const provider = findGaleraProvider()
  if (provider === undefined) {
    throw new TestServerUnavailable('private galera: needs galera-4, mariadbd, rsync and wsrep_sst_rsync')
  }
  const programs = { ...(await sqlProgram()), provider }
  for (let attempt = 1; ; attempt++) {
    const members = await startMembers(programs, nodeCount, options)
    if (!('failed' in members)) return assemble(programs, members.nodes)
    const isTaken = /in use|bind/i.test(String(members.failed))
    if (!isTaken || attempt >= PORT_ATTEMPTS_MAX) throw members.failed
  }
}

/** The server, and the library that makes it a node. */
interface Programs extends SqlProgram {
  readonly provider: string
}

/** One node, and how it starts the next time. */
interface Member {
  readonly server: PrivateServer
  startNextAs(role: 'member' | 'first'): void
}

async function startMembers(
  programs: Programs,
  nodeCount: number,
  options: PrivateGaleraOptions,
): Promise<{ readonly nodes: readonly Member[] } | { readonly failed: unknown }> {
  const ports = await findFreePorts(nodeCount * PORTS_PER_NODE)
  const places = Array.from({ length: nodeCount }, (_, index) => {
    const [sql = 0, group = 0, writeSets = 0, data = 0] = ports.slice(index * PORTS_PER_NODE)
    return { id: randomUUID(), ports: { sql, group, writeSets, data } }
  })
  const cluster: Cluster = {
    programs,
    options,
    // A name of more than 32 characters is refused by the peers.
    name: `se-${randomUUID().slice(0, 8)}`,
    history: randomUUID(),
    ids: places.map(({ id }) => id),
    address: `gcomm://${places.map(({ ports: { group } }) => `127.0.0.1:${group}`).join()}`,
  }
  const results = await Promise.allSettled(places.map((place) => startMember(cluster, place)))
  const nodes = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure === undefined) return { nodes }
  await Promise.all(nodes.map(({ server }) => server.stop()))
  return { failed: failure.reason }
}

interface Ports {
  readonly sql: number
  /** Of the group's own talk. */
  readonly group: number
  /** Where a node that lacks some write sets is given them. */
  readonly writeSets: number
  /** Where a node that lacks too much is given all data. */
  readonly data: number
}

interface Cluster {
  readonly programs: Programs
  readonly options: PrivateGaleraOptions
  readonly name: string
  readonly history: string
  readonly ids: readonly string[]
  readonly address: string
}

async function startMember(
  cluster: Cluster,
  { id, ports }: { readonly id: string; readonly ports: Ports },
): Promise<Member> {
  const { programs, options } = cluster
  const { sql, group, writeSets, data } = ports
  const providerOptions = Object.entries({
    ...QUICKLY,
    ...options.providerOptions,
    'gmcast.listen_addr': `tcp://127.0.0.1:${group}`,
    'ist.recv_addr': `127.0.0.1:${writeSets}`,
  })
  let role: 'member' | 'first' = 'member'

  const server = await startServer({
    name: 'galera',
    port: sql,
    readyWithinMs: SQL_READY_WITHIN_MS,
    url: privateSqlUrl,
    async prepare(directory) {
      await createData(programs, directory)
      const begin = { history: cluster.history, sequence: 0 }
      await writeForServer(directory, 'grastate.dat', encodeSavedState(begin, false))
      await writeForServer(directory, 'gvwstate.dat', encodeView(id, cluster.ids))
    },
    async command(directory, port) {
      const position = await positionOf(programs, directory)
      const isFirst = role === 'first'
      role = 'member'
      return {
        file: programs.binary,
        args: [
          ...serverArguments(programs, directory, port),
          ...replicationArguments(programs),
          `--wsrep-provider-options=${providerOptions.map((pair) => pair.join('=')).join(';')}`,
          `--wsrep-cluster-name=${cluster.name}`,
          `--wsrep-cluster-address=${cluster.address}`,
          `--wsrep-node-address=127.0.0.1:${group}`,
          `--wsrep-node-incoming-address=127.0.0.1:${sql}`,
          '--wsrep-sst-method=rsync',
          `--wsrep-sst-receive-address=127.0.0.1:${data}`,
          ...(position.sequence < 0 ? [] : [`--wsrep-start-position=${positionText(position)}`]),
          ...(isFirst ? ['--wsrep-new-cluster'] : []),
          ...(options.args ?? []),
        ],
      }
    },
    isReady: async (directory, port, pid) =>
      (await isGreeting(directory, port, pid)) &&
      (await statusOf(privateSqlUrl(port))).get('wsrep_local_state_comment') === 'Synced',
  })
  return {
    server,
    startNextAs(next) {
      role = next
    },
  }
}

async function assemble(programs: Programs, members: readonly Member[]): Promise<PrivateGalera> {
  const nodes = members.map(({ server }) => server)
  const urls = nodes.map(({ url }) => url)
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  }

  async function waitUntilSynced(): Promise<void> {
    const running = nodes.filter((node) => node.isRunning)
    const deadline = performance.now() + SYNCED_WITHIN_MS
    for (;;) {
      const statuses = await Promise.all(running.map((node) => statusOf(node.url)))
      const areSynced = statuses.every(
        (status) =>
          status.get('wsrep_local_state_comment') === 'Synced' &&
          status.get('wsrep_cluster_status') === 'Primary' &&
          status.get('wsrep_cluster_size') === String(running.length),
      )
      if (areSynced) return
      if (performance.now() > deadline) {
        const said = JSON.stringify(statuses.map((status) => Object.fromEntries(status)))
        throw new TestServerUnavailable(`private galera: not synced within ${SYNCED_WITHIN_MS} ms: ${said}`)
      }
      await delay(SYNCED_POLL_MS)
    }
  }

  async function bootstrap(from?: number): Promise<void> {
    if (nodes.some((node) => node.isRunning)) {
      throw new InvalidInput('bootstrap', 'must be called after all nodes ended, one still runs')
    }
    const positions = await Promise.all(nodes.map((node) => positionOf(programs, node.directory)))
    const index = from ?? newestOf(positions)
    const first = members[index]
    if (first === undefined) throw new InvalidInput('from', `must be the index of a node, is ${index}`)
    for (const [at, { directory }] of nodes.entries()) {
      // With a view of before, the nodes would wait for each other instead.
      rmSync(join(dataDirectory(directory), 'gvwstate.dat'), { force: true })
      const state = encodeSavedState(positions[at] ?? NO_POSITION, at === index)
      await writeForServer(directory, 'grastate.dat', state)
    }
    first.startNextAs('first')
    await first.server.restart()
    // One after the other: a node gives its data to one other at a time.
    for (const member of members) if (member !== first) await startJoining(member)
    await waitUntilSynced()
  }

  /** A node whose transfer of the data fails ends, by its design, and is to be started again. */
  async function startJoining({ server }: Member): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await server.restart()
      } catch (error) {
        if (!(error instanceof TestServerUnavailable) || attempt === JOIN_ATTEMPTS_MAX) throw error
      }
    }
  }

  try {
    const connection = await connectSql(urls[0]?.replace(PRIVATE_DATABASE, '') ?? '')
    await connection.query(`CREATE DATABASE ${PRIVATE_DATABASE}`)
    connection.destroy()
    await waitUntilSynced()
  } catch (error) {
    await stop()
    throw error
  }
  return { urls, nodes, waitUntilSynced, bootstrap, stop }
}

/** Where the data of a node that does not run stand. Unless it ended in order only the data themselves can tell. */
async function positionOf(programs: Programs, directory: string): Promise<GaleraPosition> {
  const data = dataDirectory(directory)
  if (!existsSync(join(data, 'ibdata1'))) return NO_POSITION
  const saved = decodeSavedState(readFileSync(join(data, 'grastate.dat'), 'utf8'))
  if (saved.sequence >= 0) return saved
  const { binary } = programs
  const args = [
    ...serverArguments(programs, directory, 0),
    '--skip-networking',
    ...replicationArguments(programs),
    // Asked for, and not connected to.
    '--wsrep-cluster-address=gcomm://',
    '--wsrep-recover',
  ]
  const { stdout, stderr } = await run(binary, args, { timeout: RECOVER_WITHIN_MS, cwd: directory })
  const position = decodeRecovered(`${stdout}\n${stderr}`)
  if (position === undefined) {
    throw new TestServerUnavailable(`private galera: ${binary} did not say where the data stand\n${stderr}`)
  }
  return position
}

/** Without these the server does not even look where its data stand. */
function replicationArguments({ provider }: Programs): readonly string[] {
  return [
    '--binlog-format=ROW',
    '--innodb-autoinc-lock-mode=2',
    '--wsrep-on=ON',
    `--wsrep-provider=${provider}`,
  ]
}

async function writeForServer(directory: string, name: string, text: string): Promise<void> {
  const path = join(dataDirectory(directory), name)
  writeFileSync(path, text)
  await giveToServer(path)
}

/**
 * What a node says of itself, once it has applied all that the cluster committed before; empty when it does not answer
 * or cannot know: after a freeze a node goes on saying "synced" until it has heard that the others went on without it.
 */
async function statusOf(url: string): Promise<ReadonlyMap<string, string>> {
  try {
    // The database may not be there yet.
    const connection = await connectSql(url.replace(PRIVATE_DATABASE, ''))
    try {
      await connection.query('SET SESSION wsrep_sync_wait = 15')
      const [rows] = await connection.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'wsrep%'")
      return new Map(rows.map((row) => [String(row['Variable_name']), String(row['Value'])]))
    } finally {
      connection.destroy()
    }
  } catch {
    return new Map()
  }
}

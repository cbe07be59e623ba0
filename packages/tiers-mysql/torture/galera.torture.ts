import { deepStrictEqual as deepEqual } from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import { acquireTestServices } from '@se/testkit/services'
import { startGaleraHarness, type GaleraHarness } from '../test/galera-harness.ts'
import { startGaleraWork, writtenBeyond, type GaleraWork } from '../test/galera-work.ts'
import type { LedgerWriter } from '../test/ledger-writer.ts'

/** Four processes write and read over three nodes, to which everything happens that happens to nodes. */
export const area = 'tiers-mysql.galera'

const WRITERS = 4
const HOT_IDS = 10
/** At least so many of them in one run, whatever its deadline. */
const FAULTS_MIN = 12
/** Batches of each writer between two faults. */
const BATCHES_BETWEEN = 10

interface World {
  readonly harness: GaleraHarness
  readonly work: GaleraWork
  readonly random: SeededRandom
}

const faults: Readonly<Record<string, (world: World) => Promise<void>>> = {
  async 'a node killed'({ harness, random }) {
    const killed = random.below(3)
    const node = harness.cluster.nodes[killed]!
    await node.kill()
    harness.leadTo(...[0, 1, 2].filter((index) => index !== killed))
    await setTimeout(random.below(3_000))
    await node.restart()
  },
  async 'a node frozen'({ harness, random }) {
    const node = random.pick(harness.cluster.nodes)
    await node.pause()
    // Shorter and longer than the time after which the others go on without it.
    await setTimeout(random.below(8_000))
    node.resume()
  },
  async 'a node that applies nothing, then taken over by all'({ harness, work, random }) {
    const behind = random.below(3)
    harness.leadTo((behind + 1) % 3)
    harness.address.cut()
    const holder = await createConnection(harness.atNode(work.url, behind))
    await holder.query('FLUSH TABLES WITH READ LOCK')
    await setTimeout(random.below(1_000))
    harness.leadTo(behind)
    harness.address.cut()
    await setTimeout(random.below(500))
    await holder.end()
  },
  async 'all connections cut'({ harness }) {
    harness.address.cut()
  },
  async 'a stall of the network'({ harness, random }) {
    harness.address.stall()
    await setTimeout(random.below(2_000))
    await harness.address.resume()
  },
  async 'all nodes killed at once'({ harness }) {
    await Promise.all(harness.cluster.nodes.map((node) => node.kill()))
    await harness.cluster.bootstrap()
  },
}

/** @throws AssertionError naming what was lost or stale; InstanceFenced when somebody was fenced */
export async function run(options: {
  readonly deadline: number
  readonly seed: number
  log(line: string): void
}): Promise<void> {
  const { deadline, seed, log } = options
  const random = seededRandom(seed)
  const services = await acquireTestServices({ kinds: ['galera'] })
  if ('skipped' in services.galera) return log(`skipped: ${services.galera.skipped}`)
  const harness = await startGaleraHarness()
  let work: GaleraWork | undefined
  try {
    work = await startGaleraWork(harness, WRITERS)
    log(await runFaults({ harness, work, random }, deadline, log))
  } finally {
    await work?.close()
    await harness.stop()
    await services.release()
  }
}

async function runFaults(world: World, deadline: number, log: (line: string) => void): Promise<string> {
  const { harness, work, random } = world
  const { writers } = work
  const tally = { reads: 0, stale: new Set<string>() }
  let isOver = false
  const working = Promise.all(
    writers.map(async (writer) => {
      while (!isOver) await writeAndRead(writer, work, random, tally)
    }),
  )
  let faultCount = 0
  for (; faultCount < FAULTS_MIN || Date.now() < deadline; faultCount++) {
    const name = random.pick(Object.keys(faults))
    await faults[name]!(world)
    await harness.cluster.waitUntilSynced()
    harness.leadTo()
    await writtenBeyond(writers, BATCHES_BETWEEN, working)
    log(`${name}: ${writers.reduce((sum, { sequence }) => sum + sequence, 0)} batches so far`)
    deepEqual([...tally.stale], [], `older than acknowledged, after: ${name}`)
  }
  isOver = true
  await working
  await work.checkNothingLost()
  const repeats = writers.reduce((sum, { repeatCount }) => sum + repeatCount, 0)
  return `${faultCount} faults, ${tally.reads} reads, ${repeats} batches sent again: none lost, none stale`
}

async function writeAndRead(
  writer: LedgerWriter,
  { archives, acknowledged }: GaleraWork,
  random: SeededRandom,
  tally: { reads: number; readonly stale: Set<string> },
): Promise<void> {
  const ids = [`hot.${random.below(HOT_IDS)}`, `own.${writer.instance}.${random.below(1_000)}`]
  await writer.put(ids)
  const stale = await acknowledged.staleAmong(random.pick(archives), ids)
  if (stale === undefined) return
  tally.reads += ids.length
  for (const id of stale) tally.stale.add(id)
}

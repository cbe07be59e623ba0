import type { Stamp } from '@se/core'
import { stripeOfId } from '@se/core/hash'
import type { Consistency, Item } from '../index.ts'
import { pass, turns } from './time.ts'
import type { Action, ProcessAction } from './actions.ts'
import { nameOf, type Issued } from './issued.ts'
import { Anomaly, reasonOf } from './anomaly.ts'
import type { ReadValue } from './reading.ts'
import { IDS } from './writer.ts'
import { dumpOf, setAvailable } from './simulated-cache.ts'
import { verify } from './verifying.ts'
import type { Process, World } from './world.ts'

/** What may be a reason for a check to say no, rightly. */
const DISTURBING: ReadonlySet<Action['do']> = new Set([
  'cache-answers',
  'calm',
  'collect',
  'drop-meta',
  'empty',
  'fail-disk',
  'flip-stamp',
  'kill',
  'reach',
  'restart',
  'restore',
  'set-back',
])

type Of<Name extends Action['do']> = Action & { readonly do: Name }

/** Makes a value so large that memory holds three of them. */
const PADDING = 'x'.repeat(300_000)
/** How long a cache is away whose loss everybody is to see, ms: everybody has asked it meanwhile. */
const LOSS_MS = 700

/** Does one action. What it sets going is not waited for, but for time itself. */
export async function perform(world: World, action: Action): Promise<void> {
  if (DISTURBING.has(action.do)) world.disturbances++
  switch (action.do) {
    case 'pass':
      return passTime(world, action.ms)
    case 'turns':
      return turns(action.count)
    case 'calm':
      return calm(world)
    case 'cache-answers':
      return setAvailable(world.caches[action.cache]!, action.isAvailable)
    case 'evict':
      return world.caches[action.cache]!.server.evict(action.id)
    case 'drop-meta':
      return world.caches[action.cache]!.server.dropMeta(stripeOfId(action.id))
    case 'empty':
      return world.caches[action.cache]!.server.clear()
    case 'dump':
      return void world.caches[action.cache]!.dumps.push(dumpOf(world.caches[action.cache]!.server))
    case 'set-back':
      return setBack(world, action)
    case 'flip-stamp':
      return flipStamp(world, action)
    case 'back-up':
      return backUp(world)
    case 'restore':
      return restore(world, action)
    case 'collect':
      return collect(world, action.ageMs)
    case 'set-archive-clock':
      world.hasArchiveClockJumped = true
      world.archiveSkewMs = action.skewMs
      return
    case 'start':
      return startAgain(world, world.processes[action.process]!)
    case 'thaw':
      return world.processes[action.process]!.gate.thaw(action.timersFirst)
    case 'set-clock':
      world.processes[action.process]!.skewMs = action.skewMs
      return
    default:
      return performOn(world, world.processes[action.process]!, action)
  }
}

/** What needs a process that runs. */
function performOn(world: World, process: Process, action: ProcessAction): void {
  if (action.do === 'kill') return void (process.state !== 'down' && world.kill(process, action.power))
  if (process.engine.phase === 'Failed' && process.state === 'up') return restart(world, process)
  if (!world.isUp(process)) return
  switch (action.do) {
    case 'write':
      return write(world, process, action)
    case 'read':
      return read(world, process, action.id, action.consistency)
    case 'read-everything':
      for (const id of IDS) read(world, process, id, action.consistency)
      return
    case 'read-many':
      return readMany(world, process, action.ids)
    case 'flush':
      return flush(world, process)
    case 'retry-parked':
      return retryParked(world, process, action.widen)
    case 'verify':
      return verify(world, process, action.repair)
    case 'freeze':
      return process.gate.freeze()
    case 'restart':
      return restart(world, process)
    case 'fail-disk':
      return failDisk(process)
    case 'reach':
      process.isReachable = action.isReachable
      return process.connection.setAvailable(action.isReachable)
    case 'fail-commit':
      process.failingCommits = { count: action.count, when: action.when }
      return
    case 'lose-puts':
      process.lostPuts = { count: action.count, how: action.how }
      return
  }
}

async function passTime(world: World, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    await world.clock.advance(Math.min(10, left))
    await turns(2)
  }
}

// ---------------------------------------------------------------------------------------------------------
// Clients
// ---------------------------------------------------------------------------------------------------------

function write(world: World, process: Process, { id, value, level, isLarge }: Of<'write'>): void {
  const { model } = world
  const { engine, number, life, gate } = process
  const issued = model.issue({ id, value, process: number, life, level })
  const given = isLarge ? { number: value, padding: PADDING } : value
  const call = value === undefined ? engine.delete(id, { level }) : engine.submit(id, given, { level })
  world.beside(
    process,
    call.then(
      ({ stamp }) => {
        if (process.gate !== gate) return
        world.note(`process ${number}: ${nameOf(issued)} is acknowledged at ${level}`)
        model.acknowledge(issued, stamp)
      },
      (error: unknown) => {
        issued.hasFailed = true
        world.note(`process ${number}: ${nameOf(issued)} fails: ${reasonOf(error)}`)
      },
    ),
  )
}

function read(world: World, process: Process, id: string, consistency: Consistency): void {
  const { model } = world
  const { engine, number, life, gate } = process
  const local = model.begin({ process: number, life, id, consistency: 'local' })
  model.checkFast(local, engine.containsFast(id))
  const sync = engine.getSync(id)
  if (sync !== undefined) model.end(local, valueOf(sync), true)
  const reading = model.begin({ process: number, life, id, consistency })
  const task = async (): Promise<void> => {
    let item: Item | undefined
    try {
      item = await engine.get(id, { consistency })
    } catch (error) {
      return world.note(`process ${number} cannot read ${id}: ${reasonOf(error)}`)
    }
    if (process.gate !== gate) return
    world.note(`process ${number} reads ${id} (${consistency}): ${textOf(item)}`)
    await mustBeAcknowledged(process, model.end(reading, valueOf(item), engine.status().isFresh))
  }
  world.beside(process, task())
}

function readMany(world: World, process: Process, ids: readonly string[]): void {
  const { model } = world
  const { engine, number, life, gate } = process
  const readings = ids.map((id) => model.begin({ process: number, life, id, consistency: 'local' }))
  const task = async (): Promise<void> => {
    let items: readonly (Item | undefined)[]
    try {
      items = await engine.getMany(ids)
    } catch (error) {
      return world.note(`process ${number} cannot read ${ids.join()}: ${reasonOf(error)}`)
    }
    if (process.gate !== gate) return
    world.note(`process ${number} reads ${ids.map((id, at) => `${id}: ${textOf(items[at])}`).join()}`)
    const { isFresh } = engine.status()
    const unacknowledged = readings.map((reading, at) => model.end(reading, valueOf(items[at]), isFresh))
    for (const issued of unacknowledged) await mustBeAcknowledged(process, issued)
  }
  world.beside(process, task())
}

/** Nothing is seen that is less safe than its writer asked for [W1]: what is seen is acknowledged in the same moment. */
async function mustBeAcknowledged(process: Process, issued: Issued | undefined): Promise<void> {
  if (issued === undefined) return
  await turns(3)
  if (issued.acknowledgedOrder !== undefined || issued.life !== process.life) return
  if (process.gate.isFrozen || process.state === 'down') return
  throw new Anomaly(
    'too-early',
    `${nameOf(issued)} was read at level ${issued.level}, and is not acknowledged`,
  )
}

function flush(world: World, process: Process): void {
  const { engine, number, gate } = process
  const acknowledged = world.model.acknowledgedBy(number)
  world.beside(
    process,
    engine.flush().then(
      () => {
        if (process.gate !== gate) return
        world.note(`process ${number} has flushed`)
        world.model.checkArchived(acknowledged, 'flushed')
      },
      (error: unknown) => world.note(`process ${number} cannot flush: ${reasonOf(error)}`),
    ),
  )
}

function retryParked(world: World, process: Process, widen: boolean): void {
  const [parked] = process.engine.parked()
  if (parked === undefined) return
  if (widen) world.isRefusing = !world.isRefusing
  const retried = process.engine.retryParked(parked.id).then(String, reasonOf)
  world.beside(
    process,
    retried.then((outcome) => world.note(`process ${process.number} retries ${parked.id}: ${outcome}`)),
  )
}

// ---------------------------------------------------------------------------------------------------------
// Processes
// ---------------------------------------------------------------------------------------------------------

function startAgain(world: World, process: Process): void {
  if (process.state !== 'down') return
  world.come(process, process.disk)
}

/** Stops in order, also after a failure, and starts anew. */
export function restart(world: World, process: Process): void {
  const { engine, number, life, gate } = process
  process.state = 'stopping'
  const task = async (): Promise<void> => {
    const report = await engine.stop()
    if (process.gate !== gate || process.life !== life) return
    world.note(`process ${number} stops, ${report.itemsLeftInLog} left in its log`)
    // What it holds in memory alone cannot be saved by a log that has failed.
    if (process.isDiskSuspect) world.model.forgetMemoryLevel(number)
    process.state = 'down'
    world.come(process, process.disk)
  }
  world.beside(process, task())
}

function failDisk(process: Process): void {
  const { disk } = process
  process.isDiskSuspect = true
  disk.onCall = ({ operation, path }) => {
    if (operation !== 'syncData' || !path.endsWith('.wal')) return undefined
    disk.onCall = undefined
    return { code: 'EIO' }
  }
}

// ---------------------------------------------------------------------------------------------------------
// Archive and caches
// ---------------------------------------------------------------------------------------------------------

function backUp(world: World): void {
  world.backups.push({ archive: world.archive.backup(), at: world.model.now() })
}

function restore(world: World, { back }: Of<'restore'>): void {
  const { variant } = world
  // Whoever has the file to itself would have to let go of it first.
  if (variant.isExclusive && world.processes.some(({ state }) => state !== 'down')) return
  const backup = world.backups.at(-1 - back) ?? world.backups[0]
  if (backup === undefined) return
  const count = world.model.goBack(backup.at)
  world.hasGoneBack = true
  world.archive.restoreTo(backup.archive)
  world.backups.splice(world.backups.indexOf(backup) + 1)
  world.note(`the archive goes back, and loses ${count} writes`)
}

async function collect(world: World, ageMs: number): Promise<void> {
  const { archive } = world
  const beforeMs = world.archiveNowMs() - ageMs
  await archive.foldTree()
  await archive.pruneLedger(beforeMs)
  await archive.collectTombstones(beforeMs)
  world.model.collect(beforeMs)
}

function setBack(world: World, { cache, isSeen }: Of<'set-back'>): void {
  const it = world.caches[cache]!
  const { server, dumps } = it
  const dump = dumps.at(-1)
  if (dump === undefined) return
  if (isSeen) {
    setAvailable(it, false)
    world.clock.setTimer(LOSS_MS, () => setAvailable(it, true))
  }
  for (const stripe of dump) server.restore(stripe)
  world.note(`cache ${cache} is as it was at its dump`)
}

function flipStamp(world: World, { cache, id, bit }: Of<'flip-stamp'>): void {
  world.caches[cache]!.server.tamper(id, (item) => {
    world.model.damaged.add(id)
    const time = Number(BigInt(item.stamp.time) ^ (1n << BigInt(bit)))
    world.note(`the stamp of ${id} in cache ${cache} is another one`)
    return { ...item, stamp: { ...item.stamp, time } satisfies Stamp }
  })
}

/** Everything answers again, everybody runs, the clocks are right. */
export async function calm(world: World): Promise<void> {
  for (const cache of world.caches) setAvailable(cache, true)
  world.archiveSkewMs = 0
  for (const process of world.processes) {
    process.gate.thaw(true)
    process.skewMs = Math.sign(process.skewMs) * Math.min(Math.abs(process.skewMs), 100)
    process.lostPuts = { count: 0, how: 'forgotten' }
    process.failingCommits = { count: 0, when: 'before' }
    process.isReachable = true
    process.connection.setAvailable(true)
  }
  await pass(world.clock, 7_000)
  for (const process of world.processes) {
    startAgain(world, process)
    if (process.engine.phase === 'Failed' && process.state === 'up') restart(world, process)
    await world.answered(process)
  }
}

function valueOf(item: Item | undefined): ReadValue | undefined {
  return item && { number: numberOf(item), stamp: item.stamp, version: item.version }
}

/** The number that was written, whether or not it was padded. */
export function numberOf(item: Item): unknown {
  const { value } = item
  return typeof value === 'object' && value !== null ? (value as { number: unknown }).number : value
}

function textOf(item: Item | undefined): string {
  if (item === undefined) return 'absent'
  return `${String(numberOf(item))}${item.version === undefined ? ' (pending)' : ''}`
}

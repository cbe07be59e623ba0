/** What clients ask of a process. Nobody waits for an answer; the model judges each when it arrives. */
import { StorageError } from '@se/core'
import type { Consistency, Item, ReadResult } from '../../index.ts'
import { Anomaly, reasonOf } from '../anomaly.ts'
import { nameOf, type Issued } from '../model/issued.ts'
import type { ReadValue } from '../model/reading.ts'
import type { ActionOf } from '../script/actions.ts'
import { turns } from '../time.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

/** Makes a value so large that memory holds three of them. */
const PADDING = 'x'.repeat(300_000)

export function write(
  world: World,
  process: Process,
  { id, value, level, isLarge }: ActionOf<'write'>,
): void {
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

export function read(world: World, process: Process, id: string, consistency: Consistency): void {
  const { model } = world
  const { engine, number, life, gate } = process
  const local = model.begin({ process: number, life, id, consistency: 'local' })
  model.checkFast(local, engine.containsFast(id))
  const sync = engine.getSync(id)
  if (sync !== undefined) model.end(local, valueOf(sync), true)
  const reading = model.begin({ process: number, life, id, consistency })
  const task = async (): Promise<void> => {
    let answer: ReadResult
    try {
      answer = await engine.read(id, { consistency })
    } catch (error) {
      return world.note(`process ${number} cannot read ${id}: ${reasonOf(error)}`)
    }
    if (process.gate !== gate) return
    world.reads++
    const { item, isStale } = answer
    world.note(`process ${number} reads ${id} (${consistency}): ${textOf(item)}${isStale ? ', stale' : ''}`)
    await mustBeAcknowledged(process, model.end(reading, valueOf(item), !isStale))
  }
  world.beside(process, task())
}

export function readMany(world: World, process: Process, ids: readonly string[]): void {
  const { model } = world
  const { engine, number, life, gate } = process
  const readings = ids.map((id) => model.begin({ process: number, life, id, consistency: 'local' }))
  const wasFresh = engine.status().isFresh
  const task = async (): Promise<void> => {
    let items: readonly (Item | undefined)[]
    try {
      items = await engine.getMany(ids)
    } catch (error) {
      return world.note(`process ${number} cannot read ${ids.join()}: ${reasonOf(error)}`)
    }
    if (process.gate !== gate) return
    world.reads++
    world.note(`process ${number} reads ${ids.map((id, at) => `${id}: ${textOf(items[at])}`).join()}`)
    // Here no answer says that it may be older than Δ; nor does the process say that it has missed rows of the ledger.
    const isFresh = wasFresh && engine.status().isFresh && !world.mayMissRows
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

export function flush(world: World, process: Process): void {
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

export function retryParked(world: World, process: Process, widen: boolean): void {
  const [parked] = process.engine.parked()
  if (parked === undefined) return world.note(`nothing: process ${process.number} has set nothing aside`)
  if (widen) world.isRefusing = !world.isRefusing
  const retried = process.engine.retryParked(parked.id).then(String, reasonOf)
  world.beside(
    process,
    retried.then((outcome) => world.note(`process ${process.number} retries ${parked.id}: ${outcome}`)),
  )
}

/** An action of the application; one that fails with an error of the engine has failed, any other fails the run. */
export function call(world: World, process: Process, { name, input }: ActionOf<'call'>): void {
  const { engine, number, gate } = process
  const task = async (): Promise<void> => {
    try {
      await world.application!.actions[name]!.run(engine, input as never, world.contextOf(process))
      if (process.gate === gate) world.note(`process ${number}: ${name} is done`)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      world.note(`process ${number}: ${name} fails: ${error.code}`)
    }
  }
  world.beside(process, task())
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
